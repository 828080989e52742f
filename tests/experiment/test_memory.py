"""The process's memory: what a training takes of it, and what is asked of the allocator."""

import ctypes
import json
import subprocess
import sys
from typing import Any

import pytest

from cnn_from_scratch.experiment.memory import M_MMAP_MAX, M_TRIM_THRESHOLD, keep_freed_memory
from tests.workflow.project import ROOT

# Trains on random digits of 28x28 and prints how much its resident memory has grown at the most
# since there were data, and how large those are.
TRAINING = """
import json, sys
from pathlib import Path
sys.path[:0] = [{src!r}]
import numpy as np
import psutil
from threading import Event, Thread
from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.memory import keep_freed_memory
from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.experiment.params import Split, Train
from cnn_from_scratch.experiment.run import train_run
from cnn_from_scratch.nn.layers import Conv2D, Dense, Flatten, MaxPool2D, ReLU
from cnn_from_scratch.nn.architectures import Stack
from cnn_from_scratch.nn.optimizers import Adam

{before}
layers = (Conv2D(4, 3, stride=2), ReLU(), MaxPool2D(2), Flatten(), Dense(10))
model = Model(Stack(layers), Adam())
split = Split("holdout", 0.2)


def train(samples, test):
    rng = np.random.RandomState(0)
    x = rng.random_sample((samples, 1, 28, 28))
    y = np.arange(samples) % 10
    test_arrays = (x[:test], y[:test]) if test else ()
    dataset = Dataset(x, y, tuple(map(str, range(10))), *test_arrays)
    before = process.memory_info().rss
    most = [before]
    done = Event()

    def watch():
        while not done.wait(0.002):
            most.append(process.memory_info().rss)

    watching = Thread(target=watch, daemon=True)
    watching.start()
    train_run(model, 0, dataset, split, {train})
    done.set()
    watching.join()
    return x.nbytes, max(most) - before, len(most)


process = psutil.Process()
train(1000, 0)  # so that all is imported, and compiled
print(json.dumps(train(20_000, 2_000)))
"""
MEBI = 2**20

# What one batch is worked on in, at the most: 128 inputs, their patches of 3x3 as columns and as
# rows, rounded too, and what 4 channels are computed with forward and back, make
# 128 * 8 * (784 + 13 * 13 * (4 * 9 + 6 * 4)) bytes, or 11 MiB; and the rest for Python's own.
OF_A_BATCH = 16 * MEBI

SETTINGS = [
    (128, "numpy", "float64", "portable", ""),
    (128, "numpy", "float64", "portable", "keep_freed_memory()"),
    (128, "numpy", "float64", "native", ""),
    (128, "numpy", "float32", "native", ""),
    (128, "compiled", "float64", "native", ""),
    (None, "numpy", "float64", "native", ""),  # a full batch, which is cut into parts
]


@pytest.mark.parametrize(("batch_size", "backend", "dtype", "numerics", "before"), SETTINGS)
def test_training_copies_no_data(
    batch_size: int | None, backend: str, dtype: str, numerics: str, before: str
) -> None:
    """Twenty thousand digits of 28x28: not even the validation samples, a fifth of them.

    So it takes the data and what a batch is worked on in, and less than 1.5 times the data.
    """
    train = f"Train(1, {batch_size}, {numerics=}, {dtype=}, {backend=})"
    code = TRAINING.format(src=str(ROOT / "src"), train=train, before=before)
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    data, more, watched = json.loads(result.stdout)
    assert data == 20_000 * 784 * 8
    assert watched > 50
    assert more < 0.1 * data + OF_A_BATCH, f"{more / MEBI:.0f} MiB of {data / MEBI:.0f}"


class _Library:
    """A C library without mallopt, or with one that notes how it is called."""

    def __init__(self, calls: list[tuple[int, int]] | None):
        if calls is not None:
            self.mallopt: Any = lambda option, value: calls.append((option, value))


def test_without_glibc_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []

    def library(name: Any) -> _Library:
        opened.append(name)
        return _Library(None)

    monkeypatch.setattr(ctypes, "CDLL", library)
    keep_freed_memory()
    assert opened == [None]


def test_with_glibc_large_arrays_come_from_the_heap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is never trimmed."""
    calls: list[tuple[int, int]] = []
    monkeypatch.setattr(ctypes, "CDLL", lambda name: _Library(calls))
    keep_freed_memory()
    assert calls == [(M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1)]
