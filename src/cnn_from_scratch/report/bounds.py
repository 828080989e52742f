"""How much a picture shows at most, so that its size and cost have a bound, whatever the data.

Each picture says what it leaves out.
"""

from collections.abc import Iterable
from typing import TypeVar

import pandas as pd

MAX_MODELS = 35  # as many as lines differ in colour and dashes
MAX_SEEDS = 100  # dots of a model
MAX_NAMED = 12  # seeds whose numbers are listed, steps of a ladder that are named
MAX_CLASSES = 30  # rows of a confusion matrix, steps of a ladder
MAX_COMPARISONS = 100
MAX_POINTS = 1000  # of a curve

T = TypeVar("T")


def first(values: Iterable[T], most: int, noun: str) -> tuple[list[T], str]:
    """Return the first values, and in words how many there are, '' if none is left out."""
    every = list(values)
    if len(every) <= most:
        return every, ""
    return every[:most], f"the first {most} of {len(every)} {noun}"


def with_notes(label: str, *notes: str) -> str:
    """Return a label with a further line for the notes, if any of them says something."""
    said = "; ".join(note for note in notes if note)
    return f"{label}\n{said}" if said else label


def thinned(rows: pd.DataFrame, by: list[str], most: int) -> tuple[pd.DataFrame, str]:
    """Return the rows of every second, third, ... epoch, and in words which those are.

    rows: one row per (curve, epoch), curves told apart by the columns `by`. So that at most `most`
    epochs are left, and the last one of each curve.
    """
    epochs = rows["epoch"]
    step = -(-(int(epochs.max()) + 1) // most)
    last = epochs == rows.groupby(by)["epoch"].transform("max")
    return rows[(epochs % step == 0) | last], f"one epoch in {step}" if step > 1 else ""
