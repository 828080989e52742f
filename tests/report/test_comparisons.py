"""Paired comparisons of models, checked against enumeration and worked examples."""

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_from_scratch.report.comparisons import (
    MAX_PATTERNS,
    compare_models,
    contrast_models,
    holm,
    is_exact,
    sign_flip_p,
    smallest_p,
)
from cnn_from_scratch.report.statistics import bootstrap_interval

MANY = MAX_PATTERNS.bit_length()  # the fewest differences whose patterns are too many to try


def enumerated_p(counts: list[int]) -> float:
    """Return the share of the patterns of signs with as large a sum, in whole numbers."""
    found = abs(sum(counts))
    sums = [
        abs(sum(s * c for s, c in zip(signs, counts, strict=True)))
        for signs in product((1, -1), repeat=len(counts))
    ]
    return float(Fraction(sum(total >= found for total in sums), len(sums)))


@settings(deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=2, max_size=9), st.sampled_from([1, 19, 446]))
def test_p_is_that_of_enumeration(counts: list[int], samples: int) -> None:
    """Also where many patterns tie, which rounding errors of fractions must not break."""
    differences = np.array([count / samples for count in counts])
    assert sign_flip_p(differences) == enumerated_p(counts)


def test_p_of_fractions_that_tie_but_for_their_last_bits() -> None:
    """Their mean is 0, so every pattern is as far from 0; the sum of the floats is not."""
    differences = np.array([-4, -3, 4, -1, 4]) / 10
    assert np.sum(differences) != 0.0
    assert sign_flip_p(differences) == 1.0


def test_p_of_fishers_data() -> None:
    """Darwin's maize in eighths of an inch; Fisher 1935 counts 863 of 2^15 sums on either side."""
    heights = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    assert sign_flip_p(np.array(heights)) == 2 * 863 / 2**15


@pytest.mark.parametrize("n", [2, 5, 10])
def test_the_smallest_p_is_that_of_one_model_always_better(n: int) -> None:
    assert sign_flip_p(np.linspace(0.1, 0.2, n)) == smallest_p(n) == 2 / 2**n


def test_beyond_the_limit_random_patterns_estimate_p() -> None:
    assert is_exact(MANY - 1)
    assert not is_exact(MANY)
    always_better = np.linspace(0.1, 0.2, MANY)
    assert smallest_p(MANY) <= sign_flip_p(always_better) < 10 / MAX_PATTERNS
    counts = [3, -1, 4, -1, 5, -9, 2, 6, 5, 3, -5, 8, -9, 7, 9, 3, -2]
    assert len(counts) == MANY
    estimate = sign_flip_p(np.array(counts) / 446)
    assert estimate == pytest.approx(enumerated_p(counts), abs=0.01)
    assert estimate == sign_flip_p(np.array(counts) / 446)


def test_never_an_impossible_p() -> None:
    """No random pattern reaches what is found with 60 seeds, and still p is above 0."""
    assert sign_flip_p(np.ones(60)) == smallest_p(60) > 0


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
    assert compare_models(shuffled) == {
        "A - B": {
            "split": "test",
            "n": 3,
            "mean": 0.5,
            "interval_95": bootstrap_interval(differences),
            "p": 0.25,
            "p_holm": 0.25,
        }
    }


def test_p_values_are_corrected_for_all_pairs(scores: pd.DataFrame) -> None:
    third = scores[scores["model"] == "B"].assign(model="C", accuracy=0.125)
    rows = compare_models(pd.concat([scores, third]))
    assert list(rows) == ["A - B", "A - C", "B - C"]
    assert [row["p"] for row in rows.values()] == [0.25] * 3
    assert [row["p_holm"] for row in rows.values()] == [0.75] * 3


def test_without_test_samples_validation_is_compared(scores: pd.DataFrame) -> None:
    (row,) = compare_models(scores[scores["split"] != "test"]).values()
    assert row["split"] == "val"


def test_equal_models_do_not_differ(scores: pd.DataFrame) -> None:
    twin = scores[scores["model"] == "A"].assign(model="twin")
    rows = compare_models(pd.concat([scores, twin]))
    expected: dict[str, Any] = {"mean": 0.0, "interval_95": [0.0, 0.0], "p": 1.0}
    assert rows["A - twin"].items() >= expected.items()


def test_one_model_or_one_seed_has_no_comparison(scores: pd.DataFrame) -> None:
    assert compare_models(scores[scores["model"] == "A"]) == {}
    assert compare_models(scores[scores["seed"] == 1]) == {}


def test_a_contrast_of_two_models_is_their_comparison(scores: pd.DataFrame) -> None:
    rows = contrast_models(scores, {"A or B": {"A": 1.0, "B": -1.0}})
    assert rows == {"A or B": compare_models(scores)["A - B"]}


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
    rows = contrast_models(scores, weights)
    assert list(rows) == list(weights)
    means = [row["mean"] for row in rows.values()]
    np.testing.assert_allclose(means, [0.35, 0.25, 0.15], rtol=1e-12)
    for row in rows.values():
        np.testing.assert_allclose(row["interval_95"], row["mean"], rtol=1e-12)
        assert (row["split"], row["n"], row["p"]) == ("val", 3, 0.25)
        assert row["p_holm"] == 0.75
