"""A train stage in JAX: what stages/train.py does, in jitted steps or in one scan.

Usage: python benchmarks/jax_stage.py MODEL FOLDER step|scan, beside params.yaml and
data/dataset.npz.
"""

import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.nn.losses import softmax_cross_entropy
from cnn_from_scratch.nn.metrics import accuracy
from cnn_from_scratch.nn.training import Samples
from jax_contender import State, forward, initial, loss_of, parameters_of, updated
from stage_record import Row, Stage, read_stage, write_stage


def arrays(samples: Samples) -> tuple[Any, Any]:
    """Return inputs and targets."""
    return jnp.asarray(samples.x), jnp.asarray(samples.targets)


def train(stage: Stage, state: State, mode: str) -> tuple[State, list[Row]]:
    """Train; each epoch's forward pass gives both the gradient and the scores before it."""
    layers = stage.network.layers
    (x, targets), (x_val, targets_val) = arrays(stage.train), arrays(stage.val)

    def scored(parameters: Any, x: Any, targets: Any) -> tuple[Any, Any]:
        loss, logits = loss_of(layers, parameters, x, targets)
        return loss, jnp.mean(logits.argmax(1) == targets)

    def step(state: State, _: None) -> tuple[State, Any]:
        grad = jax.value_and_grad(scored, has_aux=True)
        train_scores, gradient = grad(state[0], x, targets)
        return updated(stage.adam, state, gradient), train_scores + scored(
            state[0], x_val, targets_val
        )

    if mode == "scan":
        scan = jax.jit(lambda state: lax.scan(step, state, length=stage.epochs))
        state, columns = scan(state)
        return state, list(zip(*(column.tolist() for column in columns), strict=True))
    jitted, scores = jax.jit(step), []
    for _ in range(stage.epochs):
        state, row = jitted(state, None)
        scores.append(row)
    return state, [(float(a), float(b), float(c), float(d)) for a, b, c, d in scores]


def infer(stage: Stage, parameters: Any) -> list[Array]:
    """Return the logits of training, validation and test, by one function compiled for all."""
    parts = [stage.train.x, stage.val.x, stage.test.x]
    forward_all = jax.jit(lambda x: forward(stage.network.layers, parameters, x))
    logits = jax.device_get(forward_all(jnp.asarray(np.concatenate(parts))))
    return np.split(logits, np.cumsum([len(part) for part in parts])[:-1])


def main(name: str, folder: Path, mode: str) -> None:
    """Train the named model and write its record."""
    stage = read_stage(name)
    (parameters, *_), history = train(stage, initial(parameters_of(stage.network)), mode)
    train_logits, val, test = infer(stage, parameters)
    last = (*scores_of(train_logits, stage.train), *scores_of(val, stage.val))
    named = {f"{i}.{k}": v for i, layer in enumerate(parameters) for k, v in layer.items()}
    write_stage(folder, [*history, last], named, {"val": val, "test": test})


def scores_of(logits: Array, samples: Samples) -> tuple[float, float]:
    """Return loss and accuracy."""
    loss, _ = softmax_cross_entropy(logits, samples.targets)
    return loss, accuracy(logits.argmax(axis=1), samples.targets)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
