"""Paired comparisons of models, checked against enumeration and worked examples."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_from_scratch.report.comparisons import compare_models, contrast_models, holm
from cnn_from_scratch.report.probability import wilson_interval
from cnn_from_scratch.report.statistics import bootstrap_interval


@pytest.mark.parametrize(
    ("p_values", "corrected"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # 2nd and 3rd: max(.06, .04)
        ([0.5, 0.6], [1.0, 1.0]),
        ([0.02], [0.02]),
        ([0.01, 0.01, 0.5], [0.03, 0.03, 0.5]),
        ([], []),
    ],
)
def test_holms_correction(p_values: list[float], corrected: list[float]) -> None:
    assert holm(p_values) == pytest.approx(corrected, rel=1e-12)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12))
def test_holms_correction_rejects_what_holms_procedure_rejects(p_values: list[float]) -> None:
    """Step down from the smallest, while p_(j) <= level / (m - j + 1)."""
    corrected = holm(p_values)
    for level in (0.01, 0.05, 0.3):
        rejected = set()
        for step, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
            if p_values[i] * (len(p_values) - step) > level:
                break
            rejected.add(i)
        assert {i for i, p in enumerate(corrected) if p <= level} == rejected


def test_every_pair_is_compared_seed_by_seed(scores: pd.DataFrame) -> None:
    shuffled = scores.iloc[[*range(0, 18, 2), *range(17, 0, -2)]]
    differences = [0.25, 0.5, 0.75]
    assert compare_models(shuffled, {}) == {
        "A - B": {
            "split": "test",
            "n": 3,
            "mean": 0.5,
            "sample_sd": 0.25,
            "interval_95": bootstrap_interval(differences),
            "interval_95_with_samples": None,
            "probability_better": 1.0,
            "probability_interval_95": wilson_interval(1.0, 3),
            "p": 0.25,
            "p_holm": 0.25,
            "seeds_needed": 6,
            "seeds_needed_holm": 6,
        }
    }


def test_p_values_are_corrected_for_all_pairs(scores: pd.DataFrame) -> None:
    third = scores[scores["model"] == "B"].assign(model="C", accuracy=0.125)
    rows = compare_models(pd.concat([scores, third]), {})
    assert list(rows) == ["A - B", "A - C", "B - C"]
    assert [row["p"] for row in rows.values()] == [0.25] * 3
    assert [row["p_holm"] for row in rows.values()] == [0.75] * 3
    assert [row["seeds_needed"] for row in rows.values()] == [6] * 3
    assert [row["seeds_needed_holm"] for row in rows.values()] == [7] * 3


def test_without_test_samples_validation_is_compared(scores: pd.DataFrame) -> None:
    (row,) = compare_models(scores[scores["split"] != "test"], {}).values()
    assert row["split"] == "val"


def test_equal_models_do_not_differ(scores: pd.DataFrame) -> None:
    twin = scores[scores["model"] == "A"].assign(model="twin")
    rows = compare_models(pd.concat([scores, twin]), {})
    expected: dict[str, Any] = {
        "mean": 0.0,
        "interval_95": [0.0, 0.0],
        "probability_better": 0.5,
        "p": 1.0,
        "seeds_needed": None,
        "seeds_needed_holm": None,
    }
    assert rows["A - twin"].items() >= expected.items()


def test_one_model_or_one_seed_has_no_comparison(scores: pd.DataFrame) -> None:
    assert compare_models(scores[scores["model"] == "A"], {}) == {}
    assert compare_models(scores[scores["seed"] == 1], {}) == {}


def test_a_contrast_of_two_models_is_their_comparison(scores: pd.DataFrame) -> None:
    rows = contrast_models(scores, {"A or B": {"A": 1.0, "B": -1.0}}, {})
    assert rows == {"A or B": compare_models(scores, {})["A - B"]}


def test_the_interval_with_samples_is_that_of_the_resampled_sums(scores: pd.DataFrame) -> None:
    resampled = {"A": np.linspace(0.5, 0.9, 101), "B": np.linspace(0.3, 0.3, 101)}
    (row,) = compare_models(scores, resampled).values()
    assert row["interval_95_with_samples"] == pytest.approx([0.21, 0.59])
    (half,) = contrast_models(scores, {"half": {"A": 0.5, "B": -0.5}}, resampled).values()
    assert half["interval_95_with_samples"] == pytest.approx([0.105, 0.295])


def test_a_factorial_by_hand() -> None:
    """Cells a + b + ab: each effect is what was put in, the interaction too."""
    cells = {"00": 0.10, "10": 0.30, "01": 0.20, "11": 0.70}
    noise = [-0.01, 0.0, 0.01]  # of the seeds, the same for every model: pairing removes it
    scores = pd.DataFrame(
        {"model": model, "seed": seed, "split": "val", "accuracy": accuracy + noise[seed]}
        for model, accuracy in cells.items()
        for seed in range(3)
    )
    weights = {
        "first": {"10": 0.5, "11": 0.5, "00": -0.5, "01": -0.5},
        "second": {"01": 0.5, "11": 0.5, "00": -0.5, "10": -0.5},
        "interaction": {"00": 0.5, "11": 0.5, "01": -0.5, "10": -0.5},
    }
    rows = contrast_models(scores, weights, {})
    assert list(rows) == list(weights)
    means = [row["mean"] for row in rows.values()]
    np.testing.assert_allclose(means, [0.35, 0.25, 0.15], rtol=1e-12)
    for row in rows.values():
        np.testing.assert_allclose(row["interval_95"], row["mean"], rtol=1e-12)
        assert (row["split"], row["n"], row["p"]) == ("val", 3, 0.25)
        assert row["p_holm"] == 0.75
        assert row["probability_better"] == 1.0
