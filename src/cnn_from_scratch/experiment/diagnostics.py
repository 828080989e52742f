"""What happens inside a network: units that died or saturated, and how large the gradients are."""

from dataclasses import dataclass
from math import fsum, inf, sqrt
from typing import Any

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.nn.layers import Activation, Layer, ReLU, Sigmoid, Tanh
from cnn_from_scratch.nn.network import Sequential
from cnn_from_scratch.nn.numerics import exp, log
from cnn_from_scratch.nn.optimizers import Optimizer
from cnn_from_scratch.nn.training import chunks

BOUNDS: dict[type[Layer], tuple[float, float]] = {Sigmoid: (0.0, 1.0), Tanh: (-1.0, 1.0)}
NEAR = 0.01  # of an activation's range: so close to a bound is saturated
DIGITS = 6


@dataclass(frozen=True)
class Units:
    """How the units of an activation layer fare; a unit is a channel, or a place in a vector.

    layer: its number, from 1.
    dead: units of a ReLU that are 0 for every sample and pixel.
    saturated: the share of a Sigmoid's or Tanh's outputs that are near a bound: within 1 % of the
        range from it.
    """

    layer: int
    kind: str
    units: int
    dead: int | None
    saturated: float | None


@dataclass(frozen=True)
class Diagnostics:
    """What the training samples show of a network.

    dead_logits: logits that are 0 for every sample, as a ReLU on the logits makes them.
    loss_floor: the least loss in nats that the activation on the logits allows. Logits between
        a and b give the right class at most the probability 1 / (1 + (K-1) e^(a-b)), so the loss
        is at least log(1 + (K-1) e^(a-b)); 0 where nothing bounds them.
    activations: the activation layers, in order.
    """

    dead_logits: int
    loss_floor: float
    activations: list[Units]


def diagnose(network: Sequential, x: Any) -> Diagnostics:
    """Run the network on inputs as in `Samples`, layer by layer, and look at every activation."""
    found: dict[int, _Seen] = {}
    nonzero = np.zeros(network.out_shape, bool)
    for rows in chunks(network, len(x)):
        y = x[rows]
        for i, layer in enumerate(network.layers):
            y, _ = layer.forward(network.params[i], y)
            if isinstance(layer, Activation):
                found.setdefault(i + 1, _Seen(layer, y.shape[1])).look_at(y)
        nonzero |= np.any(y != 0, axis=0)
    dead_logits = int(np.count_nonzero(~nonzero))
    activations = [seen.units(i) for i, seen in found.items()]
    return Diagnostics(dead_logits, _loss_floor(network), activations)


class NotingGradients(Optimizer):
    """An optimizer that does what another one does, and notes each epoch's last gradient by layer.

    It does it as the network's backend does.

    slices: by number, from 1, where each layer that learns stands in theta.
    norms: one row per epoch: the Euclidean norm of the gradient of each of these layers.
    """

    def __init__(self, optimizer: Optimizer, network: Sequential):
        self.optimizer = network.backend.optimizer(optimizer)
        self.slices = {i: s for i, s in enumerate(network.slices, start=1) if s.stop > s.start}
        self.norms: list[list[float]] = []
        self._last: Array | None = None

    def init(self, theta: Array) -> Any:
        """Return the other optimizer's state."""
        return self.optimizer.init(theta)

    def update(self, g: Array, state: Any, theta: Array) -> tuple[Array, Any]:
        """Return the other optimizer's step; it leaves g as it is."""
        self._last = g
        return self.optimizer.update(g, state, theta)

    def end_epoch(self) -> None:
        """Note the norms of the last update's gradient, if there was any since the last time."""
        if self._last is not None:
            self.norms.append([_norm(self._last[rows]) for rows in self.slices.values()])
            self._last = None


def _norm(g: Array) -> float:
    """Return |g|: scaled, so that no square overflows, and summed exactly, in whatever order."""
    largest = float(np.abs(g).max())
    if not 0 < largest < inf:
        return largest
    scaled = g / largest
    return largest * sqrt(fsum((scaled * scaled).tolist()))


class _Seen:
    """What was seen of an activation's units, chunk by chunk."""

    def __init__(self, layer: Layer, units: int):
        self.layer = layer
        self.alive = np.zeros(units, bool)
        self.near = self.outputs = 0

    def look_at(self, y: Array) -> None:
        """Count a chunk's outputs near a bound, and mark the units that are not 0 somewhere."""
        by_unit = np.moveaxis(y, 1, 0).reshape(y.shape[1], -1)
        self.alive |= np.any(by_unit != 0, axis=1)
        self.outputs += by_unit.size
        if (bounds := _bounds(self.layer)) is not None:
            low, high = bounds
            margin = NEAR * (high - low)
            near = (by_unit < low + margin) | (by_unit > high - margin)
            self.near += int(np.count_nonzero(near))

    def units(self, number: int) -> Units:
        """Return what was seen of the layer with this number."""
        dead = int(np.count_nonzero(~self.alive)) if isinstance(self.layer, ReLU) else None
        saturated = None
        if _bounds(self.layer) is not None:
            saturated = round(self.near / self.outputs, DIGITS)
        return Units(number, type(self.layer).__name__, len(self.alive), dead, saturated)


def _bounds(layer: Layer) -> tuple[float, float] | None:
    """Return the bounds of an activation's outputs, if it has any."""
    return next((bounds for kind, bounds in BOUNDS.items() if isinstance(layer, kind)), None)


def _loss_floor(network: Sequential) -> float:
    """Look for an activation behind the last layer that learns."""
    last = max(i for i, part in enumerate(network.slices) if part.stop > part.start)
    for layer in network.layers[last + 1 :]:
        if (bounds := _bounds(layer)) is not None:
            low, high = bounds
            others = network.out_shape[0] - 1
            return round(float(log(1.0 + others * exp(np.array(low - high)))), DIGITS)
    return 0.0
