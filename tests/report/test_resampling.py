"""Two-way resampling, checked against all resamples, loops, and simulated seeds and samples."""

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from cnn_from_scratch.report import resampling, statistics
from cnn_from_scratch.report.resampling import (
    correct_table,
    resampled_means,
)
from cnn_from_scratch.report.statistics import bootstrap_interval, percentile_interval

Table = np.ndarray[Any, Any]
TABLE = np.array([[1, 1, 0, 1], [1, 0, 0, 1], [0, 0, 1, 1]], dtype=bool)


def predictions(right: dict[str, Table]) -> pd.DataFrame:
    """Return predictions of models that are right on those test samples."""
    return pd.DataFrame(
        {"model": model, "seed": seed, "split": "test", "index": index, "label": "1",
         "predicted": "1" if table[seed, index] else "2"}
        for model, table in right.items()
        for seed, index in np.ndindex(*table.shape)
    ).astype({"label": "category", "predicted": "category"})  # fmt: skip


def test_the_table_is_of_the_test_samples_in_order() -> None:
    rows = predictions({"B": TABLE, "A": ~TABLE})
    validation = rows.assign(split="val", predicted="2")
    shuffled = pd.concat([validation, rows]).sample(frac=1.0, random_state=0)
    table = correct_table(shuffled.sort_values("model", ascending=False, kind="stable"))
    assert list(table) == ["B", "A"]
    np.testing.assert_array_equal(table["B"], TABLE)
    np.testing.assert_array_equal(table["A"], ~TABLE)
    assert correct_table(validation) == {}


def test_the_interval_is_that_of_all_resamples() -> None:
    seeds, samples = TABLE.shape
    means = [
        TABLE[np.ix_(rows, columns)].mean()
        for rows in itertools.product(range(seeds), repeat=seeds)
        for columns in itertools.product(range(samples), repeat=samples)
    ]
    resampled = resampled_means({"A": TABLE})["A"]
    for level in (0.025, 0.2, 0.5, 0.8, 0.975):
        assert np.quantile(resampled, level) == pytest.approx(np.quantile(means, level), abs=0.03)
    assert resampled.mean() == pytest.approx(np.mean(means), abs=0.01)
    assert resampled.std() == pytest.approx(np.std(means), rel=0.03)


def test_a_resample_is_the_same_for_all_models() -> None:
    """So a model minus its twin is 0, and minus its opposite what it is."""
    means = resampled_means({"A": TABLE, "twin": TABLE, "opposite": ~TABLE})
    np.testing.assert_array_equal(means["A"], means["twin"])
    np.testing.assert_allclose(means["A"] + means["opposite"], 1.0, rtol=1e-15)
    np.testing.assert_array_equal(means["A"], resampled_means({"A": TABLE})["A"])


def test_what_is_drawn_at_once_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    means = resampled_means({"A": TABLE})["A"]
    monkeypatch.setattr(resampling, "CHUNK", 1000)
    np.testing.assert_array_equal(resampled_means({"A": TABLE})["A"], means)


def test_the_sums_are_of_whole_numbers() -> None:
    right = np.random.default_rng(0).random((7, 30)) < 0.8
    sums = resampled_means({"A": right})["A"] * right.size
    np.testing.assert_allclose(sums, np.rint(sums), atol=1e-11)


def test_there_is_none_of_a_single_seed_or_without_test_samples() -> None:
    assert resampled_means({"A": TABLE[:1]}) == {}
    assert resampled_means({}) == {}


def test_runs_that_agree_on_every_sample_have_an_interval_all_the_same() -> None:
    """Over seeds it has no width: only the samples tell that it could have been otherwise."""
    right = np.tile(np.arange(100) < 80, (5, 1))
    assert bootstrap_interval(right.mean(axis=1)) == [0.8, 0.8]
    assert percentile_interval(resampled_means({"A": right})["A"]) == pytest.approx(
        [0.8 - 1.96 * 0.04, 0.8 + 1.96 * 0.04], abs=0.01
    )


SEEDS, SAMPLES, STUDIES = 20, 60, 400


def simulated(of_seeds: float, of_samples: float) -> Iterator[Table]:
    """Yield what studies got right: seed i on sample j if 1 + a_i + b_j + e_ij > 0.

    All are normal, a and b with the given SDs, e with SD 1.
    """
    rng = np.random.default_rng(1)
    for _ in range(STUDIES):
        a = of_seeds * rng.standard_normal((SEEDS, 1))
        b = of_samples * rng.standard_normal((1, SAMPLES))
        yield 1.0 + a + b + rng.standard_normal((SEEDS, SAMPLES)) > 0


@pytest.mark.release
@pytest.mark.parametrize(
    ("of_seeds", "of_samples", "over_seeds", "with_samples"),
    [(0.5, 1.0, (0.7, 0.88), 0.95), (0.2, 1.5, (0.35, 0.55), 0.95), (1.0, 0.0, (0.9, 0.95), 0.9)],
)
def test_so_often_the_intervals_are_right(
    of_seeds: float,
    of_samples: float,
    over_seeds: tuple[float, float],
    with_samples: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where samples matter, the interval over seeds misses the true mean far too often.

    Where seeds alone do, both have what 20 of them lack of 95 in 100.
    """
    for module in (resampling, statistics):
        monkeypatch.setattr(module, "RESAMPLES", 1999)
    true = norm.cdf(1.0 / math.sqrt(of_seeds**2 + of_samples**2 + 1.0))
    hits: list[list[bool]] = []
    for right in simulated(of_seeds, of_samples):
        wider = percentile_interval(resampled_means({"A": right})["A"])
        intervals = (bootstrap_interval(right.mean(axis=1)), wider)
        hits.append([low <= true <= high for low, high in filter(None, intervals)])
    narrow, wide = np.mean(hits, axis=0)
    error = math.sqrt(with_samples * (1.0 - with_samples) / STUDIES)
    assert over_seeds[0] < narrow < over_seeds[1]
    assert wide > with_samples - 2 * error
