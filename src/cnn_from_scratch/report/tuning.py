"""Choosing a learning rate on the validation samples, and what trying fewer rates would have given.

The rule, made before any test sample is looked at. Of the rates of an optimizer, and of the
optimizers of a network at their chosen rates, that one is the best which has

1. the highest validation accuracy, mean over seeds;
2. of equal ones, the lowest validation loss, mean over seeds;
3. of equal ones, the first place in params.yaml.

Means are equal if they agree to TIE_DIGITS digits: any two that stand for different numbers of
right answers differ by more, and the order of a sum does not matter.
"""

from math import comb, log10
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from cnn_from_scratch.report.measures import mean_and_population_sd
from cnn_from_scratch.report.statistics import CONFIDENCE, RESAMPLES, RESAMPLING_SEED

Numbers = np.ndarray[Any, Any]

TIE_DIGITS = 9
TOLERANCE = 0.02  # a rate whose validation accuracy is so near to the best one's is a good one
SPLITS = ("val", "test")


class Trials(NamedTuple):
    """What the runs of one optimizer scored: arrays (n seeds, N rates), the rates in given order.

    val_loss is in nats, the accuracies are from 0 to 1.
    """

    rates: tuple[str, ...]
    val_accuracy: Numbers
    val_loss: Numbers
    test_accuracy: Numbers


def read_trials(scores: pd.DataFrame) -> dict[str, Trials]:
    """Return the trials of each optimizer. scores: `Runs.scores`, of models '<optimizer>/<rate>'.

    Optimizers and rates are in the order of params.yaml, the seeds in ascending order.
    """
    rates: dict[str, list[str]] = {}
    for name in dict.fromkeys(scores["model"]):
        optimizer, _, rate = str(name).partition("/")
        rates.setdefault(optimizer, []).append(rate)
    table = scores.pivot(index="seed", columns=["split", "model"], values=["accuracy", "loss"])

    def of(optimizer: str, measure: str, split: str) -> Numbers:
        names = [f"{optimizer}/{rate}" for rate in rates[optimizer]]
        return np.asarray(table[measure][split][names], float)

    return {
        optimizer: Trials(
            tuple(of_optimizer),
            of(optimizer, "accuracy", "val"),
            of(optimizer, "loss", "val"),
            of(optimizer, "accuracy", "test"),
        )
        for optimizer, of_optimizer in rates.items()
    }


def over_seeds(scores: Numbers) -> list[float]:
    """Return the mean over seeds at each rate. scores: (n seeds, N rates)."""
    return [mean_and_population_sd(of_rate)[0] for of_rate in scores.T.tolist()]


def ranking(val_accuracy: Any, val_loss: Any) -> Numbers:
    """Return the places of the candidates, the best first, by the rule above.

    val_accuracy (..., N) and val_loss (..., N): means over seeds of N candidates, in the order of
    params.yaml. No test sample can have a say: nothing else is given.
    """
    return np.lexsort((np.round(val_loss, TIE_DIGITS), -np.round(val_accuracy, TIE_DIGITS)))


def chances(n: int) -> Numbers:
    """Return (n, n): in row k - 1 and column r - 1 the chance of rank r to be the best of k tried.

    P(k, r) = C(n - r, k - 1) / C(n, k)

    for k of n candidates, drawn at random without replacement: rank r is among them, and the
    others are of the n - r that are worse. As the rule leaves no two equal, this is exact.

    Source: Tang et al. 2020, "Showing your work doesn't always work" (arXiv 2004.13705), equation
    for the unbiased estimator; with replacement Dodge et al. 2019, "Show your work" (arXiv
    1909.03004).
    """
    return np.array(
        [[comb(n - r, k - 1) / comb(n, k) for r in range(1, n + 1)] for k in range(1, n + 1)]
    )


def expected_best(val_accuracy: Any, val_loss: Any, test_accuracy: Any) -> Numbers:
    """Return (2, ..., N): the expected accuracies of the best of k = 1..N rates tried.

    All three are (..., N): means over seeds, by rate. The best of those tried is the one that the
    rule chooses; first stands its validation accuracy, then its test accuracy.
    """
    order = ranking(val_accuracy, val_loss)
    ranked = [np.take_along_axis(np.asarray(x), order, -1) for x in (val_accuracy, test_accuracy)]
    return np.stack(ranked) @ chances(order.shape[-1]).T


def tuning_curves(trials: Trials) -> dict[str, dict[str, dict[str, Any]]]:
    """Return mean and interval_95 of `expected_best`: <split>.<k>.<statistic>, for val and test.

    The interval is a bootstrap over the seeds (percentile method) of the whole procedure: the
    means, the ranking and the choice are made anew from each resample. So it tells how far the
    expectation would move with other seeds, also because other rates would have been chosen. All
    optimizers get the same resamples. Needs two seeds.
    """
    interval = stats.bootstrap(
        (np.stack(trials[1:]),),
        _expected_of_resamples,
        axis=1,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(RESAMPLING_SEED),
    ).confidence_interval
    means = expected_best(*map(over_seeds, trials[1:]))
    return {
        split: {
            str(k): {"mean": float(mean), "interval_95": [float(low), float(high)]}
            for k, (mean, low, high) in enumerate(zip(*of_split, strict=True), start=1)
        }
        for split, *of_split in zip(SPLITS, means, interval.low, interval.high, strict=True)
    }


def _expected_of_resamples(scores: Numbers, axis: int) -> Numbers:
    """Return `expected_best`, as (2, N, resamples), of scores (3, N, resamples, n seeds)."""
    by_rate = np.moveaxis(scores.mean(axis), 1, -1)
    return np.moveaxis(expected_best(*by_rate), -1, 1)


def sensitivity(trials: Trials) -> dict[str, Any]:
    """Return how much hangs on the rate, by the mean validation accuracies a of the N rates.

    best is that of the chosen rate; random, mean(a), is what a rate drawn at random gives; gap is
    best - random. good_rates counts the rates with a >= best - TOLERANCE; decades is
    log10(largest / smallest) of them. tries is the least k whose expected best of k rates is no
    further below best than TOLERANCE.

    Source: the gap is the learning rate sensitivity of Wortsman et al. 2023, "Small-scale proxies
    for large-scale transformer training instabilities" (arXiv 2309.14322), with the accuracy in
    place of the loss; the means over budgets that Sivaprasad et al. 2020, "Optimizer benchmarking
    needs to account for hyperparameter tuning" (arXiv 1910.11758), call tunability are of the
    `tuning_curves`.
    """
    accuracy = over_seeds(trials.val_accuracy)
    expected, _ = expected_best(*map(over_seeds, trials[1:]))
    random, best = float(expected[0]), float(expected[-1])
    lowest = round(best - TOLERANCE, TIE_DIGITS)
    good = [
        float(rate)
        for rate, a in zip(trials.rates, accuracy, strict=True)
        if round(a, TIE_DIGITS) >= lowest
    ]
    return {
        "random": random,
        "best": best,
        "gap": best - random,
        "good_rates": len(good),
        "decades": log10(max(good) / min(good)),
        "tries": int(np.argmax(np.round(expected, TIE_DIGITS) >= lowest)) + 1,
    }
