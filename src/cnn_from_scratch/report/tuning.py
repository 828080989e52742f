"""What trying fewer learning rates would have given, and how much hangs on the rate."""

from collections.abc import Mapping
from math import comb, log10
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from cnn_from_scratch import InputError
from cnn_from_scratch.report.choosing import (
    MEAN_DIGITS,
    Numbers,
    ValidationScores,
    means_by_rate,
    ranking,
)
from cnn_from_scratch.report.measures import MEASURES
from cnn_from_scratch.report.statistics import CONFIDENCE, RESAMPLES, RESAMPLING_SEED
from cnn_from_scratch.report.tables import markdown_table

TOLERANCE = 0.02  # a rate whose validation accuracy is so near to the best one's is a good one
SPLITS = ("val", "test")


class Trials(NamedTuple):
    """The trials of an optimizer, and what they scored on the test samples: accuracy (n, N)."""

    validation: ValidationScores
    test_accuracy: Numbers


def read_trials(scores: pd.DataFrame) -> dict[str, Trials]:
    """Return the trials of each optimizer. scores: `Runs.scores`, of models '<optimizer>/<rate>'.

    Optimizers and rates are in the order of params.yaml, the seeds in ascending order. Raises
    InputError if there are no test samples.
    """
    if "test" not in set(scores["split"]):
        raise InputError("the dataset has no test samples, to tell what the chosen rates are worth")
    rates: dict[str, list[str]] = {}
    for name in dict.fromkeys(scores["model"]):
        optimizer, _, rate = str(name).partition("/")
        rates.setdefault(optimizer, []).append(rate)
    table = scores.pivot(index="seed", columns=["split", "model"], values=["accuracy", "loss"])

    def of(optimizer: str, measure: str, split: str) -> Numbers:
        names = [f"{optimizer}/{rate}" for rate in rates[optimizer]]
        return np.asarray(table[measure][split][names], float)

    return {
        name: Trials(
            ValidationScores(tuple(tried), of(name, "accuracy", "val"), of(name, "loss", "val")),
            of(name, "accuracy", "test"),
        )
        for name, tried in rates.items()
    }


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


def expected_best(scores: Any, order: Numbers) -> Numbers:
    """Return (..., N): the expected score of the best of k = 1..N rates tried.

    scores (..., N): by rate. order (..., N): the `ranking` of the rates, which need not be by these
    scores: the test accuracy is that of the rate which the validation samples choose.
    """
    ranked = np.take_along_axis(np.asarray(scores), order, -1)
    return np.asarray(ranked @ chances(order.shape[-1]).T)


def tuning_curves(trials: Trials) -> dict[str, dict[str, dict[str, Any]]]:
    """Return mean and interval_95 of `expected_best`: <split>.<k>.<statistic>, for val and test.

    The interval is a bootstrap over the seeds (percentile method) of the whole procedure: the
    means, the ranking and the choice are made anew from each resample. So it tells how far the
    expectation would move with other seeds, also because they would have chosen another rate. All
    optimizers get the same resamples. Needs two seeds.
    """
    (_, val_accuracy, val_loss), test_accuracy = trials
    scores = np.stack([val_accuracy, val_loss, test_accuracy])
    interval = stats.bootstrap(
        (scores,),
        _expected_of_resamples,
        axis=1,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(RESAMPLING_SEED),
    ).confidence_interval
    means = _both_expected(*map(means_by_rate, scores))
    return {
        split: {
            str(k): {"mean": float(mean), "interval_95": sorted((float(low), float(high)))}
            for k, (mean, low, high) in enumerate(zip(*of_split, strict=True), start=1)
        }
        for split, *of_split in zip(SPLITS, means, interval.low, interval.high, strict=True)
    }


def _expected_of_resamples(scores: Numbers, axis: int) -> Numbers:
    """Return `_both_expected`, as (2, N, resamples), of scores (3, N, resamples, n seeds)."""
    by_rate = np.moveaxis(scores.mean(axis), 1, -1)
    return np.moveaxis(_both_expected(*by_rate), -1, 1)


def _both_expected(val_accuracy: Any, val_loss: Any, test_accuracy: Any) -> Numbers:
    """Return `expected_best` of the validation and of the test accuracies: (2, ..., N)."""
    order = ranking(val_accuracy, val_loss)
    return np.stack([expected_best(x, order) for x in (val_accuracy, test_accuracy)])


def sensitivity(validation: ValidationScores) -> dict[str, Any]:
    """Return how much hangs on the rate, by the mean validation accuracies a of the N rates.

    rates is N; best = max(a), that of the chosen rate; random = mean(a), what a rate drawn at
    random gives; gap = best - random. good_rates counts the rates with a >= best - TOLERANCE, and
    decades is log10(largest / smallest) of them. tries is the least k for which `expected_best` is
    at least best - TOLERANCE.

    Source: the gap is the learning rate sensitivity of Wortsman et al. 2023, "Small-scale proxies
    for large-scale transformer training instabilities" (arXiv 2309.14322), with the accuracy in
    place of the loss; the means over budgets that Sivaprasad et al. 2020, "Optimizer benchmarking
    needs to account for hyperparameter tuning" (arXiv 1910.11758), call tunability are of the
    `tuning_curves`.
    """
    accuracy, loss = validation.means()
    expected = expected_best(accuracy, ranking(accuracy, loss))
    random, best = float(expected[0]), float(expected[-1])
    lowest = round(best - TOLERANCE, MEAN_DIGITS)
    good = [
        float(rate)
        for rate, a in zip(validation.rates, accuracy, strict=True)
        if round(a, MEAN_DIGITS) >= lowest
    ]
    return {
        "rates": len(accuracy),
        "random": random,
        "best": best,
        "gap": best - random,
        "good_rates": len(good),
        "decades": log10(max(good) / min(good)),
        "tries": int(np.argmax(np.round(expected, MEAN_DIGITS) >= lowest)) + 1,
    }


def sensitivity_table(by_optimizer: Mapping[str, Mapping[str, Any]]) -> str:
    """Return `sensitivity` of each optimizer as Markdown: accuracies in percent, gaps in points."""
    accuracy = MEASURES["accuracy"].text
    header = ["Model", "Random rate", "Best rate", "Gap", "Good rates", "Decades", "Rates to try"]
    rows = [
        [
            name,
            accuracy(told["random"]),
            accuracy(told["best"]),
            accuracy(told["gap"]),
            f"{told['good_rates']} of {told['rates']}",
            f"{told['decades']:.1f}",
            told["tries"],
        ]
        for name, told in by_optimizer.items()
    ]
    return markdown_table(header, rows)
