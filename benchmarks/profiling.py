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
    from cnn_from_scratch.nn.network import Sequential

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
    from cnn_from_scratch.nn.layers import Mode
    from cnn_from_scratch.nn.numerics import using
    from cnn_from_scratch.nn.training import gradient
    from ours import Training
    from workloads import PROBLEMS

    _, *settings = CONTENDERS[label]
    work = Training(PROBLEMS[problem](samples), *settings)
    network, batch = work.network, work.samples
    with using(network.backend.numerics):
        logits, _ = network.forward(batch.x[:])
        _, dy = network.backend.loss(logits, batch.targets)
        g = gradient(network, batch, Mode(training=True))
        forward, backward = of_layers(network, batch.x[:], dy)
        parts: Parts = {
            "the step": partial(work.run, 1),
            **forward,
            "loss": partial(network.backend.loss, logits, batch.targets),
            **backward,
            "optimizer": partial(work.optimizer.update, g, work.state, network.theta),
        }
        return {name: _rounds(part) for name, part in parts.items()}


def of_layers(network: "Sequential", x: Any, dy: Any) -> tuple[Parts, Parts]:
    """Return the layers' forward passes and their ways back, the first layer's without dx.

    Where a layer is compiled, it is a chain of its own.
    """
    chains, dtheta = _chains(network), np.empty_like(network.theta)
    forward: Parts = {}
    backward: Parts = {}
    caches = []
    for i, (layer, params) in enumerate(zip(network.layers, network.params, strict=True)):
        chain = chains.get(i)
        run = partial(chain.forward, network.theta) if chain else partial(layer.forward, params)
        forward[f"{_name(i, layer)}, forward"] = partial(run, x)
        x, cache = run(x)
        caches.append(cache)
    for i in reversed(range(len(network.layers))):
        layer, params, cache = network.layers[i], network.params[i], caches[i]
        name = f"{_name(i, layer)}, {'gradients and backward' if params else 'backward'}"
        if chain := chains.get(i):
            backward[name] = partial(chain.backward, network.theta, dy, cache, dtheta, i > 0)
            dy = backward[name]()
        else:
            backward[name] = partial(layer.backward, params, dy, cache, i > 0)
            dy, _ = backward[name]()
    return forward, backward


def _chains(network: "Sequential") -> "dict[int, Chain]":
    """Return a chain for each layer, by its number, of a network that has any."""
    chains = [chain for _, chain in getattr(network, "chains", []) if chain is not None]
    if not chains:
        return {}
    from cnn_from_scratch.compiled.chain import Chain
    from cnn_from_scratch.compiled.loops import LOOPS

    return {
        i: Chain([layer], network.shapes[i : i + 2], [place.start], chains[0].numerics)
        for i, (layer, place) in enumerate(zip(network.layers, network.slices, strict=True))
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
