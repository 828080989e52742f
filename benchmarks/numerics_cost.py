"""Time what `train.numerics: portable` costs: a training step with it, against a native one.

Usage: python benchmarks/numerics_cost.py; writes benchmarks/numerics_cost.md.

The two take turns for several rounds in one process, on one thread; the figures are medians of
rounds, and the ratio is that of the medians.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cnn_from_scratch.experiment.dataset import load_dataset
from cnn_from_scratch.experiment.memory import keep_freed_memory
from cnn_from_scratch.nn.layers import Conv2D, Dense, Flatten, Layer, MaxPool2D, ReLU
from cnn_from_scratch.nn.model import Sequential
from cnn_from_scratch.nn.networks import EnhancedCNN, SimpleCNN
from cnn_from_scratch.nn.numerics import Version, using
from cnn_from_scratch.nn.optimizers import Adam
from cnn_from_scratch.nn.training import Samples, train_step

ROUNDS = 15
SECONDS_A_ROUND = 0.2
VERSIONS: tuple[Version, ...] = ("native", "portable")

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


def training_step(layers: list[Layer], samples: Samples) -> Callable[[], None]:
    """Return a function that updates a network of these layers once."""
    model = Sequential(layers, samples.x.shape[1:], np.random.RandomState)
    optimizer = Adam()
    state = optimizer.init(model.theta)

    def step() -> None:
        nonlocal state
        state = train_step(model, optimizer, state, samples)

    return step


def milliseconds(step: Callable[[], None]) -> float:
    """Return the time of one step, averaged over a round."""
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < SECONDS_A_ROUND:
        step()
        count += 1
    return 1000 * elapsed / count


def row(name: str, layers: list[Layer], samples: Samples) -> str:
    """Return a network's row of the table."""
    times: dict[Version, list[float]] = {version: [] for version in VERSIONS}
    steps = {version: training_step(layers, samples) for version in VERSIONS}
    for _ in range(ROUNDS):
        for version in VERSIONS:
            with using(version):
                times[version].append(milliseconds(steps[version]))
    native, portable = (statistics.median(times[version]) for version in VERSIONS)
    return f"| {name} | {native:.2f} | {portable:.2f} | {portable / native:.2f} |"


def main() -> None:
    """Run the comparison and write its table."""
    keep_freed_memory()
    dataset = load_dataset()
    digits = Samples(dataset.X, dataset.y - 1)
    rng = np.random.RandomState(0)
    large = Samples(rng.random_sample((128, 1, 28, 28)), rng.randint(0, 10, 128))
    lines = [
        "| training step | native, ms | portable, ms | ratio |",
        "| --- | --- | --- | --- |",
        row("S-Adam, 96 images of 6x6", SimpleCNN().layers(3), digits),
        row("E-Adam, 96 images of 6x6", EnhancedCNN().layers(3), digits),
        row("two convolutions and a dense layer, 128 images of 28x28", DIGITS_28X28, large),
    ]
    table = "\n".join(lines) + "\n"
    Path(__file__).with_suffix(".md").write_text(table, encoding="utf-8", newline="\n")
    print(table, end="")


if __name__ == "__main__":
    main()
