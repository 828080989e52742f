"""The browser changes images as Python does."""

import numpy as np
import pytest

from cnn_from_scratch.arithmetic.arrays import Shape
from cnn_from_scratch.experiment.augmentation import augment
from cnn_from_scratch.experiment.params import Augmentation
from cnn_from_scratch.experiment.streams import Purpose, stream
from cnn_from_scratch.nn.numerics import PORTABLE, using
from tests.browser.node import Node, batch, samples

KINDS = [
    Augmentation(flip=True),
    Augmentation(rotation=20.0),
    Augmentation(rotation=1000.0),
    Augmentation(shift=2),
    Augmentation(shift=9),
    Augmentation(noise=0.3),
    Augmentation(shift=1, rotation=180.0, noise=0.1, flip=True),
]


@pytest.mark.parametrize("shape", [(17, 1, 6, 6), (5, 3, 7, 4)])
@pytest.mark.parametrize("how", KINDS, ids=str)
def test_it_has_the_same_bits(node: Node, how: Augmentation, shape: Shape) -> None:
    images = np.random.RandomState(1).random_sample(shape)
    ours = node("return augment(images, how, stream(7, PURPOSE.AUGMENT))",
                images=batch(images), how=how)  # fmt: skip
    with using(PORTABLE):
        theirs = augment(images, how, stream(7, Purpose.AUGMENT))
    assert np.array_equal(samples(ours), theirs)
