"""The roofline: how many operations and bytes a training step needs, and what the machine can do.

Usage: python benchmarks/roofline.py; prints what this process's one thread reaches.

Source: Williams, Waterman and Patterson 2009, "Roofline: an insightful visual performance model".
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any, NamedTuple

from commands import ROOT, environment
from contenders import Case
from timing import Table, entry
from workers import THREADS

ROUNDS = 7
SIZE = 1024  # of the matrices that are multiplied
LENGTH = 1 << 24  # of the arrays that are copied: too long for any cache
CASES = (Case("S-", "training", 96), Case("E-", "training", 96), Case("28x28", "training", 128))


class Counts(NamedTuple):
    """What a training step cannot do without."""

    operations: int  # multiplications and additions in convolutions and dense layers
    numbers: int  # of every array that a layer takes or gives, forward and backward


def machine_limits() -> Table:
    """Return operations and bytes per second of one thread, by precision."""
    done = subprocess.run(
        [sys.executable, __file__],
        env=environment(ROOT) | dict.fromkeys(THREADS, "1"),
        capture_output=True,
        text=True,
        check=True,
    )
    measured: dict[str, dict[str, list[float]]] = json.loads(done.stdout)
    units = {PRODUCT: "GFLOP/s", COPY: "GB/s"}
    return {
        work: {dtype: entry(units[work], values) for dtype, values in rows.items()}
        for work, rows in measured.items()
    }


PRODUCT = f"the product of two {SIZE}x{SIZE} matrices"
COPY = f"copying {LENGTH:,} numbers"


def counts(case: Case) -> Counts:
    """Count the operations and numbers of a training step."""
    import numpy as np

    from cnn_from_scratch.nn.layers import Conv2D, Dense
    from workloads import ARCHITECTURES

    layers, shape = ARCHITECTURES[case.problem]
    operations = numbers = 0
    for i, layer in enumerate(layers):
        out_shape, params, _ = layer.init(shape, np.random.RandomState(0))
        passes = 2 if i == 0 else 3  # forward, gradients and, but for the first layer, backward
        if isinstance(layer, Conv2D):
            operations += passes * 2 * prod(out_shape) * params["W"][0].size
        elif isinstance(layer, Dense):
            operations += passes * 2 * params["W"].size
        numbers += 2 * (prod(shape) + prod(out_shape))
        shape = out_shape
    return Counts(case.samples * operations, case.samples * numbers)


def _measure() -> dict[str, dict[str, list[float]]]:
    import numpy as np

    found: dict[str, dict[str, list[float]]] = {PRODUCT: {}, COPY: {}}
    for dtype in ("float64", "float32"):
        a, out = np.ones((SIZE, SIZE), dtype), np.empty((SIZE, SIZE), dtype)
        seconds = _seconds(partial(np.matmul, a, a, out=out))
        found[PRODUCT][dtype] = [2e-9 * SIZE * SIZE * SIZE / taken for taken in seconds]
        x, y = np.ones(LENGTH, dtype), np.ones(LENGTH, dtype)
        seconds = _seconds(partial(np.copyto, y, x))
        found[COPY][dtype] = [2e-9 * x.nbytes / taken for taken in seconds]
    return found


def _seconds(work: Callable[[], Any]) -> list[float]:
    work()
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return taken


if __name__ == "__main__":
    print(json.dumps(_measure()))
