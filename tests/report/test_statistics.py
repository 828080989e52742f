"""Means, deviations and intervals."""

import itertools
import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_from_scratch.report.measures import MEASURES, Measure, told_in
from cnn_from_scratch.report.statistics import (
    bootstrap_interval,
    describe,
    model_convergence,
    model_statistics,
    normal_coverage,
    over_runs,
    over_seeds,
    summary,
)

NAN = math.nan
NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


def test_the_interval_is_that_of_all_resamples() -> None:
    """Of two numbers a quarter of the resamples has the low mean, and a quarter the high one."""
    assert bootstrap_interval([1.0, 2.0]) == [1.0, 2.0]
    numbers = [0.0, 1.0, 1.0, 3.0, 10.0]
    means = [np.mean(resample) for resample in itertools.product(numbers, repeat=5)]
    expected = np.quantile(means, [0.025, 0.975])
    assert bootstrap_interval(numbers) == pytest.approx(expected, abs=0.2)


def test_the_interval_depends_on_the_numbers_alone() -> None:
    """Neither on their order nor on what was drawn before."""
    numbers = [0.3, 0.92, 0.41, 0.87, 0.55, 0.11, 0.73]
    first = bootstrap_interval(numbers)
    bootstrap_interval([1.0, 2.0])
    assert bootstrap_interval(numbers[::-1]) == first


@pytest.mark.parametrize("value", [0.0, 0.1, 1.0, 1 / 3])
def test_equal_numbers_have_an_interval_without_width(value: float) -> None:
    assert bootstrap_interval([value] * 7) == pytest.approx([value] * 2, rel=1e-15)


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=12))
def test_the_interval_lies_among_the_numbers(numbers: list[float]) -> None:
    interval = bootstrap_interval(numbers)
    assert interval is not None
    slack = 1e-12 * max(map(abs, numbers))
    assert min(numbers) - slack <= interval[0] <= interval[1] <= max(numbers) + slack


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_so_often_the_interval_of_normal_numbers_is_right(n: int) -> None:
    draws = np.random.RandomState(0).standard_normal((600, n))
    intervals = [bootstrap_interval(numbers) for numbers in draws]
    covered = np.mean([low <= 0.0 <= high for low, high in filter(None, intervals)])
    error = math.sqrt(0.25 / len(draws))  # no SD of a share is larger
    assert normal_coverage(n) == pytest.approx(covered, abs=2 * error)


def test_coverage_of_many_seeds_is_nearly_that_of_the_name() -> None:
    assert normal_coverage(2) == 0.5  # both numbers lie on one side with probability 1/2
    assert 0.949 < normal_coverage(1000) < 0.95


def test_statistics_of_known_numbers() -> None:
    assert describe([2, 4, 4, 4, 5, 5, 7, 9]) == {
        "n": 8,
        "mean": 5.0,
        "population_sd": 2.0,
        "sample_sd": math.sqrt(32 / 7),
        "median": 4.5,
        "interquartile_mean": 4.5,  # of 4, 4, 5, 5
        "interval_95": bootstrap_interval([2, 4, 4, 4, 5, 5, 7, 9]),
    }


def test_statistics_of_a_single_number_leave_out_what_takes_two() -> None:
    assert describe([0.75]) == {
        "n": 1,
        "mean": 0.75,
        "population_sd": 0.0,
        "sample_sd": None,
        "median": 0.75,
        "interquartile_mean": 0.75,
        "interval_95": None,
    }


def test_statistics_of_every_model_split_and_measure(scores: pd.DataFrame) -> None:
    resampled = {"A": np.linspace(0.0, 1.0, 1001), "B": np.full(3, 0.25)}
    result = model_statistics(scores, resampled)
    assert list(result) == ["A", "B"]
    for model in result.values():
        assert list(model) == ["val", "test"]
        assert list(model["val"]) == ["accuracy", "loss", "brier_score", "calibration_error"]
    with_samples = {"interval_95_with_samples": pytest.approx([0.025, 0.975])}
    assert result["A"]["test"]["accuracy"] == describe([0.5, 0.75, 1.0]) | with_samples
    assert result["A"]["val"]["accuracy"] == describe([0.5, 0.75, 1.0])
    without = model_statistics(scores, {})["A"]["test"]["accuracy"]
    assert without["interval_95_with_samples"] is None
    assert result["A"]["val"]["loss"] == describe([1.5, 1.75, 2.0])
    assert list(model_statistics(scores[scores["split"] != "test"], {})["A"]) == ["val"]


def test_summary(scores: pd.DataFrame) -> None:
    result = summary(scores)
    assert list(result) == ["A", "B"]
    assert result["A"]["val_accuracy"] == {"mean": 0.75, "population_sd": 0.204124, "n": 3}
    assert result["A"]["val_loss"] == {"mean": 1.75, "population_sd": 0.204124, "n": 3}
    assert result["B"]["test_accuracy"] == {"mean": 0.25, "population_sd": 0.0, "n": 3}
    assert (result["A"]["diverged"], result["B"]["diverged"]) == (0, 1)
    assert (result["A"]["dead_logit_runs"], result["B"]["dead_logit_runs"]) == (2, 0)
    json.dumps(result, allow_nan=False)


def test_summary_has_no_test_figures_without_a_test_sheet(scores: pd.DataFrame) -> None:
    result = summary(scores[scores["split"] != "test"])
    assert set(result["A"]) == {
        "train_accuracy", "train_loss", "val_accuracy", "val_loss", "val_brier_score",
        "val_calibration_error", "diverged", "dead_logit_runs",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("loss_area", [1.0, 3.0], {"mean": 2.0, "population_sd": 1.0}),
        ("loss_area", [1.0, NAN], {"mean": 1.0, "population_sd": 0.0}),
        ("loss_area", [NAN, NAN], None),
        ("diverged", [True, False, True], 2),
        ("dead_logits", [0, 3, 1], 2),
        ("dead_logits", [0], 0),
    ],
)
def test_what_is_told_of_the_seeds(name: str, values: list[float], told: Any) -> None:
    found = over_seeds(name, pd.DataFrame({name: values}))
    assert found == told
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("runs", "expected", "median"),
    [
        ([(4.0, 30, False), (2.0, 30, False), (NAN, 30, False)], 18.0, 4.0),
        ([(4.0, 30, False), (NAN, 30, False), (NAN, 30, False)], 64.0, None),
        # Diverged at 3: never there, so that S is 2/3, 1/3, for 3 epochs.
        ([(4.0, 30, False), (20.0, 30, False), (NAN, 3, True)], 27 / 2, 20.0),
        # Stopped at 3: what it would have done is left open, so S is 1/2, 0.
        ([(4.0, 30, False), (20.0, 30, False), (NAN, 3, False)], 27 / 2, 4.0),
        ([(NAN, 3, True), (NAN, 30, False)], None, None),
    ],
)
def test_what_is_told_of_an_epoch_that_not_every_run_gets_to(
    runs: list[tuple[float, int, bool]], expected: float | None, median: float | None
) -> None:
    """runs: when each gets there, its last epoch, and whether it diverged."""
    frame = pd.DataFrame(runs, columns=["epochs_to_95", "last_finite_epoch", "diverged"])
    found = over_seeds("epochs_to_95", frame)
    assert found == {"expected": expected, "kaplan_meier_median": median, "followed_to": 30.0}
    assert over_seeds("epochs_to_95", frame.iloc[::-1]) == found
    json.dumps(found, allow_nan=False)


def test_a_run_counts_once_though_it_has_a_row_for_each_split(scores: pd.DataFrame) -> None:
    a = scores[scores["model"] == "A"]
    assert over_runs(a, told_in("summary", by_split=False)) == {"diverged": 0, "dead_logit_runs": 2}
    told = over_runs(a.iloc[::-1], told_in("statistics", by_split=False))
    assert told.pop("loss_area") == pytest.approx({"mean": 2.0, "population_sd": (2 / 3) ** 0.5})
    arrivals = {"expected": 3.0, "kaplan_meier_median": 2.0, "followed_to": 3.0}
    assert told == {"reached_95": 2, "epochs_to_95": arrivals}


def test_a_models_convergence(scores: pd.DataFrame) -> None:
    convergence = model_convergence(scores)
    assert list(convergence) == ["A", "B"]
    area = convergence["A"].pop("loss_area")
    # After 1 and 2 epochs, and one not in 3.
    arrivals = {"expected": 3.0, "kaplan_meier_median": 2.0, "followed_to": 3.0}
    assert convergence["A"] == {"n": 3, "reached_95": 2, "epochs_to_95": arrivals}
    assert area["mean"] == pytest.approx(2.0)
    assert area["population_sd"] == pytest.approx(np.std([1.0, 2.0, 3.0]))
    assert convergence["B"]["reached_95"] == 0
    never = {"expected": None, "kaplan_meier_median": None, "followed_to": 3.0}
    assert convergence["B"]["epochs_to_95"] == never
    json.dumps(convergence, allow_nan=False)


def test_the_order_of_the_rows_does_not_matter(scores: pd.DataFrame) -> None:
    assert model_convergence(scores.iloc[::-1]) == model_convergence(scores)
    assert list(model_convergence(scores.iloc[::-1])) == ["B", "A"]


def test_a_measure_of_held_out_samples_alone_is_left_out_for_training(
    scores: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MEASURES, "f1", Measure("F1", "percent", "predictions", len))
    held_out = scores.assign(f1=scores["accuracy"].where(scores["split"] != "train"))
    assert "train_f1" not in summary(held_out)["A"]
    assert summary(held_out)["A"]["val_f1"] == summary(held_out)["A"]["val_accuracy"]
    assert model_statistics(held_out, {})["A"]["test"]["f1"] == describe([0.5, 0.75, 1.0])
