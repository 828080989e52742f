"""How many seeds a difference needs, checked against the test itself and direct simulation."""

import math

import numpy as np
import pandas as pd
import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.report import power
from cnn_from_scratch.report.power import (
    SIMULATIONS,
    Aim,
    paired_differences,
    seeds_needed,
    sign_flip_ps,
    simulated_power,
    simulated_seeds,
)
from cnn_from_scratch.report.sign_flips import sign_flip_p

MEASURED = np.array([12, -3, 7, 7, 0, 25, -8, 4, 7, -1]) / 446


@pytest.mark.parametrize(
    ("mean", "sd", "aim", "seeds"),
    [
        (0.5, 1.0, Aim(), 34),  # (1.95996 + 0.84162)^2 / 0.25 + 1.95996^2 / 2 = 33.3
        (-0.5, 1.0, Aim(), 34),
        (0.5, 1.0, Aim(comparisons=10), 58),  # (2.80703 + 0.84162)^2 / 0.25 + 2.80703^2 / 2 = 57.2
        (0.5, 1.0, Aim(power=0.5), 18),  # 1.95996^2 / 0.25 + 1.95996^2 / 2 = 17.3
        (0.5, 1.0, Aim(level=0.2), 19),  # (1.28155 + 0.84162)^2 / 0.25 + 1.28155^2 / 2 = 18.9
        (0.1, 0.0, Aim(), 6),  # no fewer can give p <= 0.05
        (0.1, 0.0, Aim(comparisons=10), 9),
        (0.5, 1.0, Aim(comparisons=10_000), None),  # no number can
        (0.0, 1.0, Aim(), None),
        (1e-17, 1.0, Aim(), None),  # which is 0 but for the last bits
    ],
)
def test_the_normal_approximation(mean: float, sd: float, aim: Aim, seeds: int | None) -> None:
    assert seeds_needed(mean, sd, aim) == seeds


@pytest.mark.parametrize(("mean", "aim"), [(1.0, Aim()), (1.0, Aim(comparisons=10)), (0.8, Aim())])
def test_with_so_many_seeds_normal_differences_are_found_as_often_as_asked(
    mean: float, aim: Aim
) -> None:
    """From about ten seeds to twenty, where a term less would be too few."""
    n = seeds_needed(mean, 1.0, aim)
    assert n is not None
    studies = mean + np.random.default_rng(3).standard_normal((2000, n))
    found = np.mean(sign_flip_ps(studies) <= aim.corrected_level)
    assert found == pytest.approx(aim.power, abs=0.05)


@pytest.mark.parametrize(
    "n", [2, 5, 10, *(pytest.param(n, marks=pytest.mark.release) for n in (16, 17, 40))]
)
def test_the_simulated_test_is_the_projects_own(n: int) -> None:
    """To the last bit, though many patterns tie."""
    rng = np.random.default_rng(n)
    studies = rng.choice(MEASURED, size=(12, n)) + np.linspace(-0.02, 0.02, 12)[:, None]
    studies = np.concatenate([studies, rng.choice(MEASURED, size=(12, n)), np.zeros((1, n))])
    assert sign_flip_ps(studies).tolist() == [sign_flip_p(study) for study in studies]


@pytest.mark.parametrize(
    ("n", "size"),
    [
        (5, 0.0),  # no p can be below 1/16
        (6, 1 / 32),
        (10, 50 / 1024),  # the largest multiple of 2 / 1024 that is at most 0.05
        pytest.param(20, 0.05, marks=pytest.mark.release),
    ],
)
def test_the_size_of_the_test(n: int, size: float) -> None:
    """If the mean is 0, p is at most 0.05 as seldom as it should."""
    studies = np.random.default_rng(0).standard_normal((4000, n))
    found = np.mean(sign_flip_ps(studies) <= 0.05)
    assert found == pytest.approx(size, abs=3 * math.sqrt(size * (1.0 - size) / len(studies)))


def test_the_simulated_power_is_that_of_direct_simulation() -> None:
    """Study by study, with SciPy's test and other random numbers."""
    effect, n, studies = 0.015, 9, 400
    residuals = MEASURED - MEASURED.mean()
    residuals *= MEASURED.std(ddof=1) / MEASURED.std()
    rng = np.random.RandomState(1)
    found = np.mean(
        [sign_flip_p(effect + rng.choice(residuals, n)) <= 0.05 for _ in range(studies)]
    )
    error = 0.5 * math.sqrt(1 / studies + 1 / SIMULATIONS)
    simulated = simulated_power(MEASURED, effect, n, 0.05)
    assert 0.2 < simulated < 0.8
    assert simulated == pytest.approx(found, abs=3 * error)


@pytest.mark.parametrize("aim", [Aim(), Aim(comparisons=3), Aim(power=0.6)])
def test_the_fewest_seeds_are_enough_and_one_less_is_not(aim: Aim) -> None:
    n = simulated_seeds(MEASURED, 0.018, aim)
    assert n is not None
    assert 6 < n <= 16
    at = [simulated_power(MEASURED, 0.018, size, aim.corrected_level) for size in (n - 1, n)]
    assert at[0] < aim.power <= at[1]
    approximate = seeds_needed(0.018, float(MEASURED.std(ddof=1)), aim)
    assert approximate is not None
    assert abs(n - approximate) <= 4


def test_never_fewer_seeds_than_can_give_such_a_p() -> None:
    assert simulated_seeds(MEASURED, 0.9, Aim()) == 6
    assert simulated_seeds(MEASURED, 0.9, Aim(comparisons=10)) == 9


def test_what_no_number_of_seeds_and_none_that_is_simulated_can_show(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert simulated_seeds(MEASURED, 0.9, Aim(comparisons=10_000)) is None
    monkeypatch.setattr(power, "MAX_SEEDS", 10)
    assert simulated_seeds(MEASURED, 0.001, Aim()) is None


def test_differences_are_paired_by_seed(scores: pd.DataFrame) -> None:
    found = paired_differences(scores.sample(frac=1.0, random_state=0), "A", "B")
    assert found.tolist() == [0.25, 0.5, 0.75]


def test_what_cannot_be_answered_is_said(scores: pd.DataFrame) -> None:
    with pytest.raises(InputError, match=r"^no model 'C'; there are A, B$"):
        paired_differences(scores, "A", "C")
    with pytest.raises(InputError, match=r"^the runs have a single seed; a SD takes two$"):
        paired_differences(scores[scores["seed"] == 0], "A", "B")
    shifted = scores[scores["model"] == "A"].assign(model="C", accuracy=lambda t: t["accuracy"] - 1)
    with pytest.raises(InputError, match=r"^A and C differ by the same in every seed"):
        paired_differences(pd.concat([scores, shifted]), "A", "C")
