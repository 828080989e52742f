"""Time one full-batch epoch on 96 samples: ours, plain loops, and PyTorch if it is installed.

Usage: python benchmarks/epoch.py; writes benchmarks/epoch.md.

The contenders take turns for several rounds in one process, each on one thread; the figures are
medians of rounds. An epoch is forward, loss, backward and the update. Ours computes in float64,
PyTorch in float32, its usual precision.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from loops import LoopConv2D, LoopMaxPool2D

from cnn_from_scratch.experiment.dataset import load_dataset
from cnn_from_scratch.experiment.memory import keep_freed_memory
from cnn_from_scratch.nn.layers import Conv2D, Layer, MaxPool2D
from cnn_from_scratch.nn.model import Sequential
from cnn_from_scratch.nn.networks import Architecture, EnhancedCNN, SimpleCNN
from cnn_from_scratch.nn.optimizers import Adam
from cnn_from_scratch.nn.training import Samples, train_step

ROUNDS = 15
SECONDS_A_ROUND = 0.2

Epoch = Callable[[], None]


def numpy_epoch(layers: list[Layer], samples: Samples) -> Epoch:
    """Return a function that trains our network for one epoch."""
    model = Sequential(layers, samples.x.shape[1:], np.random.RandomState)
    optimizer = Adam()
    state = optimizer.init(model.theta)

    def epoch() -> None:
        nonlocal state
        state = train_step(model, optimizer, state, samples)

    return epoch


def looped(layers: list[Layer]) -> list[Layer]:
    """Return the layers with loops in place of array operations."""
    replaced: list[Layer] = []
    for layer in layers:
        if isinstance(layer, Conv2D):
            replaced.append(LoopConv2D(layer.out_channels, layer.kernel_size))
        elif isinstance(layer, MaxPool2D):
            replaced.append(LoopMaxPool2D(layer.kernel_size))
        else:
            replaced.append(layer)
    return replaced


def torch_epoch(layers: list[Layer], samples: Samples) -> Epoch | None:
    """Return a function that trains the same network in PyTorch, or None without PyTorch."""
    try:
        import torch
        from torch import nn
    except ImportError:
        return None
    torch.set_num_threads(1)
    modules: list[nn.Module] = []
    channels = samples.x.shape[1]
    for layer in layers:
        if isinstance(layer, Conv2D):
            modules.append(nn.Conv2d(channels, layer.out_channels, layer.kernel_size))
            channels = layer.out_channels
        elif isinstance(layer, MaxPool2D):
            modules.append(nn.MaxPool2d(layer.kernel_size))
        else:
            modules.append(getattr(nn, type(layer).__name__)())
    model = nn.Sequential(*modules)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, betas=(0.7, 0.99))
    criterion = nn.CrossEntropyLoss()
    x = torch.tensor(samples.x, dtype=torch.float32)
    targets = torch.tensor(samples.targets)

    def epoch() -> None:
        optimizer.zero_grad()
        criterion(model(x), targets).backward()
        optimizer.step()

    return epoch


def milliseconds(epoch: Epoch, seconds: float) -> float:
    """Return the time of one epoch, averaged over about `seconds`."""
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        epoch()
        count += 1
    return 1000 * elapsed / count


def check_loops(architecture: Architecture, samples: Samples) -> None:
    """Make sure that the loops compute the same gradient as ours."""
    gradients = []
    for layers in (architecture.layers(3), looped(architecture.layers(3))):
        model = Sequential(layers, samples.x.shape[1:], np.random.RandomState)
        logits, caches = model.forward(samples.x)
        gradients.append(model.backward(logits, caches))
    np.testing.assert_allclose(gradients[0], gradients[1], rtol=1e-10, atol=1e-12)


def compare(name: str, architecture: Architecture, samples: Samples) -> list[str]:
    """Return the table's rows for one network."""
    check_loops(architecture, samples)
    layers = architecture.layers(3)
    contenders = {
        "ours": numpy_epoch(layers, samples),
        "plain loops": numpy_epoch(looped(layers), samples),
        "PyTorch eager": torch_epoch(layers, samples),
    }
    running = {label: epoch for label, epoch in contenders.items() if epoch is not None}
    times: dict[str, list[float]] = {label: [] for label in running}
    for _ in range(ROUNDS):
        for label, epoch in running.items():
            times[label].append(milliseconds(epoch, SECONDS_A_ROUND))
    ours = statistics.median(times["ours"])
    rows = []
    for label in contenders:
        if label not in times:
            rows.append(f"| {name} | {label} | not installed | |")
            continue
        median = statistics.median(times[label])
        spread = f"{min(times[label]):.2f}-{max(times[label]):.2f}"
        rows.append(f"| {name} | {label} | {median:.2f} ({spread}) | {median / ours:.1f} |")
    return rows


def main() -> None:
    """Run the comparison and write its table."""
    keep_freed_memory()
    dataset = load_dataset()
    samples = Samples(dataset.X, dataset.y - 1)
    lines = [
        "| network | contender | ms an epoch, median (range) | times ours |",
        "| --- | --- | --- | --- |",
        *compare("S-Adam", SimpleCNN(), samples),
        *compare("E-Adam", EnhancedCNN(), samples),
    ]
    table = "\n".join(lines) + "\n"
    Path(__file__).with_name("epoch.md").write_text(table, encoding="utf-8", newline="\n")
    print(table, end="")


if __name__ == "__main__":
    main()
