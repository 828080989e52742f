"""Time what portable numerics cost, against native: the study's epochs, and a larger step.

Usage: python benchmarks/numerics_cost.py; writes benchmarks/numerics_cost.md.

The two take turns for several rounds in one process, on one thread; the figures are medians of
rounds, and the ratio is that of the medians. An epoch is what a train stage does in one: an update
on all training samples, the scores of training and validation, the gradients' norms.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from cnn_from_scratch.experiment.dataset import load_dataset
from cnn_from_scratch.experiment.memory import keep_freed_memory
from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.params import load_params
from cnn_from_scratch.experiment.run import train_run
from cnn_from_scratch.nn.layers import Conv2D, Dense, Flatten, Layer, MaxPool2D, ReLU
from cnn_from_scratch.nn.model import Sequential
from cnn_from_scratch.nn.numerics import Version, using
from cnn_from_scratch.nn.optimizers import Adam
from cnn_from_scratch.nn.training import Samples, train_step

ROUNDS = 9
STEPS = 10  # a round, of the larger network
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


def row(name: str, work: Callable[[Version], None], units: int) -> str:
    """Return the table's row for work of so many epochs or steps."""
    times: dict[Version, list[float]] = {version: [] for version in VERSIONS}
    for _ in range(ROUNDS):
        for version in VERSIONS:
            start = time.perf_counter()
            work(version)
            times[version].append(1000 * (time.perf_counter() - start) / units)
    native, portable = (statistics.median(times[version]) for version in VERSIONS)
    return f"| {name} | {native:.2f} | {portable:.2f} | {portable / native:.2f} |"


def study_rows() -> list[str]:
    """Return a row for the epoch of each model of the study."""
    params, dataset = load_params(), load_dataset()
    rows = []
    for name, model in resolve_models(params).items():

        def train(version: Version, model=model) -> None:  # type: ignore[no-untyped-def]
            how = replace(params.train, numerics=version)
            train_run(model, 0, dataset, params.split, how)

        rows.append(row(f"{name}, an epoch of the study", train, params.train.epochs))
    return rows


def large_row() -> str:
    """Return the row of a larger network's step."""
    rng = np.random.RandomState(0)
    samples = Samples(rng.random_sample((128, 1, 28, 28)), rng.randint(0, 10, 128))
    model, optimizer = Sequential(DIGITS_28X28, (1, 28, 28), np.random.RandomState), Adam()

    def steps(version: Version) -> None:
        state = optimizer.init(model.theta)
        with using(version):
            for _ in range(STEPS):
                state = train_step(model, optimizer, state, samples)

    name = "two convolutions and a dense layer, a step on 128 images of 28x28"
    return row(name, steps, STEPS)


def main() -> None:
    """Run the comparison and write its table."""
    keep_freed_memory()
    lines = [
        "| what | native, ms | portable, ms | ratio |",
        "| --- | --- | --- | --- |",
        *study_rows(),
        large_row(),
    ]
    table = "\n".join(lines) + "\n"
    Path(__file__).with_suffix(".md").write_text(table, encoding="utf-8", newline="\n")
    print(table, end="")


if __name__ == "__main__":
    main()
