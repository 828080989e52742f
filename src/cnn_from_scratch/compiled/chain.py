"""Layers in a row that have loops: their table of steps, and both ways through it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import prod
from typing import Any

import numpy as np

from cnn_from_scratch.compiled import passes
from cnn_from_scratch.compiled.kernel import worth_sharing
from cnn_from_scratch.nn import numerics
from cnn_from_scratch.nn.layers import Conv2D, Layer, MaxPool2D, ReLU, Shape, Sigmoid
from cnn_from_scratch.nn.numerics import Array, Version

LAYERS_WITH_LOOPS = (Conv2D, MaxPool2D, ReLU, Sigmoid)


@dataclass(frozen=True)
class Step:
    """A row of the table, of a single sample: the fields of `passes.STEP` by these names, and more.

    cost: about how often a sample runs the innermost line of the step's loops.
    """

    kind: int
    in_shape: Shape
    out_shape: Shape
    x: int
    y: int
    params: int = 0
    kernel_size: int = 1
    stride: int = 1
    padding: int = 0
    cost: int = 0


@dataclass(frozen=True)
class Plan:
    """What is done with n samples.

    size: of all their numbers. inputs, outputs: the chain's own among them, and their shapes.
    pieces: of the table, by whether threads share the steps' loops: the number of the first step,
        the rows, and whether they do.
    """

    size: int
    inputs: slice
    in_shape: Shape
    outputs: slice
    out_shape: Shape
    pieces: list[tuple[int, Any, bool]]


class Chain:
    """The layers, as steps through one vector that holds all numbers of all samples.

    Args:
        layers: each of one of the LAYERS_WITH_LOOPS.
        shapes: of a sample, before the first layer and after each.
        params: where each layer's parameters start in theta.
        version: of the numerics.

    Raises:
        ValueError: if the numerics are portable, and a sum has more than 2048 terms.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        shapes: Sequence[Shape],
        params: Sequence[int],
        version: Version,
    ):
        self.version = version
        self.in_shape, self.out_shape = shapes[0], shapes[-1]
        self.size = prod(self.in_shape)  # of all numbers of a sample
        self.steps: list[Step] = []
        self._of_first = 0  # steps of the first layer
        self._plans: dict[int, Plan] = {}
        for layer, in_shape, out_shape, start in zip(
            layers, shapes[:-1], shapes[1:], params, strict=True
        ):
            self._add(layer, in_shape, out_shape, start)
            self._of_first = self._of_first or len(self.steps)

    def forward(self, theta: Array, x: Array) -> tuple[Array, Array]:
        """Return the last layer's output, and as cache all numbers of the chain.

        Raises ValueError if x is not (N, *in_shape).
        """
        check_shape(x, self.in_shape)
        n = len(x)
        plan = self._plan(n)
        values = np.empty(plan.size, theta.dtype)
        values[plan.inputs].reshape(plan.in_shape)[:] = samples_last(x)
        for _, rows, is_shared in plan.pieces:
            run = passes.forward.shared if is_shared else passes.forward.serial
            run(rows, theta, values, n)
        y = values[plan.outputs].copy()  # so that who keeps it keeps no more
        return samples_first(y.reshape(plan.out_shape)), values

    def backward(
        self, theta: Array, dy: Array, values: Array, dtheta: Array, wants_dx: bool = True
    ) -> Array:
        """Write the layers' parts of dtheta, and return dx, if it is wanted.

        Raises ValueError if dy is not (N, *out_shape), with the N of `values`.
        """
        check_shape(dy, self.out_shape)
        n = len(dy)
        plan = self._plan(n)
        if len(values) != plan.size:
            raise ValueError(f"expected dy of as many samples as went forward, got {n}")
        dvalues = np.empty_like(values)
        dvalues[plan.outputs].reshape(plan.out_shape)[:] = samples_last(dy)
        wanted = 0 if wants_dx else self._of_first
        for start, rows, is_shared in reversed(plan.pieces):
            run = passes.backward.shared if is_shared else passes.backward.serial
            run(rows, theta, values, n, wanted - start, dvalues, dtheta)
        return samples_first(dvalues[plan.inputs].reshape(plan.in_shape)) if wants_dx else dy

    def _plan(self, n: int) -> Plan:
        if n not in self._plans:
            self._plans[n] = self._new_plan(n)
        return self._plans[n]

    def _new_plan(self, n: int) -> Plan:
        table = np.zeros(len(self.steps), passes.STEP)
        for row, step in zip(table, self.steps, strict=True):
            fill_in(row, step, n)
        sharing = [worth_sharing(n * step.cost) for step in self.steps]
        pieces, start = [], 0
        for is_shared, group in groupby(sharing):
            end = start + len(list(group))
            pieces.append((start, table[start:end], is_shared))
            start = end
        first_out = n * self.steps[-1].y
        return Plan(
            n * self.size,
            slice(n * prod(self.in_shape)),
            (*self.in_shape, n),
            slice(first_out, first_out + n * prod(self.out_shape)),
            (*self.out_shape, n),
            pieces,
        )

    def _add(self, layer: Layer, in_shape: Shape, out_shape: Shape, params: int) -> None:
        if isinstance(layer, Conv2D):
            self._add_convolution(layer, in_shape, out_shape, params)
        elif isinstance(layer, MaxPool2D):
            k, stride = layer.kernel_size, layer.stride or layer.kernel_size
            cost = prod(out_shape) * k * k
            self._append(
                passes.MAX_POOL, in_shape, out_shape, kernel_size=k, stride=stride, cost=cost
            )
        else:
            # An activation replaces its input, or a copy if the step before needs it to go back.
            if self.steps and self.steps[-1].kind not in (passes.CONV, passes.PORTABLE_CONV):
                self._append(passes.PAD, in_shape, out_shape)
            sigmoid = passes.SIGMOID if self.version == "native" else passes.PORTABLE_SIGMOID
            kind, cost = (passes.RELU, 3) if isinstance(layer, ReLU) else (sigmoid, 20)
            self._append(kind, in_shape, out_shape, in_place=True, cost=prod(in_shape) * cost)

    def _add_convolution(
        self, layer: Conv2D, in_shape: Shape, out_shape: Shape, params: int
    ) -> None:
        channels, height, width = in_shape
        k, p = layer.kernel_size, layer.padding
        if self.version == "portable":
            check_terms(layer, max(layer.out_channels, channels * k * k))
        if p > 0:
            padded = (channels, height + 2 * p, width + 2 * p)
            self._append(passes.PAD, in_shape, padded, padding=p)
            in_shape = padded
        self._append(
            passes.CONV if self.version == "native" else passes.PORTABLE_CONV,
            *(in_shape, out_shape),
            params=params,
            kernel_size=k,
            stride=layer.stride,
            cost=prod(out_shape) * channels * k * k,
        )

    def _append(
        self, kind: int, in_shape: Shape, out_shape: Shape, in_place: bool = False, **fields: int
    ) -> None:
        x = self.steps[-1].y if self.steps else 0
        y = x if in_place else self.size
        self.steps.append(Step(kind, in_shape, out_shape, x, y, **fields))
        if not in_place:
            self.size += prod(out_shape)


def check_shape(samples: Array, shape: Shape) -> None:
    """Raise ValueError unless samples are (N, *shape): the loops trust it, and so does copying."""
    if samples.shape[1:] != shape:
        raise ValueError(f"expected samples of the shape {shape}, got {samples.shape[1:]}")


def check_terms(layer: Conv2D, terms: int) -> None:
    """Raise ValueError if there are more than the portable loops add up in one block."""
    if terms > numerics.BLOCK:
        raise ValueError(
            f"{layer}: compiled, with portable numerics, it has at most {numerics.BLOCK} terms"
            f" a sum, not {terms}"
        )


def fill_in(row: Any, step: Step, n: int) -> None:
    """Make a row of the table of a step, for n samples."""
    for name in ("kind", "params", "kernel_size", "stride", "padding"):
        row[name] = getattr(step, name)
    row["x"], row["y"] = n * step.x, n * step.y
    for side, shape in (("in", step.in_shape), ("out", step.out_shape)):
        images = shape if len(shape) == 3 else (prod(shape), 1, 1)
        for name, length in zip(("channels", "height", "width"), images, strict=True):
            row[f"{side}_{name}"] = length
    if step.kind == passes.PORTABLE_CONV:
        out_channels, *out_size = step.out_shape
        window, places = step.in_shape[0] * step.kernel_size * step.kernel_size, n * prod(out_size)
        row["W_unit"] = unit(max(out_channels, window))
        row["window_unit"] = unit(window)
        row["x_unit"] = unit(max(places, window))
        row["dy_unit"] = unit(max(places, out_channels))


def unit(terms: int) -> float:
    """Return to what factors of so many products are rounded, as `portable.shifter` takes it."""
    return numerics.FROM_OVERFLOW[numerics.factor_bits(terms)]


def samples_last(x: Array) -> Array:
    """Return samples (N, ...) as the loops take them: (..., N)."""
    return x.transpose(1, 2, 3, 0) if x.ndim == 4 else np.moveaxis(x, 0, -1)


def samples_first(x: Array) -> Array:
    """Return samples (..., N) as the layers take them: (N, ...)."""
    return x.transpose(3, 0, 1, 2) if x.ndim == 4 else np.moveaxis(x, -1, 0)
