"""Choosing a learning rate, and an optimizer, on the validation samples.

The rule, which sees no test sample and leaves no tie open. Of the rates of an optimizer, and then
of the optimizers of a network at their chosen rates, that one is the best which has

1. the highest validation accuracy, mean over seeds;
2. of equal ones, the lowest validation loss, mean over seeds;
3. of equal ones, the first place in params.yaml.

Means are equal if they agree to MEAN_DIGITS decimals. Two accuracies that stand for different
numbers of right answers differ by more; the order in which a mean was added up does not decide.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from cnn_from_scratch.report.measures import mean_and_population_sd

Numbers = np.ndarray[Any, Any]

MEAN_DIGITS = 9


class ValidationScores(NamedTuple):
    """All that a choice sees of an optimizer's trials: what they scored on the validation samples.

    rates: N of them, in the order of params.yaml. accuracy, 0..1, and loss, in nats: (n seeds, N).
    """

    rates: tuple[str, ...]
    accuracy: Numbers
    loss: Numbers

    def means(self) -> tuple[list[float], list[float]]:
        """Return accuracy and loss at each rate, mean over seeds."""
        return means_by_rate(self.accuracy), means_by_rate(self.loss)


def means_by_rate(scores: Numbers) -> list[float]:
    """Return the mean over seeds at each rate. scores: (n seeds, N rates)."""
    return [mean_and_population_sd(of_rate)[0] for of_rate in scores.T.tolist()]


def ranking(accuracy: Any, loss: Any) -> Numbers:
    """Return the places of N candidates, the best first, by the rule above.

    accuracy (..., N), loss (..., N): of the validation samples, means over seeds, in the order of
    params.yaml.
    """
    return np.lexsort((np.round(loss, MEAN_DIGITS), -np.round(accuracy, MEAN_DIGITS)))


def choose_rate(validation: ValidationScores) -> str:
    """Return the best rate, by the rule above."""
    return validation.rates[ranking(*validation.means())[0]]


def choose_optimizer(validations: Mapping[str, ValidationScores]) -> str:
    """Return the optimizer that is the best at its best rate, by the rule above."""
    accuracy, loss = [], []
    for validation in validations.values():
        means = validation.means()
        best = ranking(*means)[0]
        accuracy.append(means[0][best])
        loss.append(means[1][best])
    return list(validations)[ranking(accuracy, loss)[0]]
