"""What trying fewer rates would have given: against every subset, and every resample of seeds."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from cnn_from_scratch.report.choosing import Numbers, ValidationScores, ranking
from cnn_from_scratch.report.statistics import normal_coverage
from cnn_from_scratch.report.tuning import (
    Trials,
    chances,
    expected_best,
    read_trials,
    sensitivity,
    sensitivity_table,
    tuning_curves,
)

GRID = ("0.001", "0.003", "0.01", "0.03", "0.1", "0.3", "1.0", "3.0")


def trials(val_accuracy: Numbers, val_loss: Numbers, test_accuracy: Numbers) -> Trials:
    return Trials(
        ValidationScores(GRID[: val_loss.shape[1]], val_accuracy, val_loss), test_accuracy
    )


def random_trials(seed: int, seeds: int, rates: int) -> Trials:
    """Return trials of few samples, so that many rates tie."""
    rng = np.random.RandomState(seed)
    shape = (seeds, rates)
    return trials(rng.randint(0, 4, shape) / 3, rng.randint(0, 3, shape) / 2, rng.rand(*shape))


def over_subsets(means: list[list[float]], k: int) -> list[float]:
    """Return the mean accuracies, of validation and test, of the best of each subset of k rates.

    means: validation accuracy, validation loss and test accuracy by rate.
    """
    best = [
        min(subset, key=lambda rate: (-round(means[0][rate], 9), round(means[1][rate], 9), rate))
        for subset in itertools.combinations(range(len(means[0])), k)
    ]
    return [math.fsum(means[row][rate] for rate in best) / len(best) for row in (0, 2)]


def seed_means(scores: Trials, seeds: tuple[int, ...]) -> list[list[float]]:
    (_, accuracy, loss), test = scores
    return [x[list(seeds)].mean(axis=0).tolist() for x in (accuracy, loss, test)]


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_the_chances_are_shares_of_the_subsets(n: int) -> None:
    for k in range(1, n + 1):
        best = [min(subset) for subset in itertools.combinations(range(n), k)]
        shares = [Fraction(best.count(rank), len(best)) for rank in range(n)]
        assert chances(n)[k - 1].tolist() == [float(share) for share in shares]


@pytest.mark.parametrize("seed", range(5))
def test_the_expected_best_is_the_mean_over_all_subsets_also_with_ties(seed: int) -> None:
    scores = random_trials(seed, 3, 5)
    told = tuning_curves(scores)
    for k in range(1, 6):
        expected = over_subsets(seed_means(scores, (0, 1, 2)), k)
        assert [told[split][str(k)]["mean"] for split in ("val", "test")] == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_is_of_all_resamples_each_ranked_anew(seed: int) -> None:
    """Three seeds have 27 resamples: the interval leaves out less than any of them is."""
    scores = random_trials(seed, 3, 4)
    told = tuning_curves(scores)
    resamples = [seed_means(scores, s) for s in itertools.product(range(3), repeat=3)]
    for k in range(1, 5):
        every = [over_subsets(means, k) for means in resamples]
        for split, values in zip(("val", "test"), zip(*every, strict=True), strict=True):
            ends = [min(values), max(values)]
            assert told[split][str(k)]["interval_95"] == pytest.approx(ends)


def test_more_tries_are_no_worse_on_the_validation_samples_and_may_be_on_the_test_samples() -> None:
    accuracy = np.array([0.5, 0.9, 0.7])
    order = ranking(accuracy, np.zeros(3))
    assert expected_best(accuracy, order).tolist() == pytest.approx([0.7, 2.5 / 3, 0.9])
    misled = expected_best(1.0 - accuracy, order)
    assert misled.tolist() == pytest.approx([0.3, 0.5 / 3, 0.1])


def test_the_test_samples_have_no_say() -> None:
    """Whatever they say, the same rates count, with the same chances."""
    (_, accuracy, loss), test = random_trials(1, 4, 6)
    told = tuning_curves(trials(accuracy, loss, test))
    other = tuning_curves(trials(accuracy, loss, 1.0 - test))
    assert other["val"] == told["val"]
    for k, entry in told["test"].items():
        assert other["test"][k]["mean"] == pytest.approx(1.0 - entry["mean"])


@pytest.mark.release
def test_the_interval_is_right_as_often_as_one_of_a_mean() -> None:
    """Where the ranks are certain, the expected best is a weighted mean of the rates' means."""
    simulations, n = 200, 12
    truth = np.linspace(0.2, 0.9, 8)
    expected = expected_best(truth, ranking(truth, truth))
    rng = np.random.RandomState(4)
    right = np.zeros(8)
    for _ in range(simulations):
        accuracy = truth + 0.01 * rng.randn(n, 8)
        told = tuning_curves(trials(accuracy, np.zeros((n, 8)), accuracy))["test"]
        low, high = zip(*(told[str(k)]["interval_95"] for k in range(1, 9)), strict=True)
        right += (np.array(low) <= expected) & (expected <= np.array(high))
    coverage = normal_coverage(n)
    four_sd = 4.0 * math.sqrt(coverage * (1.0 - coverage) / simulations)  # eight are looked at
    assert np.abs(right / simulations - coverage).max() <= four_sd


def test_the_trials_are_read_in_the_order_of_the_models_and_by_seed() -> None:
    rows = [
        (f"{model}/{rate}", seed, split, accuracy, loss)
        for seed in (7, 3)
        for model, base in (("S-sgd", 0.0), ("S-adam", 0.5))
        for rate, step in (("0.3", 0.2), ("0.1", 0.1))
        for split, accuracy, loss in (
            ("train", 9.0, 9.0),
            ("val", base + step + seed / 100, base + step + seed),
            ("test", base + step + seed / 1000, 9.0),
        )
    ]
    scores = pd.DataFrame(rows, columns=["model", "seed", "split", "accuracy", "loss"])
    read = read_trials(scores)
    assert list(read) == ["S-sgd", "S-adam"]
    (rates, accuracy, loss), test = read["S-adam"]
    assert rates == ("0.3", "0.1")
    np.testing.assert_allclose(accuracy, [[0.73, 0.63], [0.77, 0.67]])
    np.testing.assert_allclose(loss, [[3.7, 3.6], [7.7, 7.6]])
    np.testing.assert_allclose(test, [[0.703, 0.603], [0.707, 0.607]])


def test_the_sensitivity_to_the_rate() -> None:
    accuracy = np.array([[0.5, 0.88, 0.9, 0.8799, 0.89]])
    told = sensitivity(ValidationScores(GRID[:5], accuracy, np.zeros((1, 5))))
    assert told == {
        "rates": 5,
        "random": pytest.approx(0.80998),
        "best": 0.9,
        "gap": pytest.approx(0.09002),
        "good_rates": 3,  # 0.88 is: exactly two points below
        "decades": pytest.approx(math.log10(0.1 / 0.003)),
        "tries": 2,  # 0.4 0.9 + 0.3 0.89 + 0.2 0.88 + 0.1 0.8799 = 0.89099
    }


def test_the_table_of_sensitivities() -> None:
    accuracy = np.array([[0.5, 0.9, 0.88]])
    told = sensitivity(ValidationScores(GRID[:3], accuracy, np.zeros((1, 3))))
    header, _, row = sensitivity_table({"S-sgd": told}).splitlines()
    cells = dict(zip(header.split("|"), row.split("|"), strict=True))
    assert {name.strip(): cell.strip() for name, cell in cells.items() if name} == {
        "Model": "S-sgd", "Random rate": "76.00", "Best rate": "90.00", "Gap": "14.00",
        "Good rates": "2 of 3", "Decades": "0.5", "Rates to try": "2",
    }  # fmt: skip
