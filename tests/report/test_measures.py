"""The table of measures: each by hand, and how its numbers are told."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_from_scratch.experiment.diagnostics import Diagnostics
from cnn_from_scratch.report.measures import (
    EVERYWHERE,
    MEASURES,
    Measure,
    mean_and_population_sd,
    rounded,
    told_in,
    values_of,
)
from cnn_from_scratch.report.runs import Result

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)
NAN = math.nan


def history(*epochs: tuple[float, float]) -> pd.DataFrame:
    """Return a history; epochs: train_loss and train_accuracy of each, from 0."""
    losses, accuracies = zip(*epochs, strict=True)
    return pd.DataFrame(
        {"epoch": range(len(epochs)), "train_loss": losses, "train_accuracy": accuracies}
    )


def predictions(
    labels: list[int], predicted: list[int], p: list[list[float]] | None = None
) -> pd.DataFrame:
    """Return the rows of a split. p: the probabilities of the classes; of the predicted one, 1."""
    classes = sorted({*labels, *predicted})
    kind = pd.CategoricalDtype(classes, ordered=True)
    rows = pd.DataFrame({"label": labels, "predicted": predicted}, dtype=kind)
    columns = [f"p({name})" for name in classes]
    sure = [[float(k == one) for k in classes] for one in predicted]
    rows = rows.join(pd.DataFrame(p or sure, columns=columns))
    return rows.assign(split="val", index=range(len(labels)))


def result(diverged: bool, dead_logits: int) -> Result:
    scores: Any = {}
    diagnostics = Diagnostics(dead_logits, 0.0, [])
    return Result("A", 0, 9, "holdout", 69, diverged, 9, 9, scores, diagnostics)


SCORE = {"loss": 0.5, "accuracy": 0.75}
SURE = predictions([1, 1], [1, 2])
UNSURE = predictions([1, 2], [1, 2], [[0.75, 0.25], [0.5, 0.5]])
# falls below 95 % again; never there; right while untrained
HISTORIES = (
    history((4.0, 0.5), (2.0, 0.95), (2.0, 0.9), (0.0, 1.0)),
    history((1.0, 0.949), (3.0, 0.9), (3.0, 0.9), (3.0, 0.9)),
    history((1.0, 0.99), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0)),
)
# By measure: what its function gets, and what it must give.
BY_HAND: dict[str, list[tuple[Any, float]]] = {
    "accuracy": [(SCORE, 0.75)],
    "loss": [(SCORE, 0.5)],
    "brier_score": [(SURE, 1.0), (UNSURE, 0.3125)],
    "calibration_error": [(SURE, 0.5), (UNSURE, 0.375)],
    "diverged": [(result(True, 0), 1), (result(False, 0), 0)],
    "dead_logits": [(result(False, 2), 2)],
    "reached_95": list(zip(HISTORIES, (1, 0, 1), strict=True)),
    "epochs_to_95": list(zip(HISTORIES, (1.0, NAN, 0.0), strict=True)),
    "loss_area": list(zip(HISTORIES, (6.0, 8.0, 3.0), strict=True)),
}


def test_every_measure_has_a_row() -> None:
    assert BY_HAND.keys() == MEASURES.keys()


@pytest.mark.parametrize("name", BY_HAND)
def test_a_measure_is_what_it_is_by_hand_and_within_its_bounds(name: str) -> None:
    measure = MEASURES[name]
    for told, expected in BY_HAND[name]:
        value = measure.of(told)
        assert value == pytest.approx(expected, rel=1e-12, nan_ok=True)
        assert math.isnan(value) or measure.low <= value <= measure.high
        told_value = values_of(measure.source, told)[name]
        assert told_value == value or math.isnan(value)


@pytest.mark.parametrize("name", BY_HAND)
def test_a_measure_is_told_somewhere_under_a_name_of_its_own(name: str) -> None:
    measure = MEASURES[name]
    assert set() < set(measure.told) <= set(EVERYWHERE)
    keys = [m.key or n for n, m in MEASURES.items()]
    assert keys.count(measure.key or name) == 1
    for place in measure.told:
        assert name in told_in(place, by_split=measure.by_split)
        assert name not in told_in(place, by_split=not measure.by_split)


def test_numbers_are_told_in_their_unit() -> None:
    assert MEASURES["accuracy"].heading == "Accuracy in percent"
    assert MEASURES["accuracy"].text(0.864349999) == "86.43"
    assert MEASURES["accuracy"].bounds == (0.0, 100.0)
    assert MEASURES["loss"].text(1.75) == "1.750"
    assert MEASURES["loss"].text(None) == "-"
    assert MEASURES["loss"].clamp(-0.1) == 0.0
    assert MEASURES["loss"].clamp(7.0) == 7.0
    assert MEASURES["loss"].axis == "loss (nats)"
    assert MEASURES["brier_score"].heading == "Brier score"
    assert MEASURES["brier_score"].axis == "Brier score"
    assert Measure("macro F1", "percent", "predictions", len).label == "Macro F1"


def test_mean_and_population_sd_of_known_numbers() -> None:
    assert mean_and_population_sd([2, 4, 4, 4, 5, 5, 7, 9]) == (5.0, 2.0)
    assert mean_and_population_sd([0.1]) == (0.1, 0.0)


@given(NUMBERS)
def test_mean_and_sd_agree_with_numpy(numbers: list[float]) -> None:
    mean, sd = mean_and_population_sd(numbers)
    assert mean == pytest.approx(np.mean(numbers), rel=1e-9, abs=1e-9)
    assert sd == pytest.approx(np.std(numbers, ddof=0), rel=1e-6, abs=1e-6)


@given(NUMBERS, st.randoms(use_true_random=False))
def test_the_order_of_the_seeds_does_not_matter(numbers: list[float], random: object) -> None:
    shuffled = list(numbers)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert mean_and_population_sd(shuffled)[0] == mean_and_population_sd(numbers)[0]


def test_every_written_float_is_rounded() -> None:
    value = {"a": [1 / 3, None, {"b": 2 / 3}], "n": 3, "name": "x"}
    assert rounded(value) == {"a": [0.333333, None, {"b": 0.666667}], "n": 3, "name": "x"}
