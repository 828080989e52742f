"""Where a step's time goes: its parts, layer by layer, each timed by itself.

Usage: python benchmarks/profiling.py CONTENDER PROBLEM SAMPLES; prints the parts' microseconds.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from commands import ROOT, environment
from contenders import CONTENDERS, Case
from timing import Table, entry, skipped
from workers import THREADS

if TYPE_CHECKING:
    from cnn_from_scratch.nn.model import Sequential

Parts = dict[str, Callable[[], Any]]

ROUNDS = 7
SECONDS = 0.02  # a round of a part

PROFILED = {
    Case("E-", "training", 96): ("NumPy native, float64", "NumPy portable, float64"),
    Case("28x28", "training", 128): ("NumPy native, float32", "compiled, float32"),
}


def profiles() -> Table:
    """Return the parts of a step, with the whole step first, by case and contender."""
    table: Table = {}
    for case, labels in PROFILED.items():
        for label in labels:
            command = [sys.executable, __file__, label, case.problem, str(case.samples)]
            done = subprocess.run(
                command,
                env=environment(ROOT) | dict.fromkeys(THREADS, "1"),
                capture_output=True,
                text=True,
            )
            name = f"{case.named(threads=1)}: {label}"
            if done.returncode:
                table[name] = {"the step": skipped(done.stderr.strip().splitlines()[-1][:100])}
            else:
                parts: dict[str, list[float]] = json.loads(done.stdout)
                table[name] = {part: entry("µs", values) for part, values in parts.items()}
    return table


def profile(label: str, problem: str, samples: int) -> dict[str, list[float]]:
    """Return the microseconds of every part in each round; what a layer does not do is left out."""
    from cnn_from_scratch.nn.numerics import using
    from cnn_from_scratch.nn.training import gradient
    from ours import Training
    from workloads import PROBLEMS

    _, *settings = CONTENDERS[label]
    work = Training(PROBLEMS[problem](samples), *settings)
    model, batch = work.model, work.samples
    with using(work.primitives):
        logits, caches = model.forward(batch.x[:])
        _, dy = model.loss(logits, batch.targets)
        g = gradient(model, batch)
        parts: Parts = {
            "the step": partial(work.run, 1),
            **forward_parts(model, batch.x[:]),
            "loss": partial(model.loss, logits, batch.targets),
            **backward_parts(model, dy, caches),
            "optimizer": partial(work.optimizer.update, g, work.state, model.theta),
        }
        return {name: _rounds(part) for name, part in parts.items()}


def forward_parts(model: "Sequential", x: Any) -> Parts:
    """Return the layers' forward passes."""
    parts: Parts = {}
    for i, (layer, params) in enumerate(zip(model.layers, model.params, strict=True)):
        parts[f"{_name(i, layer)}, forward"] = partial(layer.forward, params, x)
        x, _ = layer.forward(params, x)
    return parts


def backward_parts(model: "Sequential", dy: Any, caches: list[Any]) -> Parts:
    """Return the layers' gradients and, but for the first, their ways back.

    What these two share of dy is made in the gradients' time, and not once more on the way back.
    """
    from cnn_from_scratch.nn.layers import Affine

    parts: Parts = {}
    for i in reversed(range(len(model.layers))):
        layer, params = model.layers[i], model.params[i]
        shared: Any = layer.share(dy) if isinstance(layer, Affine) else dy
        if params:
            parts[f"{_name(i, layer)}, gradients"] = partial(layer.gradients, params, dy, caches[i])
        if i > 0:
            back = partial(layer.backward, params, shared, caches[i])
            parts[f"{_name(i, layer)}, backward"] = back
            dy = back()
    return parts


def _name(index: int, layer: object) -> str:
    return f"{index + 1} {type(layer).__name__.removeprefix('Compiled')}"


def _rounds(part: Callable[[], Any]) -> list[float]:
    """Return the microseconds of one call in each round."""
    part()
    values = []
    for _ in range(ROUNDS):
        count, start = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - start) < SECONDS:
            part()
            count += 1
        values.append(1e6 * elapsed / count)
    return values


if __name__ == "__main__":
    print(json.dumps(profile(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
