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

import numpy as np

from commands import ROOT, environment
from contenders import CONTENDERS, Case
from timing import Table, entry, skipped
from workers import THREADS

if TYPE_CHECKING:
    from cnn_from_scratch.compiled.chain import Chain
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
        logits, _ = model.forward(batch.x[:])
        _, dy = model.loss(logits, batch.targets)
        g = gradient(model, batch)
        forward, backward = of_layers(model, batch.x[:], dy)
        parts: Parts = {
            "the step": partial(work.run, 1),
            **forward,
            "loss": partial(model.loss, logits, batch.targets),
            **backward,
            "optimizer": partial(work.optimizer.update, g, work.state, model.theta),
        }
        return {name: _rounds(part) for name, part in parts.items()}


def of_layers(model: "Sequential", x: Any, dy: Any) -> tuple[Parts, Parts]:
    """Return the layers' forward passes; and their gradients and, but for the first, ways back.

    What these two share of dy is made in the gradients' time, and not once more on the way back.
    Where a layer is compiled, it is a chain of its own, and both are one.
    """
    from cnn_from_scratch.nn.layers import Affine

    chains, dtheta = _chains(model), np.empty_like(model.theta)
    forward: Parts = {}
    backward: Parts = {}
    caches = []
    for i, (layer, params) in enumerate(zip(model.layers, model.params, strict=True)):
        chain = chains.get(i)
        run = partial(chain.forward, model.theta) if chain else partial(layer.forward, params)
        forward[f"{_name(i, layer)}, forward"] = partial(run, x)
        x, cache = run(x)
        caches.append(cache)
    for i in reversed(range(len(model.layers))):
        layer, params, cache = model.layers[i], model.params[i], caches[i]
        if chain := chains.get(i):
            back = partial(chain.backward, model.theta, dy, cache, dtheta, i > 0)
            name = "gradients and backward" if params else "backward"
        else:
            shared: Any = layer.share(dy) if isinstance(layer, Affine) else dy
            back = partial(layer.backward, params, shared, cache)
            if params:
                gradients = partial(layer.gradients, params, dy, cache)
                backward[f"{_name(i, layer)}, gradients"] = gradients
            name = "backward" if i > 0 else ""
        if name:
            backward[f"{_name(i, layer)}, {name}"] = back
            dy = back()
    return forward, backward


def _chains(model: "Sequential") -> "dict[int, Chain]":
    """Return a chain for each layer, by its number, of a network that has any."""
    chains = [chain for _, chain in getattr(model, "chains", []) if chain is not None]
    if not chains:
        return {}
    from cnn_from_scratch.compiled.chain import Chain
    from cnn_from_scratch.compiled.loops import LOOPS

    return {
        i: Chain([layer], model.shapes[i : i + 2], [part.start], chains[0].version)
        for i, (layer, part) in enumerate(zip(model.layers, model.layer_parts, strict=True))
        if type(layer) in LOOPS
    }


def _name(index: int, layer: object) -> str:
    return f"{index + 1} {type(layer).__name__}"


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
