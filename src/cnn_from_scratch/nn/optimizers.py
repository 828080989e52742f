"""The optimizers: each is its equation, on the one vector theta.

`update(g, state, theta)` returns (delta, state); the caller adds delta to theta, scaled by the
learning-rate schedule. State is explicit: nothing is remembered on the optimizer. g is the gradient
of the loss at theta; g, theta and delta are (P,). In the equations t counts updates from 1,
and products, squares and roots are elementwise. eps always stands outside the root.

weight_decay is that of L2 regularization, except in AdamW: the loss gains weight_decay/2 *
|theta|^2, so every equation's g is the loss's gradient plus weight_decay * theta, with which
`update` calls the equation, `step(g, state)`. (Krogh and Hertz 1991, "A simple weight decay can
improve generalization", equation 2.)

Wrong hyper-parameters raise ValueError.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.checks import NOT_NEGATIVE, POSITIVE, UNIT_BELOW_1, Checked


class Optimizer(Checked):
    """What every optimizer can do; unless told, its state is one array like theta."""

    weight_decay: float
    step: Callable[[Array, Any], tuple[Array, Any]]  # the equation: (g, state) -> (delta, state)

    def init(self, theta: Array) -> Any:
        """Return the state before the first update, v_0 = 0."""
        return np.zeros_like(theta)

    def update(self, g: Array, state: Any, theta: Array) -> tuple[Array, Any]:
        """Return (delta, new state) for gradient g at theta: `step`, with the weight decay in g."""
        return self.step(g + self.weight_decay * theta if self.weight_decay else g, state)


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent; stochastic when g comes from a minibatch.

    delta = -lr * g

    Source: Robbins and Monro 1951, "A stochastic approximation method".
    """

    lr: Annotated[float, POSITIVE] = 0.9
    weight_decay: Annotated[float, NOT_NEGATIVE] = 0.0

    def init(self, theta: Array) -> tuple[()]:
        """Return the empty state: SGD remembers nothing."""
        return ()

    def step(self, g: Array, state: tuple[()]) -> tuple[Array, tuple[()]]:
        """Return -lr * g."""
        return -self.lr * g, state


@dataclass(frozen=True)
class Momentum(Optimizer):
    """Gradient descent with a velocity: a heavy ball rolling on the loss.

    v_t   = momentum * v_{t-1} + g,  v_0 = 0
    delta = -lr * v_t

    Source: Polyak 1964, "Some methods of speeding up the convergence of iteration methods".
    """

    lr: Annotated[float, POSITIVE] = 0.1
    momentum: Annotated[float, UNIT_BELOW_1] = 0.9
    weight_decay: Annotated[float, NOT_NEGATIVE] = 0.0

    def step(self, g: Array, state: Array) -> tuple[Array, Array]:
        """Return delta and v_t."""
        v = self.momentum * state + g
        return -self.lr * v, v


@dataclass(frozen=True)
class NAG(Optimizer):
    """Nesterov's accelerated gradient: a velocity, with the gradient taken where it leads.

    With the iterate phi, Nesterov looks ahead along the velocity before taking the gradient:

    v_t     = momentum * v_{t-1} + g(phi_{t-1} - lr * momentum * v_{t-1}),  v_0 = 0
    phi_t   = phi_{t-1} - lr * v_t

    The theta stored here is the look-ahead point theta_t = phi_t - lr * momentum * v_t, at which
    the next gradient is taken. Put into the two lines, it moves by

    v_t     = momentum * v_{t-1} + g
    delta   = -lr * (g + momentum * v_t)

    which differs from Momentum's -lr * v_t. (This holds for a constant learning rate; a schedule
    scales delta.)

    Source: Nesterov 1983, "A method of solving a convex programming problem with convergence rate
    O(1/k^2)"; in the form of Sutskever et al. 2013, "On the importance of initialization and
    momentum in deep learning", equations 3 and 4, after the change of variables of Bengio et al.
    2012, "Advances in optimizing recurrent networks", equations 6 and 7.
    """

    lr: Annotated[float, POSITIVE] = 0.1
    momentum: Annotated[float, UNIT_BELOW_1] = 0.9
    weight_decay: Annotated[float, NOT_NEGATIVE] = 0.0

    def step(self, g: Array, state: Array) -> tuple[Array, Array]:
        """Return delta and v_t."""
        v = self.momentum * state + g
        return -self.lr * (g + self.momentum * v), v


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Gradient descent with each coordinate divided by the root of all its squares so far.

    v_t   = v_{t-1} + g^2,  v_0 = 0
    delta = -lr * g / (sqrt(v_t) + eps)

    Source: Duchi, Hazan and Singer 2011, "Adaptive subgradient methods for online learning and
    stochastic optimization", figure 1, diagonal case.
    """

    lr: Annotated[float, POSITIVE] = 0.1
    eps: Annotated[float, POSITIVE] = 1e-8
    weight_decay: Annotated[float, NOT_NEGATIVE] = 0.0

    def step(self, g: Array, state: Array) -> tuple[Array, Array]:
        """Return delta and v_t."""
        v = state + g * g
        return -self.lr * g / (np.sqrt(v) + self.eps), v


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Gradient descent with each coordinate divided by its recent root mean square.

    v_t   = rho * v_{t-1} + (1 - rho) * g^2,  v_0 = 0
    delta = -lr * g / (sqrt(v_t) + eps)

    Source: Tieleman and Hinton 2012, Coursera "Neural networks for machine learning", lecture 6.5.
    """

    lr: Annotated[float, POSITIVE] = 0.001
    rho: Annotated[float, UNIT_BELOW_1] = 0.9
    eps: Annotated[float, POSITIVE] = 1e-8
    weight_decay: Annotated[float, NOT_NEGATIVE] = 0.0

    def step(self, g: Array, state: Array) -> tuple[Array, Array]:
        """Return delta and v_t."""
        v = self.rho * state + (1.0 - self.rho) * g * g
        return -self.lr * g / (np.sqrt(v) + self.eps), v


AdamState = tuple[Array, Array, float, float]  # m_t, v_t, beta1^t, beta2^t


@dataclass(frozen=True)
class Adam(Optimizer):
    """Momentum and RMSprop together, both corrected for their start at zero.

    m_t   = beta1 * m_{t-1} + (1 - beta1) * g,    m_0 = 0
    v_t   = beta2 * v_{t-1} + (1 - beta2) * g^2,  v_0 = 0
    delta = -lr * (m_t / (1 - beta1^t)) / (sqrt(v_t / (1 - beta2^t)) + eps)

    The powers are kept in the state and multiplied up. The defaults are the published study's, not
    the paper's.

    Source: Kingma and Ba 2015, "Adam: a method for stochastic optimization", algorithm 1.
    """

    lr: Annotated[float, POSITIVE] = 0.01
    beta1: Annotated[float, UNIT_BELOW_1] = 0.7
    beta2: Annotated[float, UNIT_BELOW_1] = 0.99
    eps: Annotated[float, POSITIVE] = 1e-8
    weight_decay: Annotated[float, NOT_NEGATIVE] = 0.0

    def init(self, theta: Array) -> AdamState:
        """Return (m_0, v_0, beta1^0, beta2^0)."""
        return np.zeros_like(theta), np.zeros_like(theta), 1.0, 1.0

    def step(self, g: Array, state: AdamState) -> tuple[Array, AdamState]:
        """Return delta and (m_t, v_t, beta1^t, beta2^t)."""
        m, v, beta1_t, beta2_t = state
        m = self.beta1 * m + (1.0 - self.beta1) * g
        v = self.beta2 * v + (1.0 - self.beta2) * g * g
        beta1_t, beta2_t = beta1_t * self.beta1, beta2_t * self.beta2
        m_hat, v_hat = m / (1.0 - beta1_t), v / (1.0 - beta2_t)
        return -self.lr * m_hat / (np.sqrt(v_hat) + self.eps), (m, v, beta1_t, beta2_t)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with weight decay decoupled from the gradient and so from its scaling.

    delta = Adam's delta for the plain g, minus lr * weight_decay * theta

    Source: Loshchilov and Hutter 2019, "Decoupled weight decay regularization", algorithm 2 (with
    its schedule multiplier applied by the caller, and lr as its alpha also in front of the decay,
    as in PyTorch).
    """

    weight_decay: Annotated[float, NOT_NEGATIVE] = 0.01

    def update(self, g: Array, state: AdamState, theta: Array) -> tuple[Array, AdamState]:
        """Return delta and (m_t, v_t, beta1^t, beta2^t)."""
        delta, state = self.step(g, state)
        return delta - self.lr * self.weight_decay * theta, state


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nag": NAG,
    "adagrad": Adagrad,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
}
