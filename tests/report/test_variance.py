"""The components of the variance: what they are, that they have no bias, and their intervals."""

import itertools
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.report import variance
from cnn_from_scratch.report.variance import (
    SOURCES,
    Correct,
    variance_components,
    variance_over_test_sets,
)

Array = np.ndarray[Any, Any]

SAMPLES = 1000  # so that a sample is a tenth of a percentage point


def with_counts(counts: Array, samples: int = SAMPLES) -> Correct:
    """Return runs with so many of the samples right, (I, J)."""
    return np.arange(samples) < np.asarray(counts)[..., None]


def estimates(correct: Correct) -> list[float]:
    return [component.variance for component in variance_components(correct).values()]


def simulated(rng: np.random.RandomState, shape: str, sds: tuple[float, ...]) -> Array:
    """Return counts of a 10 x 10 table of independent effects with those SDs, in samples.

    shape: of their distribution; 'collapse': one in five is lower than the rest by 2.5 SDs.
    """

    def effects(*size: int) -> Array:
        if shape == "normal":
            return rng.standard_normal(size)
        if shape == "exponential":
            return 1.0 - rng.exponential(size=size)
        return (0.2 - (rng.random_sample(size) < 0.2)) / 0.4

    split, initialisation, interaction = sds
    table = split * effects(10, 1) + initialisation * effects(1, 10)
    return np.rint(700 + table + interaction * effects(10, 10))


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variance, "RESAMPLES", 499)


def test_of_any_table_they_are_those_of_its_mean_squares() -> None:
    counts = np.random.RandomState(0).randint(SAMPLES, size=(4, 7))
    y = counts / SAMPLES * 100
    rows, columns = y.mean(axis=1, keepdims=True), y.mean(axis=0, keepdims=True)
    of_rows, of_columns = 7 * rows.var(ddof=1), 4 * columns.var(ddof=1)
    rest = np.sum((y - rows - columns + y.mean()) ** 2) / (3 * 6)
    expected = [(of_rows - rest) / 7, (of_columns - rest) / 4, rest]
    assert estimates(with_counts(counts)) == pytest.approx(expected)
    swapped = estimates(with_counts(counts.T))
    assert swapped == pytest.approx([expected[1], expected[0], expected[2]])


def test_they_have_no_bias() -> None:
    """The mean over many tables is off by no more than chance allows."""
    rng, sds = np.random.RandomState(1), (10.0, 30.0, 20.0)
    tables = [with_counts(simulated(rng, "normal", sds)) for _ in range(200)]
    found = np.array([estimates(table) for table in tables])
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    assert np.all(np.abs(found.mean(axis=0) - (np.array(sds) / 10) ** 2) < 2.5 * error)


def test_a_split_that_does_nothing_can_have_less_than_none() -> None:
    components = variance_components(
        with_counts(np.array([[500, 510, 505], [510, 505, 500], [505, 500, 510]]))
    )
    assert components["split"].variance < 0
    assert components["split"].interval_95[0] == 0


def test_effects_that_add_up_have_no_interaction_at_all() -> None:
    counts = np.add.outer([3, 7, 150, 41], [0, 333, 11])
    components = variance_components(with_counts(counts))
    assert components["interaction"].variance == 0
    assert components["interaction"].interval_95 == (0, 0)
    assert components["split"].interval_95[1] > 0


def test_equal_runs_have_no_spread() -> None:
    components = variance_components(with_counts(np.full((3, 3), 420)))
    assert list(components) == list(SOURCES)
    for component in components.values():
        assert (component.variance, component.interval_95) == (0, (0, 0))


@pytest.mark.parametrize("shape", [(2, 3, 5), (3, 2, 5), (3, 3, 1)])
def test_it_takes_three_of_each_source_and_two_samples(shape: tuple[int, int, int]) -> None:
    correct = np.ones(shape, bool)
    for function in (variance_components, variance_over_test_sets):
        with pytest.raises(InputError, match="got {}, {}, {}$".format(*shape)):
            function(correct)


# How often the intervals are right at 10 x 10, at least and at most, by the shape of effects, as
# `variance_components` says.
COVERAGE = {"normal": (0.93, 0.99), "exponential": (0.82, 0.98), "collapse": (0.78, 0.98)}


@pytest.mark.release
@pytest.mark.parametrize("sds", [(10, 10, 10), (20, 10, 10), (5, 30, 15)])
@pytest.mark.parametrize("shape", COVERAGE)
def test_so_often_the_intervals_are_right(shape: str, sds: tuple[float, ...]) -> None:
    rng, tables, right = np.random.RandomState(2), 400, np.zeros(3)
    for _ in range(tables):
        components = variance_components(with_counts(simulated(rng, shape, sds)))
        ends = np.array([component.interval_95 for component in components.values()])
        true = (np.array(sds) / 10) ** 2
        right += (ends[:, 0] <= true) & (true <= ends[:, 1])
    low, high = COVERAGE[shape]
    error = np.sqrt(low * (1 - low) / tables)
    assert np.all((low - 2 * error <= right / tables) & (right / tables <= high + 2 * error))


def test_it_is_the_covariance_of_runs_that_share_nothing() -> None:
    correct = np.random.RandomState(0).random_sample((3, 4, 9)) < 0.6
    cells = list(np.ndindex(3, 4))
    covariances = [
        np.cov(correct[a], correct[b])[0, 1]
        for a, b in itertools.product(cells, cells)
        if a[0] != b[0] and a[1] != b[1]
    ]
    expected = 100**2 * np.mean(covariances) / 9
    assert variance_over_test_sets(correct).variance == pytest.approx(expected)


def test_of_runs_that_all_fail_at_the_same_samples_it_is_that_of_a_share() -> None:
    """Of a share p, p (1 - p) / (N - 1)."""
    correct = with_counts(np.full((3, 5), 90), samples=100)
    assert variance_over_test_sets(correct).variance == pytest.approx(100**2 * 0.9 * 0.1 / 99)


def test_it_has_no_bias(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the samples are hard, and each run is right by chance of its own."""
    monkeypatch.setattr(variance, "RESAMPLES", 9)  # whose interval is not looked at
    rng = np.random.RandomState(3)
    difficulty = rng.choice([0.5, 0.9], size=(1000, 1, 1, 20))
    sets = rng.random_sample((1000, 3, 3, 20)) < difficulty
    found = np.array([variance_over_test_sets(correct).variance for correct in sets])
    error = found.std(ddof=1) / np.sqrt(len(found))
    assert abs(found.mean() - 100**2 * 0.2**2 / 20) < 2.5 * error


def test_its_resamples_are_those_of_tables_made_by_hand() -> None:
    """Rows, columns and samples repeated as often as they count; copies of a run are no pair."""
    rng = np.random.RandomState(4)
    correct = rng.random_sample((3, 4, 9)) < 0.6
    w, v, u = np.array([2, 0, 1]), np.array([1, 1, 0, 2]), rng.multinomial(9, [1 / 9] * 9)
    runs = list(itertools.product(np.repeat(range(3), w), np.repeat(range(4), v)))
    samples = np.repeat(range(9), u)
    covariances = [
        np.cov(correct[a][samples], correct[b][samples])[0, 1]
        for a, b in itertools.product(runs, runs)
        if a[0] != b[0] and a[1] != b[1]
    ]
    weights = (some[None].astype(float) for some in (w, v, u))
    [found] = variance._variance_over_samples(correct, *weights)
    assert found == pytest.approx(100**2 * np.mean(covariances) / 9)


def variance_of_expected_accuracy(spread_of_runs: float) -> float:
    """Return it over samples of logit N(2, 1) and runs of logit N(0, spread^2), by quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()
    logits = 2.0 + nodes[:, None] + spread_of_runs * nodes
    of_samples = (1.0 / (1.0 + np.exp(-logits))) @ weights
    return float(weights @ of_samples**2 - (weights @ of_samples) ** 2)


@pytest.mark.release
def test_so_often_the_interval_over_test_sets_is_right() -> None:
    """Samples differ in how hard they are, and runs in how good."""
    rng, right, tables = np.random.RandomState(5), 0, 200
    true = 100**2 * variance_of_expected_accuracy(np.hypot(0.3, 0.3)) / 300
    for _ in range(tables):
        logit = rng.standard_normal(300) + 2.0
        logit = logit + 0.3 * rng.standard_normal((8, 1, 1)) + 0.3 * rng.standard_normal((1, 8, 1))
        correct = rng.random_sample((8, 8, 300)) < 1.0 / (1.0 + np.exp(-logit))
        low, high = variance_over_test_sets(correct).interval_95
        right += low <= true <= high
    assert right / tables >= 0.90
