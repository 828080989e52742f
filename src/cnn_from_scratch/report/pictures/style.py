"""What the pictures share: colours, sizes, and how much a picture shows at most.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; lines differ in their
dashes too, for readers without colour. The size and the cost of a picture have a bound, whatever
the data, and each picture says what it leaves out.
"""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cnn_from_scratch.report.names import group_variant

MAX_MODELS = 35  # as many as lines differ in colour and dashes
MAX_SEEDS = 100  # dots of a model
MAX_NAMED = 12  # seeds whose numbers are listed, steps of a ladder that are named
MAX_CLASSES = 30  # rows of a confusion matrix, steps of a ladder

COLORS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)), (0, (1, 1)))
MAX_NAME = 16  # letters of a class's name

LETTERS_PER_INCH = 11  # of a label; so few that it fits
LABEL_HEIGHT = 0.24  # inches per line of a legend

Direction = Literal["x", "y"]
LineStyle = tuple[str, Any]  # a colour and dashes
T = TypeVar("T")

STYLE: dict[Any, Any] = {
    "figure.dpi": 110,
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
}


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG that names no date and no version."""
    figure.savefig(path, metadata={"Software": None})


def line_styles() -> Iterator[LineStyle]:
    """Yield a colour and dashes for every line, without end; 35 of them differ."""
    return zip(itertools.cycle(COLORS), itertools.cycle(DASHES), strict=False)


def variant_styles(models: Iterable[str]) -> dict[str, LineStyle]:
    """Return the colour and the dashes of each variant of the models."""
    variants = dict.fromkeys(group_variant(model)[1] for model in models)
    return dict(zip(variants, line_styles(), strict=False))


def stay_within(axes: Axes, direction: Direction, bounds: tuple[float, float]) -> None:
    """Let an axis, once all is drawn, not go beyond the lowest and the highest number possible."""
    low, high = sorted(getattr(axes, f"get_{direction}lim")())
    axes.set(**{f"{direction}lim": (max(low, bounds[0]), min(high, bounds[1]))})


def first(values: Iterable[T], most: int, noun: str) -> tuple[list[T], str]:
    """Return the first values, and in words how many there are, '' if none is left out."""
    every = list(values)
    if len(every) <= most:
        return every, ""
    return every[:most], f"the first {most} of {len(every)} {noun}"


def shown_name(class_name: str) -> str:
    """Return a class's name, shortened, as matplotlib shows it letter for letter."""
    line = " ".join(class_name.split()) or class_name
    short = line if len(line) <= MAX_NAME else f"{line[: MAX_NAME - 1]}…"
    return short.replace("$", r"\$")  # two of which would be mathematics


def with_notes(label: str, *notes: str) -> str:
    """Return a label with a further line for the notes, if any of them says something."""
    said = "; ".join(note for note in notes if note)
    return f"{label}\n{said}" if said else label
