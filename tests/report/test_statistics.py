"""Means, deviations, curves and counts."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_from_scratch.report.statistics import confusion, curve, mean_sd, misclassified, summary

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


def test_mean_and_population_sd_of_known_numbers() -> None:
    assert mean_sd([2, 4, 4, 4, 5, 5, 7, 9]) == (5.0, 2.0)
    assert mean_sd([0.1]) == (0.1, 0.0)


@given(NUMBERS)
def test_mean_and_sd_agree_with_numpy(numbers: list[float]) -> None:
    mean, sd = mean_sd(numbers)
    assert mean == pytest.approx(np.mean(numbers), rel=1e-9, abs=1e-9)
    assert sd == pytest.approx(np.std(numbers, ddof=0), rel=1e-6, abs=1e-6)


@given(NUMBERS, st.randoms(use_true_random=False))
def test_the_order_of_the_seeds_does_not_matter(numbers: list[float], random: object) -> None:
    shuffled = list(numbers)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert mean_sd(shuffled)[0] == mean_sd(numbers)[0]


def test_summary(scores: pd.DataFrame) -> None:
    result = summary(scores)
    assert list(result) == ["A", "B"]
    assert result["A"]["val_accuracy"] == {"mean": 0.75, "sd": 0.204124, "n": 3}
    assert result["A"]["val_loss"] == {"mean": 1.75, "sd": 0.204124, "n": 3}
    assert result["B"]["test_accuracy"] == {"mean": 0.25, "sd": 0.0, "n": 3}
    assert (result["A"]["diverged"], result["B"]["diverged"]) == (0, 1)
    assert (result["A"]["dead_logit_runs"], result["B"]["dead_logit_runs"]) == (2, 0)
    json.dumps(result, allow_nan=False)


def test_summary_has_no_test_figures_without_a_test_sheet(scores: pd.DataFrame) -> None:
    result = summary(scores[scores["split"] != "test"])
    assert set(result["A"]) == {
        "train_accuracy", "train_loss", "val_accuracy", "val_loss", "diverged", "dead_logit_runs"
    }  # fmt: skip


def test_curve_is_the_mean_and_its_band_at_every_epoch() -> None:
    history = pd.DataFrame(
        {
            "model": ["A"] * 4,
            "seed": [0, 0, 1, 1],
            "epoch": [0, 1, 0, 1],
            "train_loss": [1.0, 0.5, 3.0, 0.5],
        }
    )
    assert curve(history, "train_loss") == [
        {"model": "A", "epoch": 0, "mean": 2.0, "low": 1.0, "high": 3.0},
        {"model": "A", "epoch": 1, "mean": 0.5, "low": 0.5, "high": 0.5},
    ]


def test_a_diverged_run_keeps_its_last_finite_value_in_the_curve() -> None:
    history = pd.DataFrame(
        {
            "model": "A",
            "seed": [0, 0, 0, 1],
            "epoch": [0, 1, 2, 0],
            "val_loss": [1.0, 2.0, 3.0, 5.0],
        }
    )
    assert [row["mean"] for row in curve(history, "val_loss")] == [3.0, 3.5, 4.0]


def test_confusion_counts_add_up_and_absent_pairs_are_zero() -> None:
    predictions = pd.DataFrame(
        {
            "model": "A",
            "split": "val",
            "label": [1, 1, 2, 3],
            "predicted": [1, 2, 2, 2],
        }
    )
    rows = confusion(predictions)
    assert len(rows) == 9
    counts = {(row["label"], row["predicted"]): row["count"] for row in rows}
    assert counts == {(1, 1): 1, (1, 2): 1, (1, 3): 0, (2, 1): 0, (2, 2): 1, (2, 3): 0,
                      (3, 1): 0, (3, 2): 1, (3, 3): 0}  # fmt: skip


def predictions(split: str, samples: dict[int, tuple[int, list[int]]]) -> pd.DataFrame:
    """Return a row a prediction; samples: the label and what the runs predicted, by index."""
    return pd.DataFrame(
        {"split": split, "index": index, "label": label, "predicted": predicted}
        for index, (label, given) in samples.items()
        for predicted in given
    )


def test_the_worst_samples_come_first_with_all_that_they_were_called() -> None:
    found = misclassified(predictions("test", {4: (1, [1, 1, 2]), 7: (3, [2, 1, 2]), 9: (2, [2])}))
    assert found == [
        {"split": "test", "index": 7, "label": 3, "predicted": 1, "count": 1},
        {"split": "test", "index": 7, "label": 3, "predicted": 2, "count": 2},
        {"split": "test", "index": 4, "label": 1, "predicted": 1, "count": 2},
        {"split": "test", "index": 4, "label": 1, "predicted": 2, "count": 1},
    ]
    json.dumps(found)


def test_shares_count_before_numbers_and_those_before_the_index() -> None:
    """Sample 1 is wrong more often than 5 and 6, but was predicted more often, too."""
    samples = {1: (1, [1, 1, 1, 2, 2]), 5: (1, [2]), 6: (1, [2, 2]), 2: (1, [3])}
    found = misclassified(predictions("val", samples))
    assert list(dict.fromkeys(row["index"] for row in found)) == [6, 2, 5, 1]


def test_test_samples_are_preferred_and_no_more_than_twelve_are_listed() -> None:
    wrong = {index: (1, [2]) for index in range(20)}
    both = pd.concat([predictions("val", {30: (1, [2])}), predictions("test", wrong)])
    assert [row["index"] for row in misclassified(both)] == list(range(12))


def test_nothing_misclassified_is_an_empty_list() -> None:
    assert misclassified(predictions("test", {0: (1, [1, 1])})) == []
