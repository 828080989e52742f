"""How long runs take that don't all arrive: by hand, and where the truth is known."""

import math

import numpy as np
import pytest

from cnn_from_scratch.report.arrivals import expected_running_time, kaplan_meier_median

NAN = math.nan


@pytest.mark.parametrize(
    ("arrived", "ended", "expected", "median"),
    [
        ([10, 20, 30], [300, 300, 300], 20.0, 20.0),
        ([10, 20], [300, 300], 15.0, 10.0),  # S is 1/2 from 10 on
        ([10, 20, NAN], [300, 300, 300], 165.0, 20.0),
        ([10, NAN], [300, 300], 310.0, 10.0),
        ([10, NAN, NAN], [300, 300, 300], 610.0, None),
        ([NAN, NAN], [300, 300], None, None),
        ([NAN], [300], None, None),
        ([7], [300], 7.0, 7.0),
        ([0, 0], [300, 300], 0.0, 0.0),  # right while untrained
        ([5, 5, 5, 9], [300] * 4, 6.0, 5.0),
        # The run that ends at 10 is none of those on their way to 20: S is 2/3, then 1/3.
        ([NAN, 20, 30, 40], [10, 300, 300, 300], 100 / 3, 30.0),
        # One that ends at 20 is still on its way there: S is 3/4, then 3/8.
        ([20, NAN, 30, 40], [300, 20, 300, 300], 110 / 3, 30.0),
        # One that ends before all arrivals counts for nothing there: S is 1/2 after the first.
        ([20, NAN, 30], [300, 19, 300], 69 / 2, 20.0),
    ],
)
def test_known_runs(
    arrived: list[float], ended: list[float], expected: float | None, median: float | None
) -> None:
    ends = np.array(ended, float)
    for order in (slice(None), slice(None, None, -1)):
        there = np.array(arrived)[order]
        assert expected_running_time(there, ends[order]) == expected
        assert kaplan_meier_median(there, ends[order]) == median


@pytest.mark.parametrize("half", range(1, 101))
def test_a_median_does_not_hang_on_the_last_bits(half: int) -> None:
    """The product of fractions that is S is 1/2 but for rounding, now below, now above it."""
    arrived = np.array([*range(1, half + 1), *[NAN] * half])
    assert kaplan_meier_median(arrived, np.full(2 * half, 300.0)) == half


@pytest.mark.parametrize("runs", range(1, 12))
def test_where_all_arrive_the_median_is_the_lower_one_of_the_epochs(runs: int) -> None:
    arrived = np.random.default_rng(runs).integers(1, 8, runs).astype(float)
    median = np.quantile(arrived, 0.5, method="inverted_cdf")
    assert kaplan_meier_median(arrived, np.full(runs, 300.0)) == median


def test_the_median_is_consistent_where_the_slow_runs_are_censored() -> None:
    """The arrivals are exponential; the median of those that arrive is not that of all.

    The standard deviation of the estimate is, asymptotically, mean / sqrt(n).
    """
    mean, end, n, studies = 100.0, 150.0, 400, 200
    rng = np.random.default_rng(0)
    times = rng.exponential(mean, (studies, n))
    times[times > end] = NAN
    medians = [kaplan_meier_median(study, np.full(n, end)) for study in times]
    error = mean / math.sqrt(n * studies)
    assert np.mean(np.array(medians, float)) == pytest.approx(mean * math.log(2), abs=4 * error)
    assert np.nanmedian(times, axis=1).mean() < 0.8 * mean * math.log(2)


def test_the_expected_time_is_that_of_restarting_until_a_run_arrives() -> None:
    """Arrivals are geometric and runs end after 30 epochs: a restart loses nothing, so ERT = 1/q.

    It is also the maximum-likelihood estimate, with a standard error of about ERT / sqrt(arrivals).
    """
    q, end = 0.02, 30
    arrived = np.random.default_rng(0).geometric(q, 20_000).astype(float)
    arrived[arrived > end] = NAN
    ert = expected_running_time(arrived, np.full(len(arrived), float(end)))
    error = 1 / q / math.sqrt(np.isfinite(arrived).sum())
    assert ert == pytest.approx(1 / q, abs=4 * error)
    assert np.nanmean(arrived) < 0.4 / q
