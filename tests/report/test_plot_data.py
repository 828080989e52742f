"""The data of the plots."""

import json
from collections.abc import Iterable
from typing import Any

import pandas as pd
import pytest

from cnn_from_scratch.report.plot_data import (
    confusion,
    curve,
    misclassified,
    reliability,
    run_curves,
    scores_by_seed,
    shown_predictions,
    thinned,
)


def test_curve_is_the_mean_and_its_band_at_every_epoch() -> None:
    history = pd.DataFrame(
        {
            "model": ["A"] * 4,
            "seed": [0, 0, 1, 1],
            "epoch": [0, 1, 0, 1],
            "step": [0, 7, 0, 7],
            "train_loss": [1.0, 0.5, 3.0, 0.5],
        }
    )
    assert curve(history, "train_loss") == [
        {"model": "A", "epoch": 0, "step": 0, "mean": 2.0, "low": 1.0, "high": 3.0},
        {"model": "A", "epoch": 1, "step": 7, "mean": 0.5, "low": 0.5, "high": 0.5},
    ]


def test_a_diverged_run_keeps_its_last_finite_value_in_the_curve() -> None:
    history = pd.DataFrame(
        {
            "model": "A",
            "seed": [0, 0, 0, 1],
            "epoch": [0, 1, 2, 0],
            "step": [0, 3, 6, 0],
            "val_loss": [1.0, 2.0, 3.0, 5.0],
        }
    )
    assert [row["mean"] for row in curve(history, "val_loss")] == [3.0, 3.5, 4.0]


@pytest.mark.parametrize(
    ("column", "values", "band"),
    [
        ("train_accuracy", [1.0, 0.0], (0.0, 1.0)),
        ("train_accuracy", [1.0, 1.0, 1.0, 0.0], (0.316987, 1.0)),  # 0.75 ± 0.433013
        ("val_loss", [0.0, 0.0, 0.0, 8.0], (0.0, 5.464102)),  # 2 ± 3.464102
    ],
)
def test_a_band_ends_where_the_measure_does(
    column: str, values: list[float], band: tuple[float, float]
) -> None:
    history = pd.DataFrame(
        {"model": "A", "seed": seed, "epoch": 0, "step": 0, column: value}
        for seed, value in enumerate(values)
    )
    [row] = curve(history, column)
    assert (row["low"], row["high"]) == band


def test_what_fits_is_not_thinned() -> None:
    rows = pd.DataFrame({"model": "A", "epoch": range(5)})
    assert [len(thinned(rows, ["model"], most)[0]) for most in (5, 4)] == [5, 3]
    assert [thinned(rows, ["model"], most)[1] for most in (5, 4)] == ["", "one epoch in 2"]


def test_the_curves_of_long_runs_are_thinned_and_keep_their_ends() -> None:
    history = pd.concat(
        pd.DataFrame({"model": "A", "seed": seed, "epoch": range(epochs)})
        for seed, epochs in ((0, 121), (1, 8))
    ).assign(train_loss=1 / 3, val_loss=2.0)
    rows = run_curves(history.assign(step=4 * history["epoch"]))
    assert rows[1] == {
        "model": "A",
        "seed": 0,
        "epoch": 3,
        "step": 12,
        "train_loss": 0.333333,
        "val_loss": 2.0,
    }
    epochs = [[row["epoch"] for row in rows if row["seed"] == seed] for seed in (0, 1)]
    assert epochs == [list(range(0, 121, 3)), [0, 3, 6, 7]]
    json.dumps(rows)


def test_the_curves_of_short_runs_are_whole() -> None:
    history = pd.DataFrame({"model": "A", "seed": 0, "epoch": range(60)})
    assert len(run_curves(history.assign(step=0, train_loss=1.0, val_loss=2.0))) == 60


def test_every_runs_accuracy_is_named_for_what_it_measures(scores: pd.DataFrame) -> None:
    rows = scores_by_seed(scores.assign(protocol="resubstitution"))
    assert len(rows) == len(scores)
    assert rows[1] == {
        "model": "A",
        "seed": 0,
        "split": "validation = training samples (resubstitution)",
        "accuracy": 0.5,
        "diverged": False,
    }
    json.dumps(rows)


def test_predictions_for_test_samples_are_shown_rather_than_for_validation_samples() -> None:
    val, test = (predictions(split, {0: (1, [1])}) for split in ("val", "test"))
    assert shown_predictions(pd.concat([val, test])).equals(test)
    assert shown_predictions(val).equals(val)


def test_confusion_counts_add_up_and_absent_pairs_have_no_row() -> None:
    predictions = pd.DataFrame(
        {
            "model": "A",
            "split": "val",
            "label": named([3, 1, 2, 1, 1]),
            "predicted": named([2, 2, 2, 1, 2]),
        }
    )
    rows = confusion(predictions)
    assert [tuple(row.values()) for row in rows] == [
        ("A", "val", "1", "1", 1),
        ("A", "val", "1", "2", 2),
        ("A", "val", "2", "2", 1),
        ("A", "val", "3", "2", 1),
    ]
    json.dumps(rows)


def predictions(split: str, samples: dict[int, tuple[int, list[int]]]) -> pd.DataFrame:
    """Return one row per prediction; samples: the label and what the runs predicted, by index."""
    rows = pd.DataFrame(
        {"split": split, "index": index, "label": label, "predicted": predicted}
        for index, (label, given) in samples.items()
        for predicted in given
    )
    return rows.assign(label=named(rows["label"]), predicted=named(rows["predicted"]))


def named(labels: Iterable[int]) -> Any:
    """Return labels as categories, of the classes "1", "2" and "3"."""
    return pd.Categorical(list(map(str, labels)), ["1", "2", "3"])


def test_the_worst_samples_come_first_with_all_that_they_were_called() -> None:
    found = misclassified(predictions("test", {4: (1, [1, 1, 2]), 7: (3, [2, 1, 2]), 9: (2, [2])}))
    assert found == [
        {"split": "test", "index": 7, "label": "3", "predicted": "1", "count": 1},
        {"split": "test", "index": 7, "label": "3", "predicted": "2", "count": 2},
        {"split": "test", "index": 4, "label": "1", "predicted": "1", "count": 2},
        {"split": "test", "index": 4, "label": "1", "predicted": "2", "count": 1},
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


def test_classes_keep_their_order_and_stay_text() -> None:
    names = ["10", "2", "01"]
    labels = pd.Categorical(["01", "2", "10", "2"], names)
    table = pd.DataFrame({"model": "A", "split": "val", "label": labels, "predicted": labels})
    rows = confusion(table)
    assert [(row["label"], row["count"]) for row in rows] == [("10", 1), ("2", 2), ("01", 1)]
    assert json.loads(json.dumps(rows)) == rows


def test_reliability_is_by_model_and_bin_over_all_seeds_of_the_test_samples() -> None:
    kind = pd.CategoricalDtype(["1", "2"], ordered=True)
    rows = pd.DataFrame(
        [
            ("B", 0, "val", "1", "1", 0.9),
            ("B", 0, "test", "1", "1", 1.0),
            ("B", 1, "test", "2", "1", 0.95),
            ("B", 1, "test", "2", "2", 0.4),
            ("A", 0, "test", "2", "1", 0.5),
        ],
        columns=["model", "seed", "split", "label", "predicted", "p(1)"],
    ).astype({"label": kind, "predicted": kind})
    rows["p(2)"] = 1.0 - rows["p(1)"]
    common = {"model": "B", "split": "test"}
    assert reliability(rows) == [
        common
        | {"low": 0.533333, "high": 0.6, "count": 1, "confidence": 0.6, "accuracy": 1.0},
        common
        | {"low": 0.933333, "high": 1.0, "count": 2, "confidence": 0.975, "accuracy": 0.5},
        {"model": "A", "split": "test", "low": 0.466667, "high": 0.533333, "count": 1,
         "confidence": 0.5, "accuracy": 0.0},
    ]  # fmt: skip
    validation = reliability(rows[rows["split"] == "val"])
    assert [(row["split"], row["count"], row["confidence"]) for row in validation] == [
        ("val", 1, 0.9)
    ]
