"""Train on so many 28x28 digits and print, in bytes, the data's size and the most memory it took.

Usage: python benchmarks/training_memory.py LABEL SAMPLES (a contender of ours). What the process
holds before the data exist is not counted. Linux only, for its /proc.
"""

import json
import re
import sys
from pathlib import Path

import numpy as np

from cnn_from_scratch.experiment.memory import keep_freed_memory
from cnn_from_scratch.nn.optimizers import Adam
from cnn_from_scratch.nn.training import Samples, Training, fit
from contenders import CONTENDERS
from ours import network_of
from workloads import PROBLEMS, Problem

BATCH = 128


def resident(peak: bool) -> int:
    """Return the bytes that the process holds, or the most that it has held."""
    name = "VmHWM" if peak else "VmRSS"
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return 1024 * int(found[1])


def train(problem: Problem, samples: Samples, backend: str, dtype: str) -> None:
    """Train for one epoch of minibatches, with the scores before it and after."""
    few = Samples(samples.x[:BATCH], samples.targets[:BATCH])
    network = network_of(problem, backend, dtype)
    training = Training(epochs=1, batch_size=BATCH, shuffle_rng=np.random.RandomState(0))
    fit(network, Adam(), samples, few, training)


def main(label: str, count: int) -> None:
    """Measure one run."""
    _, backend, dtype = CONTENDERS[label]
    keep_freed_memory()  # as the stages do
    problem = PROBLEMS["28x28"](1)
    one = Samples(problem.samples.x.astype(dtype), problem.samples.targets)
    train(problem, one, backend, dtype)  # so that nothing is left to import or to compile
    Path("/proc/self/clear_refs").write_text("5")  # forget the most so far
    before = resident(peak=False)
    rng = np.random.default_rng(0)
    x = rng.random((count, 1, 28, 28), dtype=np.dtype(dtype).type)
    samples = Samples(x, rng.integers(0, 10, count))
    train(problem, samples, backend, dtype)
    data = x.nbytes + samples.targets.nbytes
    print(json.dumps({"data": data, "peak": resident(peak=True) - before}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
