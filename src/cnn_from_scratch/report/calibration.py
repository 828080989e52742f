"""How far the probabilities that a network gives can be believed."""

from typing import Any

import numpy as np
import pandas as pd

from cnn_from_scratch.experiment.records import probability_column

Array = np.ndarray[Any, np.dtype[np.float64]]

BINS = 15  # of the confidence, as Guo et al. have them
EDGE_DIGITS = 6  # a confidence that agrees so far with the edge of a bin is on it, in float32 too


def probabilities(predictions: pd.DataFrame) -> Array:
    """Return the probabilities p, (N, K), of N samples; K classes in the order of the labels."""
    classes = predictions["label"].cat.categories
    return np.column_stack([predictions[probability_column(name)] for name in classes])


def brier_score(predictions: pd.DataFrame) -> float:
    """Return the mean squared error of the probabilities of all classes, in 0..2.

    (1/N) sum over n and k of (p[n,k] - [k = label n])^2

    Source: Brier 1950, "Verification of forecasts expressed in terms of probability".
    """
    errors = probabilities(predictions)
    errors[np.arange(len(errors)), predictions["label"].cat.codes.to_numpy()] -= 1.0
    return float(np.square(errors).sum() / len(errors))


def confidence_bins(predictions: pd.DataFrame) -> Array:
    """Return what is in each bin of the confidence, (3, BINS): samples, right ones, confidences.

    The confidence is the probability of the predicted class; a bin has the number of its samples,
    of those classified right, and the sum of their confidences. Bin b of 0 .. BINS - 1 is
    (b/BINS, (b+1)/BINS], so 1 is in the last. What is on an edge but for rounding counts as on it,
    as is 1/3, the confidence of 3 equal logits.
    """
    confidence = probabilities(predictions).max(axis=1)
    labels, predicted = (predictions[of].cat.codes.to_numpy() for of in ("label", "predicted"))
    right = labels == predicted
    place = np.ceil(np.round(BINS * confidence, EDGE_DIGITS)).astype(int) - 1
    return np.array([np.bincount(place, of, BINS) for of in (None, right, confidence)], float)


def expected_calibration_error(predictions: pd.DataFrame) -> float:
    """Return how far confidence and accuracy are apart in a bin, a mean over the samples; in 0..1.

    ECE = sum over bins b of n_b/N |accuracy_b - mean confidence_b|

    Source: Guo et al. 2017, "On calibration of modern neural networks", equation 3.
    """
    _, right, confidence = confidence_bins(predictions)
    return float(np.abs(right - confidence).sum() / len(predictions))
