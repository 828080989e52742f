"""The measures of probabilities: by hand, beside scikit-learn's, and where the truth is known."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from cnn_from_scratch.report.calibration import (
    BINS,
    brier_score,
    confidence_bins,
    expected_calibration_error,
    probabilities,
)


def predictions(labels: Any, p: Any) -> pd.DataFrame:
    """Return the rows of a split, in which the most probable of the classes a, b, ... is given."""
    p = np.asarray(p, float)
    kind = pd.CategoricalDtype([chr(ord("a") + k) for k in range(p.shape[1])], ordered=True)
    rows = {
        name: pd.Categorical.from_codes(codes, dtype=kind)
        for name, codes in (("label", labels), ("predicted", p.argmax(axis=1)))
    }
    columns = {f"p({name})": p[:, k] for k, name in enumerate(kind.categories)}
    return pd.DataFrame({"split": "test", "index": range(len(p)), **rows, **columns})


def drawn(samples: int, classes: int, seed: int) -> pd.DataFrame:
    """Return predictions whose probabilities are right: the labels are drawn from them."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(classes, 0.5), samples)
    labels = (p.cumsum(axis=1) < rng.random(samples)[:, None]).sum(axis=1)
    return predictions(np.minimum(labels, classes - 1), p)


def test_probabilities_stand_in_the_order_of_the_classes() -> None:
    rows = predictions([0, 2], [[0.5, 0.25, 0.25], [0.125, 0.25, 0.625]])
    shuffled = rows[["p(c)", "predicted", "p(a)", "label", "p(b)"]]
    assert probabilities(shuffled).tolist() == [[0.5, 0.25, 0.25], [0.125, 0.25, 0.625]]


@pytest.mark.parametrize(
    ("labels", "p", "brier", "error"),
    [
        ([0, 1], [[1, 0], [0, 1]], 0.0, 0.0),
        ([1, 0], [[1, 0], [0, 1]], 2.0, 1.0),
        ([0, 1, 2], [[1 / 3] * 3] * 3, 2 / 3, 0.0),  # one of three right, and so it says
        ([0, 0, 0], [[1 / 3] * 3] * 3, 2 / 3, 2 / 3),
        ([0, 1], [[0.75, 0.25], [0.5, 0.5]], (0.125 + 0.5) / 2, (0.25 + 0.5) / 2),
        ([0, 1], [[0.75, 0.25], [0.75, 0.25]], (0.125 + 1.125) / 2, 0.25),  # in one bin
    ],
)
def test_known_predictions(labels: list[int], p: Any, brier: float, error: float) -> None:
    rows = predictions(labels, p)
    assert brier_score(rows) == pytest.approx(brier, abs=1e-15)
    assert expected_calibration_error(rows) == pytest.approx(error, abs=1e-15)
    assert brier_score(rows) == pytest.approx(brier, abs=1e-15)  # nothing was written to


@pytest.mark.parametrize(
    ("confidence", "place"),
    [
        (1.0, 14),
        (14 / 15, 13),
        (14 / 15 + 1e-4, 14),
        (0.5, 7),
        (1 / 3, 4),
        (np.nextafter(1 / 3, 1), 4),
        (np.nextafter(1 / 3, 0), 4),
        (float(np.float32(1 / 3)), 4),
        (0.2 * (1 + 1e-15), 2),
        (1e-3, 0),
    ],
)
def test_an_edge_belongs_to_the_bin_below_whatever_the_last_bits(
    confidence: float, place: int
) -> None:
    rows = predictions([0], [[confidence]])
    count, right, confidences = confidence_bins(rows)
    expected = np.arange(BINS) == place
    assert count.tolist() == right.tolist() == expected.tolist()
    assert confidences.tolist() == (expected * confidence).tolist()


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_they_agree_with_scikit_learn(classes: int) -> None:
    rows = drawn(500, classes, seed=1)
    p, labels = probabilities(rows), rows["label"].cat.codes.to_numpy()
    assert brier_score(rows) == pytest.approx(
        brier_score_loss(labels, p, labels=range(classes), scale_by_half=False), rel=1e-12
    )
    count, right, confidences = confidence_bins(rows)
    there = count > 0
    accuracy, confidence = calibration_curve(labels == p.argmax(1), p.max(1), n_bins=BINS)
    assert (right[there] / count[there]).tolist() == pytest.approx(accuracy.tolist(), rel=1e-12)
    assert (confidences[there] / count[there]).tolist() == pytest.approx(confidence.tolist())
    shares = count[there] / 500
    assert expected_calibration_error(rows) == pytest.approx(
        float((shares * np.abs(accuracy - confidence)).sum()), rel=1e-12
    )


def test_chance_alone_makes_an_error_of_few_samples() -> None:
    """The probabilities are right, so that the error is 0 of infinitely many samples.

    That of n is about a sum over the bins of sqrt(2/pi n_b acc_b (1 - acc_b)) / n.
    """
    few = [expected_calibration_error(drawn(446, 3, seed)) for seed in range(50)]
    many = [expected_calibration_error(drawn(100 * 446, 3, seed)) for seed in range(5)]
    count, _, confidences = confidence_bins(drawn(100_000, 3, seed=99))
    accuracy = confidences[count > 0] / count[count > 0]  # as the probabilities are right
    share = count[count > 0] / 100_000
    expected = np.sqrt(2 / np.pi * share * accuracy * (1 - accuracy) / 446).sum()
    assert min(few) > 0.01
    assert np.mean(few) == pytest.approx(expected, rel=0.1)
    assert np.mean(many) == pytest.approx(expected / 10, rel=0.25)
