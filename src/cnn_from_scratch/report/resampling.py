"""Two-way intervals of the test accuracy: what other seeds and other test samples would change.

The accuracy is a mean over seeds and test samples, and both are a choice among many.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from cnn_from_scratch.report.statistics import RESAMPLES, RESAMPLING_SEED

CHUNK = 2**22  # samples drawn at once: about 120 MB

Table = np.ndarray[Any, Any]


def correct_table(predictions: pd.DataFrame) -> dict[str, Table]:
    """Return which test samples the runs of each model got right: bool (seeds, samples).

    predictions: of `Runs`, with the same seeds for every model. Seeds and samples ascend, so row i
    and column j are the same seed and sample for every model. There is no model if there are no
    test samples; validation samples differ from seed to seed.
    """
    test = predictions[predictions["split"] == "test"]
    right = test.assign(right=test["predicted"] == test["label"])
    return {
        str(model): rows.pivot(index="seed", columns="index", values="right").to_numpy(dtype=bool)
        for model, rows in right.groupby("model", sort=False)
    }


def resampled_means(correct: Mapping[str, Table]) -> dict[str, Table]:
    """Return the mean accuracies (RESAMPLES,) of each model in resamples of seeds and samples.

    There are none if there is no model, or a single seed.

    In a resample seed i counts a_i times and sample j counts b_j times; each are drawn with
    replacement, as many as there are, independently of the other: sum_ij a_i b_j correct_ij /
    (seeds * samples). The resamples are the same for all models, so that a difference of their
    means is the resampled difference. All sums are of whole numbers, hence exact.

    correct: bool (seeds, samples) by model, as `correct_table` gives it.

    The mean's variance is A / seeds + B / samples + E / (seeds * samples), for the variances A of
    the seeds, B of the samples, and E of what is peculiar to a seed and a sample together. That of
    the resampled means is, but for factors (n - 1) / n, the same with 3 E: it errs on the wide
    side.

    Source: Owen 2007, "The pigeonhole bootstrap", Annals of Applied Statistics 1(2).
    """
    if not correct or len(next(iter(correct.values()))) == 1:
        return {}
    stacked = np.stack([*correct.values()]).astype(float)  # (models, seeds, samples)
    models, seeds, samples = stacked.shape
    rng = np.random.default_rng(RESAMPLING_SEED)
    of_seeds = resample_counts(rng, RESAMPLES, seeds)
    by_run = stacked.reshape(models * seeds, samples).T
    sums = np.concatenate(
        [
            np.einsum("rms,rs->mr", (of_samples @ by_run).reshape(-1, models, seeds), some)
            for some, of_samples in _with_samples(rng, of_seeds, samples)
        ],
        axis=1,
    )
    return dict(zip(correct, sums / (seeds * samples), strict=True))


def _with_samples(
    rng: np.random.Generator, of_seeds: Table, samples: int
) -> Iterator[tuple[Table, Table]]:
    """Yield the resamples in chunks: the counts of seeds, and those of samples."""
    size = max(1, CHUNK // samples)
    for start in range(0, len(of_seeds), size):
        some = of_seeds[start : start + size]
        yield some, resample_counts(rng, len(some), samples)


def resample_counts(rng: np.random.Generator, resamples: int, n: int) -> Table:
    """Return how often each of n things is drawn in n draws: whole numbers, (resamples, n)."""
    drawn = rng.integers(n, size=(resamples, n), dtype=np.int32)  # twice as fast as int64
    places = drawn + n * np.arange(resamples)[:, None]
    return np.bincount(places.ravel(), minlength=resamples * n).reshape(resamples, n).astype(float)
