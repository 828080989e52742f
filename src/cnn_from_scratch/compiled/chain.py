"""Layers in a row that have loops: a table of links, and both ways through it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import prod
from typing import Any

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.arithmetic.rounding import BLOCK
from cnn_from_scratch.compiled.kernel import worth_sharing
from cnn_from_scratch.compiled.loops import LINK, LOOPS, numbers_of
from cnn_from_scratch.compiled.passes import passes_of
from cnn_from_scratch.nn.layers import Conv2D, Layer
from cnn_from_scratch.nn.numerics import NumericsName
from cnn_from_scratch.nn.windows import samples_first, samples_last

CACHE_LINE = 64  # bytes


@dataclass(frozen=True)
class Piece:
    """Links whose loops threads share, or not, and both ways through them; start: of the first."""

    start: int
    links: Any
    forward: Callable[..., None]
    backward: Callable[..., None]


@dataclass(frozen=True)
class Plan:
    """What is done with n samples.

    size: of all their numbers. inputs, outputs: the chain's own among them, and their shapes.
    """

    size: int
    inputs: slice
    in_shape: Shape
    outputs: slice
    out_shape: Shape
    pieces: list[Piece]


class Chain:
    """The layers, as links through one vector that holds all numbers of all samples.

    Args:
        layers: each of a type that has a row in LOOPS.
        shapes: of a sample, before the first layer and after each.
        params: where each layer's parameters start in theta.
        numerics: which loops.

    Raises:
        TypeError: if a layer has no loops.
        ValueError: if the numerics are portable, and a sum has more than 2048 terms.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        shapes: Sequence[Shape],
        params: Sequence[int],
        numerics: NumericsName,
    ):
        self.numerics = numerics
        self.in_shape, self.out_shape = shapes[0], shapes[-1]
        self.size = prod(self.in_shape)  # of all numbers of a sample
        self.links = np.zeros(len(layers), LINK)
        self._y, self._reads_y = 0, False  # the last output's place; and whether its layer reads it
        self._costs: list[int] = []
        self._plans: dict[int, Plan] = {}
        of_layers = zip(self.links, layers, shapes[:-1], shapes[1:], params, strict=True)
        for link, layer, in_shape, out_shape, start in of_layers:
            self._fill_in(link, layer, in_shape, out_shape, start)

    def forward(self, theta: Array, x: Array) -> tuple[Array, Array]:
        """Return the last layer's output, and as cache all numbers of the chain.

        Raises ValueError if x is not (N, *in_shape).
        """
        _check_shape(x, self.in_shape)
        n = len(x)
        plan = self.plan(n)
        values = _aligned(plan.size, theta.dtype)
        values[plan.inputs].reshape(plan.in_shape)[:] = samples_last(x)
        for piece in plan.pieces:
            piece.forward(piece.links, theta, values, n)
        y = values[plan.outputs].copy()  # so that who keeps it keeps no more
        return samples_first(y.reshape(plan.out_shape)), values

    def backward(
        self, theta: Array, dy: Array, values: Array, dtheta: Array, wants_dx: bool = True
    ) -> Array:
        """Write the layers' parts of dtheta, and return dx, if it is wanted.

        Raises ValueError if dy is not (N, *out_shape), with the N of `values`.
        """
        _check_shape(dy, self.out_shape)
        n = len(dy)
        plan = self.plan(n)
        if len(values) != plan.size:
            raise ValueError(f"expected dy of as many samples as went forward, got {n}")
        dvalues = _aligned(plan.size, values.dtype)
        dvalues[plan.outputs].reshape(plan.out_shape)[:] = samples_last(dy)
        wanted = 0 if wants_dx else 1
        for piece in reversed(plan.pieces):
            piece.backward(piece.links, theta, values, n, dvalues, wanted - piece.start, dtheta)
        return samples_first(dvalues[plan.inputs].reshape(plan.in_shape)) if wants_dx else dy

    def plan(self, n: int) -> Plan:
        """Return what is done with n samples; it is kept for the next time."""
        if n not in self._plans:
            self._plans[n] = self._new_plan(n)
        return self._plans[n]

    def _fill_in(
        self, link: Any, layer: Layer, in_shape: Shape, out_shape: Shape, params: int
    ) -> None:
        loops = LOOPS.get(type(layer))
        if loops is None:
            raise TypeError(f"{layer} has no compiled loops")
        if isinstance(layer, Conv2D) and layer.kernel_size is None:
            layer, in_shape = _as_1x1(layer, in_shape)
        if self.numerics == "portable":
            _check_terms(layer, loops.terms(layer, in_shape))
        link["kind"], link["params"] = list(LOOPS).index(type(layer)), params
        for name in numbers_of(type(layer)):
            link[name] = getattr(layer, name) or 0
        link["in_shape"], link["out_shape"] = _as_images(in_shape), _as_images(out_shape)
        link["in_shape"][1:] += 2 * link["padding"]
        link["source"] = link["x"] = self._y
        if link["padding"] > 0 or (loops.in_place and self._reads_y):
            link["x"] = self._y = self._new_place(link["in_shape"])
        if not loops.in_place:
            self._y = self._new_place(link["out_shape"])
        link["y"], self._reads_y = self._y, loops.reads_y
        self._costs.append(prod(out_shape) * loops.cost(layer, in_shape))

    def _new_place(self, shape: Any) -> int:
        place = self.size
        self.size += int(prod(shape))
        return place

    def _new_plan(self, n: int) -> Plan:
        pieces, start = [], 0
        for is_shared, group in groupby(worth_sharing(n * cost) for cost in self._costs):
            end = start + len(list(group))
            forward, backward = (
                kernel.shared if is_shared else kernel.serial for kernel in passes_of(self.numerics)
            )
            pieces.append(Piece(start, self.links[start:end], forward, backward))
            start = end
        return Plan(
            n * self.size,
            slice(n * prod(self.in_shape)),
            (*self.in_shape, n),
            slice(n * self._y, n * (self._y + prod(self.out_shape))),
            (*self.out_shape, n),
            pieces,
        )


def _aligned(size: int, dtype: Any) -> Array:
    """Return a new vector that begins where a cache line does.

    So that, N being a multiple of 16, no processor's vector lies in two lines: to load one that
    does takes twice as long.
    """
    memory = np.empty(size * dtype.itemsize + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + size * dtype.itemsize].view(dtype)


def _check_shape(samples: Array, shape: Shape) -> None:
    """Raise ValueError unless samples are (N, *shape): the loops trust it, and so does copying."""
    if samples.shape[1:] != shape:
        raise ValueError(f"expected samples of the shape {shape}, got {samples.shape[1:]}")


def _check_terms(layer: Layer, terms: int) -> None:
    """Raise ValueError if there are more than the portable loops add up in one block."""
    if terms > BLOCK:
        raise ValueError(
            f"{layer}: compiled, with portable numerics, it has at most {BLOCK} terms"
            f" a sum, not {terms}"
        )


def _as_1x1(layer: Conv2D, in_shape: Shape) -> tuple[Conv2D, Shape]:
    """Return a kernel that spans the image as one of 1x1, and each pixel of it as a channel."""
    return replace(layer, kernel_size=1), (prod(in_shape), 1, 1)


def _as_images(shape: Shape) -> Shape:
    """Return (C, H, W) of images, and (D, 1, 1) of vectors, which may have any shape."""
    return shape if len(shape) == 3 else (prod(shape), 1, 1)
