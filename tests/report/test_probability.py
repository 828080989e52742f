"""The probability of a difference above 0: its ties, and how often its interval is right."""

from math import factorial

import numpy as np
import pytest
from scipy.stats import binomtest

from cnn_from_scratch.report.probability import probability_better, wilson_interval

N = 10


def test_ties_count_half() -> None:
    assert probability_better([0.2, -0.1, 0.3]) == 2 / 3
    assert probability_better([0.2, 0.0, -0.1, 0.3]) == 2.5 / 4
    assert probability_better([0.0]) == 0.5
    assert probability_better([-0.1] * 7) == 0.0


def test_rounding_decides_no_tie() -> None:
    """0.1 + 0.2 - 0.3 is 0 but for the last bits."""
    difference = 0.1 + 0.2 - 0.3
    assert difference > 0.0
    assert probability_better([difference, -difference]) == 0.5
    assert probability_better([difference]) == 0.5
    assert probability_better([1e-5]) == 1.0


@pytest.mark.parametrize("n", [1, 2, 3, 10, 446])
def test_of_whole_successes_the_interval_is_scipys(n: int) -> None:
    for wins in range(n + 1):
        scipys = binomtest(wins, n).proportion_ci(0.95, method="wilson")
        assert wilson_interval(wins / n, n) == pytest.approx([scipys.low, scipys.high], abs=1e-12)


def test_the_interval_of_half_successes_lies_between() -> None:
    lower, half, upper = (wilson_interval(wins / N, N) for wins in (3.0, 3.5, 4.0))
    assert lower[0] < half[0] < upper[0]
    assert lower[1] < half[1] < upper[1]


def coverage(win: float, tie: float) -> float:
    """Return how often the interval of N seeds is right, over all outcomes of wins and ties."""
    covered = 0.0
    for wins in range(N + 1):
        for ties in range(N + 1 - wins):
            low, high = wilson_interval((wins + ties / 2) / N, N)
            if low <= win + tie / 2 <= high:
                losses = N - wins - ties
                ways = factorial(N) / (factorial(wins) * factorial(ties) * factorial(losses))
                covered += ways * win**wins * tie**ties * (1.0 - win - tie) ** losses
    return covered


@pytest.mark.parametrize(("tie", "low", "high"), [(0.0, 0.94, 0.96), (0.1, 0.95, 1.0),
                                                  (0.3, 0.96, 1.0), (0.6, 0.97, 1.0)])  # fmt: skip
def test_so_often_the_interval_is_right(tie: float, low: float, high: float) -> None:
    """On average over all probabilities 95 times in 100; with ties more often."""
    wins = np.linspace(0.0, 1.0 - tie, 201)
    assert low <= np.mean([coverage(win, tie) for win in wins]) <= high
