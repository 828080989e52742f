"""The layers that have loops: a row for each, and what their kernels find of a layer by name."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, get_type_hints

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Shape
from cnn_from_scratch.compiled import activations, convolution, pooling, portable
from cnn_from_scratch.compiled.kernel import Kernel
from cnn_from_scratch.nn import layers


class Passes(NamedTuple):
    """A layer's loops, with the arguments FORWARD and BACKWARD of passes.py."""

    forward: Kernel
    backward: Kernel


@dataclass(frozen=True)
class Loops:
    """The loops of a layer type, and what a chain has to know of them.

    cost: about how often the innermost line is run for a number of the output.
    native, portable: the loops, by the numerics.
    in_place: whether the output replaces the input.
    reads_y: whether the way back reads the output, so that the next layer must not replace it.
    terms: how many the portable loops' longest sum has that must fit in one block.
    """

    cost: Callable[[Any, Shape], int]
    native: Passes
    portable: Passes
    in_place: bool = False
    reads_y: bool = True
    terms: Callable[[Any, Shape], int] = lambda layer, in_shape: 0


def _window(layer: layers.Conv2D, in_shape: Shape) -> int:
    k = layer.kernel_size or 1  # the chain makes 1x1 of None
    return in_shape[0] * k * k


LOOPS: dict[type[layers.Layer], Loops] = {
    layers.Conv2D: Loops(
        cost=_window,
        native=Passes(convolution.conv, convolution.conv_backward),
        portable=Passes(portable.conv, portable.conv_backward),
        reads_y=False,
        terms=lambda layer, in_shape: max(layer.out_channels, _window(layer, in_shape)),
    ),
    layers.MaxPool2D: Loops(
        cost=lambda layer, in_shape: layer.kernel_size * layer.kernel_size,
        native=Passes(pooling.max_pool, pooling.max_pool_backward),
        portable=Passes(pooling.max_pool, pooling.max_pool_backward),
    ),
    layers.ReLU: Loops(
        cost=lambda layer, in_shape: 3,
        native=Passes(activations.relu, activations.relu_backward),
        portable=Passes(activations.relu, activations.relu_backward),
        in_place=True,
    ),
    layers.Sigmoid: Loops(
        cost=lambda layer, in_shape: 20,
        native=Passes(activations.sigmoid, activations.sigmoid_backward),
        portable=Passes(activations.portable_sigmoid, activations.sigmoid_backward),
        in_place=True,
    ),
}


def numbers_of(layer: type[layers.Layer]) -> dict[str, type]:
    """Return the names and types of a layer's fields that are numbers, or None."""
    hints: dict[str, Any] = get_type_hints(layer)
    types = {int: np.int64, int | None: np.int64, float: np.float64}
    own = {field.name: hints[field.name] for field in fields(layer)}  # type: ignore[arg-type]
    return {name: types[hint] for name, hint in own.items() if hint in types}


# A layer in a chain. kind: its row in LOOPS. x, y: the places of its input and output among all
# numbers of a sample, the same where the output replaces the input; source: the place of what x is
# a copy of, or x itself. params: the place of its parameters in theta. And each layer's own
# numbers, by the names of its fields; None is 0.
LINK = np.dtype(
    [
        *((name, np.int64) for name in ("kind", "source", "x", "y", "params")),
        *((name, np.int64, 3) for name in ("in_shape", "out_shape")),
        *dict.fromkeys(number for layer in LOOPS for number in numbers_of(layer).items()),
    ]
)
