"""A network whose layers are compiled where they have loops: it computes what NumPy's does.

With portable numerics, to the bit. With native ones, in float64, a gradient agrees with NumPy's to
1e-12 of its largest number; with batch normalization, which divides by a channel's spread, to 1e-11
in all that tests try. Adagrad, RMSprop and Adam divide by a gradient's own size. Where a gradient
is 0 but for rounding, as that of a bias before batch normalization, they turn a difference in it
into one of up to lr / eps times that.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.compiled.chain import Chain
from cnn_from_scratch.compiled.loops import LOOPS
from cnn_from_scratch.nn.backend import Backend
from cnn_from_scratch.nn.layers import EVALUATION, Layer, Mode
from cnn_from_scratch.nn.network import Sequential
from cnn_from_scratch.nn.numerics import NumericsName, Portable
from cnn_from_scratch.nn.windows import Patches, samples_first, samples_last


class CompiledSequential(Sequential):
    """`Sequential`, with each chain of convolutions, poolings, ReLUs and sigmoids compiled.

    Raises ValueError as well if a convolution's sum is too long for the portable loops, and
    TypeError if portable numerics are to take float32.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        in_shape: Shape,
        rng_for_layer: Callable[[int], np.random.RandomState],
        backend: Backend,
        dtype: DTypeLike = np.float64,
    ):
        super().__init__(layers, in_shape, rng_for_layer, backend, dtype)
        numerics: NumericsName = "portable" if isinstance(backend.numerics, Portable) else "native"
        if numerics == "portable" and self.theta.dtype != np.float64:
            raise TypeError(f"portable numerics take float64, not {self.theta.dtype}")
        self.chains: list[tuple[int, Chain | None]] = []  # by first layer; None: it has no loops
        for has_loops, group in groupby(range(len(layers)), lambda i: type(layers[i]) in LOOPS):
            numbers = list(group)
            if has_loops:
                self.chains.append((numbers[0], self._chain(numbers, numerics)))
            else:
                self.chains += [(i, None) for i in numbers]

    def prepare(self, x: Array) -> Any:
        """Return x as a first chain copies it quickest: in memory, N last."""
        if self.chains[0][1] is None:
            return x
        return samples_first(np.ascontiguousarray(samples_last(x)))

    def forward(self, x: Array | Patches, mode: Mode = EVALUATION) -> tuple[Array, list[Any]]:
        """Return the last layer's output, and the caches, one per chain, that `backward` needs."""
        self._check_dtype(x)
        caches = []
        y: Any = x
        for i, chain in self.chains:
            if chain is None:
                y, cache = self.layers[i].forward(self.params[i], y, mode)
            else:
                y, cache = chain.forward(self.theta, y)
            caches.append(cache)
        return y, caches

    def backward(self, dy: Array, caches: list[Any]) -> Array:
        """Return dtheta from the gradient dy of the output."""
        dtheta = np.empty_like(self.theta)
        for (i, chain), cache in zip(reversed(self.chains), reversed(caches), strict=True):
            if chain is None:
                dy = self._backward(i, dy, cache, dtheta)
            else:
                wants_dx = i > self.first_to_learn
                dy = chain.backward(self.theta, dy, cache, dtheta, wants_dx)
            if i <= self.first_to_learn:
                break
        return dtheta

    def _chain(self, numbers: list[int], numerics: NumericsName) -> Chain:
        first, end = numbers[0], numbers[-1] + 1
        starts = [place.start for place in self.slices[first:end]]
        try:
            return Chain(self.layers[first:end], self.shapes[first : end + 1], starts, numerics)
        except ValueError as error:
            raise ValueError(f"layers {first + 1} to {end}: {error}") from error
