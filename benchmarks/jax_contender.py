"""The same network in JAX: one jitted step per call, or a scan over all steps.

In JAX's default precision, which is float32, unless a process asks for float64.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.nn.layers import Conv2D, Dense, Flatten, Layer, MaxPool2D, ReLU, Sigmoid
from cnn_from_scratch.nn.network import Sequential
from cnn_from_scratch.nn.optimizers import Adam
from contenders import CHUNK
from ours import network_of
from workloads import Problem

Tree = Any  # of arrays
State = tuple[Tree, Tree, Tree, Any]  # parameters, m, v, t


def parameters_of(network: Sequential) -> Tree:
    """Return the parameters of our network, one dictionary per layer."""
    return jax.tree.map(jnp.asarray, network.params)


def forward(layers: tuple[Layer, ...], parameters: Tree, x: Any) -> Any:
    """Return the logits."""
    for layer, params in zip(layers, parameters, strict=True):
        x = _layer(layer, params, x)
    return x


def _layer(layer: Layer, params: Tree, x: Any) -> Any:
    if isinstance(layer, Conv2D):
        y = lax.conv_general_dilated(
            x, params["W"], (1, 1), "VALID", dimension_numbers=("NCHW", "OIHW", "NCHW")
        )
        return y + params["b"][:, None, None]
    if isinstance(layer, MaxPool2D):
        window = (1, 1, layer.kernel_size, layer.kernel_size)
        return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")
    if isinstance(layer, Dense):
        return x @ params["W"] + params["b"]
    simple: dict[type, Callable[[Any], Any]] = {
        ReLU: jax.nn.relu,
        Sigmoid: jax.nn.sigmoid,
        Flatten: lambda x: x.reshape(len(x), -1),
    }
    return simple[type(layer)](x)


def loss_of(layers: tuple[Layer, ...], parameters: Tree, x: Any, targets: Any) -> Any:
    """Return the mean cross-entropy of softmax, and the logits."""
    logits = forward(layers, parameters, x)
    log_p = jax.nn.log_softmax(logits)
    return -jnp.mean(jnp.take_along_axis(log_p, targets[:, None], axis=1)), logits


def initial(parameters: Tree) -> State:
    """Return Adam's state before the first update."""
    m, v = (jax.tree.map(jnp.zeros_like, parameters) for _ in range(2))
    return parameters, m, v, jnp.zeros(())


def updated(adam: Adam, state: State, gradient: Tree) -> State:
    """Return the state after one update by Adam."""
    parameters, m, v, t = state
    t = t + 1
    m = jax.tree.map(lambda m, g: adam.beta1 * m + (1 - adam.beta1) * g, m, gradient)
    v = jax.tree.map(lambda v, g: adam.beta2 * v + (1 - adam.beta2) * g * g, v, gradient)

    def moved(p: Any, m: Any, v: Any) -> Any:
        m_hat, v_hat = m / (1 - adam.beta1**t), v / (1 - adam.beta2**t)
        return p - adam.lr * m_hat / (jnp.sqrt(v_hat) + adam.eps)

    return jax.tree.map(moved, parameters, m, v), m, v, t


class Training:
    """Steps of training on all samples at once."""

    def __init__(self, problem: Problem, mode: str, dtype: str):
        jax.config.update("jax_enable_x64", dtype == "float64")
        network = network_of(problem)
        self.state = initial(parameters_of(network))
        x = jnp.asarray(problem.samples.x)
        targets = jnp.asarray(problem.samples.targets)

        def loss(parameters: Tree) -> Any:
            return loss_of(network.layers, parameters, x, targets)[0]

        def step(state: State) -> State:
            return updated(Adam(), state, jax.grad(loss)(state[0]))

        @partial(jax.jit, static_argnames="times")
        def scan(state: State, times: int) -> State:
            return lax.scan(lambda state, _: (step(state), None), state, length=times)[0]

        self.scan = scan if mode == "scan" else None
        self.step = jax.jit(step)
        self.loss = loss

    def run(self, times: int) -> None:
        """Train for so many steps; each number of them compiles a scan of its own."""
        if self.scan is not None:
            self.state = self.scan(self.state, times)
        else:
            for _ in range(times):
                self.state = self.step(self.state)
        jax.block_until_ready(self.state)

    def outcome(self) -> Array:
        """Return the loss."""
        return np.array(self.loss(self.state[0]))


class Inference:
    """The logits of all samples."""

    def __init__(self, problem: Problem, mode: str, dtype: str):
        jax.config.update("jax_enable_x64", dtype == "float64")
        network = network_of(problem)
        self.parameters = parameters_of(network)
        x = jnp.asarray(problem.samples.x)
        self.chunks = [x[i : i + CHUNK] for i in range(0, len(x), CHUNK)]
        self.forward = jax.jit(partial(forward, network.layers))

    def run(self, times: int) -> None:
        """Compute the logits so many times."""
        for _ in range(times):
            self.outcome()

    def outcome(self) -> Array:
        """Return the logits."""
        logits = [self.forward(self.parameters, chunk) for chunk in self.chunks]
        return np.concatenate(jax.device_get(logits))


training, inference = Training, Inference
