"""The work that all contenders share: a network, with samples to train on or to classify."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Shape
from cnn_from_scratch.experiment.dataset import load_dataset
from cnn_from_scratch.nn.architectures import EnhancedCNN, LeNet, SimpleCNN
from cnn_from_scratch.nn.layers import Conv2D, Dense, Flatten, Layer, MaxPool2D, ReLU
from cnn_from_scratch.nn.training import Samples

DATASET_FILE = Path(__file__).resolve().parents[1] / "data/dataset.npz"

DIGITS_28X28: list[Layer] = [
    Conv2D(out_channels=8, kernel_size=5),
    ReLU(),
    MaxPool2D(kernel_size=2),
    Conv2D(out_channels=16, kernel_size=5),
    ReLU(),
    MaxPool2D(kernel_size=2),
    Flatten(),
    Dense(10),
]
DENSE_28X28: list[Layer] = [Flatten(), Dense(64), ReLU(), Dense(10)]


class Problem(NamedTuple):
    """A network and its samples; the optimizer is always Adam, as the study sets it."""

    layers: list[Layer]
    samples: Samples
    full_batch: bool = False  # so that every step is on the same samples


def digits_6x6(count: int) -> Samples:
    """Return the study's digits, again and again up to `count`."""
    dataset = load_dataset(DATASET_FILE)
    shape = (count, *dataset.X.shape[1:])
    return Samples(np.resize(dataset.pixels[:], shape), np.resize(dataset.y, count))


def noise_28x28(count: int) -> Samples:
    """Return noise of the size of MNIST's digits: what is computed takes the same time."""
    rng = np.random.default_rng(0)
    return Samples(rng.random((count, 1, 28, 28)), rng.integers(0, 10, count))


ARCHITECTURES: dict[str, tuple[list[Layer], Shape]] = {  # and the shape of a sample
    "S-": (SimpleCNN().layers(3), (1, 6, 6)),
    "E-": (EnhancedCNN().layers(3), (1, 6, 6)),
    "28x28": (DIGITS_28X28, (1, 28, 28)),
    "dense 784-64-10": (DENSE_28X28, (1, 28, 28)),
}
PROBLEMS: dict[str, Callable[[int], Problem]] = {
    "S-": lambda count: Problem(ARCHITECTURES["S-"][0], digits_6x6(count), full_batch=True),
    "E-": lambda count: Problem(ARCHITECTURES["E-"][0], digits_6x6(count), full_batch=True),
    "28x28": lambda count: Problem(DIGITS_28X28, noise_28x28(count)),
    "dense 784-64-10": lambda count: Problem(DENSE_28X28, noise_28x28(count)),
    "LeNet": lambda count: Problem(LeNet().layers(10), noise_28x28(count)),
}
