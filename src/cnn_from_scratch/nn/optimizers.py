"""The optimizers: each is its equation, on the one vector theta.

`update(g, state)` returns (delta, state); the caller adds delta to theta. State is explicit:
nothing is remembered on the optimizer. g is the gradient of the loss at theta; g, theta and delta
are (P,) float64. In the equations t counts updates from 1, and products, squares and roots are
elementwise. Wrong hyper-parameters raise ValueError.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from cnn_from_scratch.nn.layers import Array


class Optimizer(Protocol):
    """What every optimizer can do."""

    def init(self, theta: Array) -> Any:
        """Return the state before the first update."""

    def update(self, g: Array, state: Any) -> tuple[Array, Any]:
        """Return (delta, new state) for gradient g."""


@dataclass(frozen=True)
class SGD:
    """Gradient descent; stochastic when g comes from a minibatch.

    delta = -lr * g

    Source: Robbins and Monro 1951, "A stochastic approximation method".
    """

    lr: float = 0.9

    def __post_init__(self) -> None:
        _positive("lr", self.lr)

    def init(self, theta: Array) -> tuple[()]:
        """Return the empty state: SGD remembers nothing."""
        return ()

    def update(self, g: Array, state: tuple[()]) -> tuple[Array, tuple[()]]:
        """Return -lr * g."""
        return -self.lr * g, state


@dataclass(frozen=True)
class RMSprop:
    """Gradient descent with each coordinate divided by its recent root mean square.

    v_t   = rho * v_{t-1} + (1 - rho) * g^2,  v_0 = 0
    delta = -lr * g / (sqrt(v_t) + eps)

    eps stands outside the root, as in the published study.

    Source: Tieleman and Hinton 2012, Coursera "Neural networks for machine learning", lecture 6.5.
    """

    lr: float = 0.001
    rho: float = 0.9
    eps: float = 1e-8

    def __post_init__(self) -> None:
        _positive("lr", self.lr)
        _fraction("rho", self.rho)
        _positive("eps", self.eps)

    def init(self, theta: Array) -> Array:
        """Return v_0 = 0."""
        return np.zeros_like(theta)

    def update(self, g: Array, state: Array) -> tuple[Array, Array]:
        """Return delta and v_t."""
        v = self.rho * state + (1.0 - self.rho) * g**2
        return -self.lr * g / (np.sqrt(v) + self.eps), v


@dataclass(frozen=True)
class Adam:
    """Momentum and RMSprop together, both corrected for their start at zero.

    m_t   = beta1 * m_{t-1} + (1 - beta1) * g,    m_0 = 0
    v_t   = beta2 * v_{t-1} + (1 - beta2) * g^2,  v_0 = 0
    delta = -lr * (m_t / (1 - beta1^t)) / (sqrt(v_t / (1 - beta2^t)) + eps)

    eps stands outside the root, as in the paper and the published study. The powers are kept in
    the state and multiplied up. The defaults are the published study's, not the paper's.

    Source: Kingma and Ba 2015, "Adam: a method for stochastic optimization", algorithm 1.
    """

    lr: float = 0.01
    beta1: float = 0.7
    beta2: float = 0.99
    eps: float = 1e-8

    def __post_init__(self) -> None:
        _positive("lr", self.lr)
        _fraction("beta1", self.beta1)
        _fraction("beta2", self.beta2)
        _positive("eps", self.eps)

    def init(self, theta: Array) -> tuple[Array, Array, float, float]:
        """Return (m_0, v_0, beta1^0, beta2^0)."""
        return np.zeros_like(theta), np.zeros_like(theta), 1.0, 1.0

    def update(
        self, g: Array, state: tuple[Array, Array, float, float]
    ) -> tuple[Array, tuple[Array, Array, float, float]]:
        """Return delta and (m_t, v_t, beta1^t, beta2^t)."""
        m, v, beta1_t, beta2_t = state
        m = self.beta1 * m + (1.0 - self.beta1) * g
        v = self.beta2 * v + (1.0 - self.beta2) * g**2
        beta1_t, beta2_t = beta1_t * self.beta1, beta2_t * self.beta2
        m_hat, v_hat = m / (1.0 - beta1_t), v / (1.0 - beta2_t)
        return -self.lr * m_hat / (np.sqrt(v_hat) + self.eps), (m, v, beta1_t, beta2_t)


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "rmsprop": RMSprop, "adam": Adam}


def _positive(name: str, value: float) -> None:
    if not 0 < value < np.inf:
        raise ValueError(f"{name}: expected a number above 0, got {value}")


def _fraction(name: str, value: float) -> None:
    if not 0 <= value < 1:
        raise ValueError(f"{name}: expected a number from 0 up to but not 1, got {value}")
