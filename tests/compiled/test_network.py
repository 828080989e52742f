"""Networks with compiled chains, against the same networks of NumPy's layers."""

import re
from collections.abc import Sequence

import numba
import numpy as np
import pytest

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.compiled import kernel
from cnn_from_scratch.compiled.network import CompiledSequential
from cnn_from_scratch.compiled.passes import passes_of
from cnn_from_scratch.nn.layers import (
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPool2D,
    ReLU,
    Sigmoid,
    Standardize,
    Tanh,
)
from cnn_from_scratch.nn.network import NUMPY, Sequential
from cnn_from_scratch.nn.numerics import NUMERICS, NumericsName, using
from tests.compiled.backends import COMPILED
from tests.nn.inputs import MODES, normal

# Layers in every order that matters: activations behind what needs its output to go back, chains
# that begin with each kind, between other layers, of vectors, and after padding.
ARCHITECTURES: dict[str, tuple[list[Layer], Shape]] = {
    "activations only": ([ReLU(), Sigmoid(), Sigmoid(), ReLU(), Flatten(), Dense(3)], (2, 3, 4)),
    "behind pooling": (
        [Conv2D(3, 3), MaxPool2D(2), ReLU(), MaxPool2D(2, stride=1), Sigmoid(), Flatten()],
        (1, 8, 8),
    ),
    "pooling first": ([MaxPool2D(2), Conv2D(2, 2), ReLU(), ReLU(), Flatten()], (2, 6, 6)),
    "padded first": ([Conv2D(3, 3, padding=1), Conv2D(2, 3, padding=2), Flatten()], (2, 4, 4)),
    "one window": ([Conv2D(3, 4), Conv2D(4, 1), Sigmoid(), Flatten()], (2, 4, 4)),
    "one window of any size": ([ReLU(), Conv2D(3, None), Conv2D(4, None), Flatten()], (2, 3, 5)),
    "vectors": ([Flatten(), Dense(6), ReLU(), Dense(4), Sigmoid(), Sigmoid()], (1, 2, 3)),
    "between": (
        [BatchNorm(), Conv2D(3, 2), Tanh(), Conv2D(2, 2), Sigmoid(), AvgPool2D(2), ReLU(),
         Flatten()],
        (1, 6, 6),
    ),
    "a chain above what learns nothing": (
        [Standardize((0.5, 0.2), (2.0, 0.1)), Conv2D(3, 3), ReLU(), Conv2D(2, None), Flatten()],
        (2, 5, 4),
    ),
    "a chain below what learns": (
        [ReLU(), MaxPool2D(2), Tanh(), Sigmoid(), Flatten(), Dense(3), ReLU()],
        (2, 4, 5),
    ),
    "no chain": ([Tanh(), Flatten(), Dropout(0.5), Dense(3)], (1, 2, 2)),
}  # fmt: skip
all_networks = pytest.mark.parametrize("name", ARCHITECTURES)
both_numerics = pytest.mark.parametrize("which", ["native", "portable"])
CHAINS = {
    "activations only": [(0, True), (4, False), (5, False)],
    "vectors": [(0, False), (1, False), (2, True), (3, False), (4, True)],
    "between": [(0, False), (1, True), (2, False), (3, True), (5, False), (6, True), (7, False)],
    "no chain": [(0, False), (1, False), (2, False), (3, False)],
}


def _streams(i: int) -> np.random.RandomState:
    return np.random.RandomState([7, i])


def _networks(name: str, which: NumericsName) -> tuple[Sequential, CompiledSequential]:
    layers, in_shape = ARCHITECTURES[name]
    compiled = CompiledSequential(layers, in_shape, _streams, COMPILED[which])
    return Sequential(layers, in_shape, _streams, NUMPY), compiled


def _passes(
    network: Sequential, x: Array, dy: Array, mode: str = "training"
) -> tuple[Array, Array]:
    y, caches = network.forward(x, MODES[mode]())
    return y, network.backward(dy, caches)


@all_networks
@both_numerics
@pytest.mark.parametrize("n", [1, 5])
@pytest.mark.parametrize("mode", MODES)
def test_both_passes_are_numpys(
    name: str, which: NumericsName, n: int, mode: str, rng: np.random.RandomState
) -> None:
    """With portable numerics to the bit, else to 1e-12; and x and dy stay as they were."""
    numpys, compiled = _networks(name, which)
    np.testing.assert_array_equal(compiled.theta, numpys.theta, strict=True)
    x, dy = normal(rng, (n, *numpys.in_shape)), normal(rng, (n, *numpys.out_shape))
    given = x.copy(), dy.copy()
    with using(NUMERICS[which]):
        expected = _passes(numpys, x, dy, mode)
    with using(COMPILED[which].numerics):
        actual = _passes(compiled, x, dy, mode)
        prepared = _passes(compiled, np.asarray(compiled.prepare(x)), dy, mode)
    np.testing.assert_equal((x, dy), given)
    for ours, right, other in zip(actual, expected, prepared, strict=True):
        if which == "portable":
            np.testing.assert_array_equal(ours, right, strict=True)
        assert ours.shape == right.shape
        assert np.all(np.abs(ours - right) <= 1e-12 * max(1.0, np.abs(right).max()))
        np.testing.assert_array_equal(ours, other)


@pytest.mark.parametrize("name", CHAINS)
def test_what_is_a_chain(name: str) -> None:
    """Layers with loops that follow each other; all others are by themselves."""
    _, compiled = _networks(name, "native")
    assert [(i, chain is not None) for i, chain in compiled.chains] == CHAINS[name]
    layers, _ = ARCHITECTURES[name]
    assert compiled.layers == tuple(layers)


@both_numerics
@pytest.mark.parametrize("parallel_from", [0, 700, 1000, 5000])
def test_a_chain_of_shared_and_other_steps(
    which: NumericsName,
    parallel_from: int,
    numbers_of_threads: list[int],
    rng: np.random.RandomState,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Wherever it is cut between them, also behind the first layer's padding, no bit changes."""
    layers: Sequence[Layer] = [
        *(Conv2D(4, 3, padding=1), ReLU(), MaxPool2D(2), ReLU()),
        *(Conv2D(3, 2, padding=1), Sigmoid(), MaxPool2D(4), Flatten()),
    ]
    x, dy = normal(rng, (6, 1, 6, 6)), normal(rng, (6, 3))
    found = []
    for limit, number in ((1 << 62, 1), *((parallel_from, n) for n in numbers_of_threads)):
        monkeypatch.setattr(kernel, "PARALLEL_FROM", limit)
        numba.set_num_threads(number)
        network = CompiledSequential(layers, (1, 6, 6), _streams, COMPILED[which])
        found.append(_passes(network, x, dy))
        chain = network.chains[0][1]
        assert chain is not None
        run = passes_of(which).forward
        shared = [piece.forward is run.shared for piece in chain.plan(6).pieces]
        cuts = {1 << 62: [False], 0: [True]}
        if limit in cuts:
            assert shared == cuts[limit]
        else:
            assert len(shared) > 2
    for actual in found[1:]:
        for ours, right in zip(actual, found[0], strict=True):
            np.testing.assert_array_equal(ours, right)


def test_what_is_wrong_is_refused() -> None:
    """At the start: portable numerics in float32, and too long a sum; later, another dtype."""
    layers, in_shape = ARCHITECTURES["pooling first"]
    with pytest.raises(TypeError, match=r"^portable numerics take float64, not float32$"):
        CompiledSequential(layers, in_shape, _streams, COMPILED["portable"], np.float32)
    network = CompiledSequential(layers, in_shape, _streams, COMPILED["native"], np.float32)
    with pytest.raises(TypeError, match="expected inputs of the parameters' float32, got float64"):
        network.forward(np.zeros((2, *in_shape)))
    long: list[Layer] = [ReLU(), Conv2D(2049, 1), Flatten()]
    message = "layers 1 to 2: Conv2D(out_channels=2049, "
    with pytest.raises(ValueError, match=f"^{re.escape(message)}.*2048 terms a sum, not 2049$"):
        CompiledSequential(long, (1, 2, 2), _streams, COMPILED["portable"])
