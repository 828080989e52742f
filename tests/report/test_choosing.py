"""The rule by which rates and optimizers are chosen, and what it sees."""

import itertools

import numpy as np
import pytest

from cnn_from_scratch.report.choosing import (
    ValidationScores,
    choose_optimizer,
    choose_rate,
    ranking,
)

RATES = ("0.1", "0.3", "1.0")


def validation(accuracy: list[float], loss: list[float]) -> ValidationScores:
    """Return what one seed scored at each rate."""
    return ValidationScores(RATES[: len(loss)], np.array([accuracy]), np.array([loss]))


@pytest.mark.parametrize(
    ("accuracy", "loss", "order"),
    [
        ([0.7, 0.9, 0.8], [0.1, 0.9, 0.5], [1, 2, 0]),  # the accuracy decides
        ([0.9, 0.9, 0.8], [0.5, 0.4, 0.1], [1, 0, 2]),  # between equal ones the loss
        ([0.9, 0.9, 0.9], [0.4, 0.5, 0.4], [0, 2, 1]),  # between equal ones the place
        ([0.9, 0.9, 0.9], [0.4, 0.4, 0.4], [0, 1, 2]),
    ],
)
def test_each_level_of_the_rule_decides_between_those_that_are_equal_above(
    accuracy: list[float], loss: list[float], order: list[int]
) -> None:
    assert ranking(accuracy, loss).tolist() == order
    assert choose_rate(validation(accuracy, loss)) == RATES[order[0]]


def test_the_last_bits_of_a_mean_do_not_decide() -> None:
    assert ranking([0.9, 0.9 + 1e-15, 0.9], [0.4, 0.5, 0.4 - 1e-15]).tolist() == [0, 2, 1]
    one_answer = 1.0 / 10_000_000  # of so many: that does
    assert ranking([0.9, 0.9 + one_answer], [0.1, 0.9]).tolist() == [1, 0]


def test_the_means_over_seeds_are_compared_in_whatever_order_the_seeds_are() -> None:
    accuracy = np.array([[0.1, 0.3], [0.2, 0.1], [0.3, 0.2]])
    loss = np.array([[0.7, 0.2], [0.1, 0.1], [0.2, 0.7]])
    for order in map(list, itertools.permutations(range(3))):
        assert choose_rate(ValidationScores(RATES[:2], accuracy[order], loss[order])) == "0.1"


def test_many_tables_are_ranked_at_once() -> None:
    rng = np.random.RandomState(3)
    accuracy, loss = rng.randint(0, 3, (20, 5)) / 2, rng.randint(0, 3, (20, 5)) / 2
    each = [ranking(a, b).tolist() for a, b in zip(accuracy, loss, strict=True)]
    assert ranking(accuracy, loss).tolist() == each


def test_optimizers_are_compared_at_their_chosen_rates_by_the_same_rule() -> None:
    low, high = validation([0.8, 0.9], [0.1, 0.5]), validation([0.9, 0.7], [0.4, 0.0])
    assert choose_optimizer({"low": low, "high": high}) == "high"  # 0.9 both; a loss of 0.4
    assert choose_optimizer({"a": low, "b": low}) == "a"
    better = validation([0.1, 0.95], [0.1, 9.0])
    assert choose_optimizer({"high": high, "better": better}) == "better"
