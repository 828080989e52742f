"""What a classifier looks at in a sample: two maps, of the probability of the class it gives."""

from typing import Literal

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.experiment.trained import Trained
from cnn_from_scratch.inference.classifier import Classifier
from cnn_from_scratch.nn.losses import softmax
from cnn_from_scratch.nn.numerics import using

MapName = Literal["occlusion", "gradient"]
PATCHES = 8  # across the longer side of an image, where it is larger than that


def occlusion(classifier: Classifier, pixels: Array, chosen: int) -> Array:
    """Return how much covering each place lowers the probability of the chosen class, (H, W).

    map[i,j] = p[chosen] - p'[chosen], with p' of the image whose patch about (i, j) is ground, or
    where there is none, the image's mean

    pixels: (C, H, W) in 0..1. A patch is a pixel, in images of more than 8 pixels an eighth of the
    longer side; patches stand side by side.

    Source: Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", section
    4.2, which moves one gray square over the image.
    """
    _, height, width = pixels.shape
    size = max(1, max(height, width) // PATCHES)
    ground = classifier.description.preparation.ground
    cover = pixels.mean() if ground is None else ground
    corners = [(i, j) for i in range(0, height, size) for j in range(0, width, size)]
    covered = np.repeat(pixels[np.newaxis], 1 + len(corners), axis=0)
    for image, (i, j) in zip(covered[1:], corners, strict=True):
        image[:, i : i + size, j : j + size] = cover
    whole, *others = classifier.probabilities(covered)[:, chosen].tolist()
    lowered = np.zeros((height, width))
    for (i, j), other in zip(corners, others, strict=True):
        lowered[i : i + size, j : j + size] = whole - other
    return lowered


def gradient(classifier: Classifier, pixels: Array, chosen: int) -> Array:
    """Return the derivative of the probability of the chosen class by each pixel, (H, W).

    map[i,j] = sum over c of dp[chosen]/dx[c,i,j],  the mean over the networks

    pixels: (C, H, W) in 0..1. Positive: more light there, and the class becomes more probable.

    Source: Simonyan, Vedaldi and Zisserman 2014, "Deep inside convolutional networks", section 3,
    which takes the class's logit and the largest absolute value over channels.
    """
    by_network = [_gradient(network, pixels, chosen) for network in classifier.networks]
    return np.asarray(np.mean(by_network, axis=0).sum(axis=0))


def _gradient(trained: Trained, pixels: Array, chosen: int) -> Array:
    """Return dp[chosen]/dx, (C, H, W): back through all layers, the first included."""
    network = trained.network
    with using(network.backend.numerics):
        logits, caches = network.forward(pixels[np.newaxis].astype(network.theta.dtype))
        p = softmax(logits)
        dy = p[:, [chosen]] * (np.eye(p.shape[1], dtype=p.dtype)[[chosen]] - p)
        for layer, params, cache in reversed(
            list(zip(network.layers, network.params, caches, strict=True))
        ):
            dy, _ = layer.backward(params, dy, cache)
    return np.asarray(dy[0], dtype=np.float64)


MAPS = {"occlusion": occlusion, "gradient": gradient}
