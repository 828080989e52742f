"""Chains of compiled layers, each layer by itself against the NumPy layer that it computes."""

import re
from dataclasses import dataclass
from itertools import product
from typing import Any

import numba
import numpy as np
import pytest

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.compiled import functions, kernel
from cnn_from_scratch.compiled.chain import Chain
from cnn_from_scratch.compiled.loops import LOOPS
from cnn_from_scratch.compiled.passes import passes_of
from cnn_from_scratch.nn.layers import (
    EVALUATION,
    Arrays,
    Conv2D,
    Gradients,
    Init,
    Layer,
    MaxPool2D,
    Mode,
    ReLU,
    Sigmoid,
    Tanh,
)
from cnn_from_scratch.nn.numerics import NUMERICS, PORTABLE, NumericsName, using
from tests.compiled.backends import COMPILED
from tests.nn.gradient_check import check_layer
from tests.nn.inputs import (
    MEMORY_ORDERS,
    MODES,
    copies,
    normal,
    random_params,
    read_only,
    smooth_input,
)
from tests.nn.test_layers import CASES, all_orders

TWINS = [case for case in CASES if type(case[0]) in LOOPS]
twin_cases = pytest.mark.parametrize(("layer", "in_shape", "out_shape"), TWINS, ids=str)
both_numerics = pytest.mark.parametrize("which", COMPILED)

# A layer of each kind whose loops run over several places, channels and samples.
ONE_OF_EACH: list[tuple[Layer, Shape, Shape]] = [
    (Conv2D(3, 3, stride=2, padding=1), (2, 8, 6), (3, 4, 3)),
    (MaxPool2D(3, stride=2), (2, 8, 7), (2, 3, 3)),
    (ReLU(), (2, 3, 4), (2, 3, 4)),
    (Sigmoid(), (2, 3, 4), (2, 3, 4)),
]


def test_every_layer_with_loops_has_a_row() -> None:
    assert {type(layer) for layer, *_ in ONE_OF_EACH} == LOOPS.keys()


one_of_each = pytest.mark.parametrize(("layer", "in_shape", "out_shape"), ONE_OF_EACH, ids=str)


@dataclass(frozen=True)
class _OwnReLU(ReLU):
    """A layer of its own."""


class Twin(Layer):
    """A chain of one layer, as a layer."""

    def __init__(self, layer: Layer, which: NumericsName):
        self.layer, self.which = layer, which

    def init(self, in_shape: Shape, rng: np.random.RandomState) -> Init:
        """Return what the layer does."""
        return self.layer.init(in_shape, rng)

    def forward(self, params: Arrays, x: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        """Return y; cache: the chain, theta, and its numbers."""
        in_shape = x.shape[1:]
        shapes = [in_shape, self.init(in_shape, np.random.RandomState(0)).out_shape]
        chain = Chain([self.layer], shapes, [0], self.which)
        theta = np.concatenate([np.zeros(0, x.dtype), *(a.ravel() for a in params.values())])
        y, values = chain.forward(theta, x)
        return y, (chain, theta, values)

    def backward(self, params: Arrays, dy: Array, cache: Any, wants_dx: bool = True) -> Gradients:
        """Return dx and the gradients, each of a way back of its own."""
        chain, theta, values = cache
        dx = chain.backward(theta, dy, values, np.empty_like(theta)) if wants_dx else None
        dtheta = np.full_like(theta, np.nan)
        chain.backward(theta, dy, values, dtheta, wants_dx=False)
        cuts = np.split(dtheta, np.cumsum([a.size for a in params.values()]))
        return dx, {n: cut.reshape(a.shape) for cut, (n, a) in zip(cuts, params.items())}  # noqa: B905


def all_passes(layer: Layer, params: Arrays, x: Array, dy: Array, mode: Mode) -> Arrays:
    """Return y, dx and the gradients, by name."""
    y, cache = layer.forward(params, x, mode)
    dx, grads = layer.backward(params, dy, cache)
    return {"y": y, "dx": dx} | grads


ROUNDING = 2.0**-53


def _bounds(layer: Layer, params: Arrays, x: Array, dy: Array) -> Arrays | dict[str, float]:
    """Return how far two right computations of a layer may be from each other in float64.

    A convolution's are sums of K products, or K products and a bias. In whatever order, each is
    rounded at most K + 1 times in a row, and so off by at most (K + 1) roundings of the sum of the
    terms' sizes, which is what the layer makes of absolute values. The exponential of a sigmoid is
    off by at most 2 units in the last place, here and there; three more roundings make y, whose
    error, and that of 1 - y, is then below 16 roundings of 1, and that of y (1 - y) below 32.
    The others choose, and a maximum's sums of dy are added up in one order.
    """
    if isinstance(layer, Conv2D):
        sizes = {name: np.abs(array) for name, array in params.items()}
        largest = all_passes(layer, sizes, np.abs(x), np.abs(dy), MODES["evaluation"]())
        of_places = dy.size // layer.out_channels
        terms = max(params["W"][0].size, params["W"][:, 0].size, of_places) + 1
        return {name: 2 * terms * ROUNDING * size for name, size in largest.items()}
    if isinstance(layer, Sigmoid):
        return {"y": 32 * ROUNDING, "dx": 64 * ROUNDING * float(np.abs(dy).max())}
    return {"y": 0.0, "dx": 0.0}


@twin_cases
@all_orders
def test_native_passes_agree(
    layer: Layer, in_shape: Shape, out_shape: Shape, order: str, rng: np.random.RandomState
) -> None:
    """Within the rounding of float64, however x and dy lie in memory; and none is written to."""
    params, reorder = random_params(layer, in_shape, rng), MEMORY_ORDERS[order]
    for n, mode in product((1, 4), MODES.values()):
        x, dy = reorder(normal(rng, (n, *in_shape))), reorder(normal(rng, (n, *out_shape)))
        given = [*copies(params).values(), x.copy(), dy.copy()]
        actual = all_passes(Twin(layer, "native"), params, x, dy, mode())
        np.testing.assert_equal([*params.values(), x, dy], given)
        expected = all_passes(layer, params, x, dy, mode())
        bounds = _bounds(layer, params, x, dy)
        assert actual.keys() == expected.keys() == bounds.keys()
        for name, right in expected.items():
            assert actual[name].shape == right.shape
            assert actual[name].dtype == right.dtype
            error = np.abs(actual[name] - right)
            assert np.all(error <= bounds[name]), name
            assert np.all(error <= 1e-12 * np.abs(right).max()), name


@twin_cases
@all_orders
def test_portable_passes_are_the_same_bits(
    layer: Layer, in_shape: Shape, out_shape: Shape, order: str, rng: np.random.RandomState
) -> None:
    """As those of the NumPy layer with NumPy's portable numerics; and nothing is written to."""
    params, reorder = random_params(layer, in_shape, rng), MEMORY_ORDERS[order]
    for n, mode in product((1, 4), MODES.values()):
        x, dy = reorder(normal(rng, (n, *in_shape))), reorder(normal(rng, (n, *out_shape)))
        given = [*copies(params).values(), x.copy(), dy.copy()]
        with using(functions.PORTABLE):
            actual = all_passes(Twin(layer, "portable"), params, x, dy, mode())
        np.testing.assert_equal([*params.values(), x, dy], given)
        with using(PORTABLE):
            same_bits(actual, all_passes(layer, params, x, dy, mode()))


def same_bits(actual: Arrays, expected: Arrays) -> None:
    """Check that arrays have equal bits; but NaN is NaN, and 0 is 0 with either sign."""
    assert actual.keys() == expected.keys()
    for name, right in expected.items():
        assert actual[name].dtype == right.dtype
        np.testing.assert_array_equal(actual[name], right, err_msg=name, strict=True)


# A sum of more terms than a block of 2048, whose last block is short, and one of just two blocks.
LONG_SUMS: list[tuple[Conv2D, Shape, int]] = [
    (Conv2D(2, 3), (2, 12, 12), 23),  # 2300 places
    (Conv2D(3, 2, stride=2), (1, 16, 16), 64),  # 4096
    (Conv2D(2, 3, padding=1), (1, 28, 28), 7),  # 5488
    (Conv2D(2, 8), (32, 8, 8), 3),  # 2048 terms of an output
]


@pytest.mark.parametrize(("layer", "in_shape", "n"), LONG_SUMS, ids=str)
@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e120])
def test_portable_sums_in_blocks_are_the_same_bits(
    layer: Conv2D, in_shape: Shape, n: int, scale: float, rng: np.random.RandomState
) -> None:
    """Numbers of very different sizes, so that blocks are rounded differently."""
    params = random_params(layer, in_shape, rng)
    x = scale * normal(rng, (n, *in_shape)) * 2.0 ** rng.randint(-20, 20, (n, *in_shape))
    dy = normal(rng, (n, *layer.init(in_shape, rng).out_shape))
    with using(functions.PORTABLE):
        actual = all_passes(Twin(layer, "portable"), params, x, dy, MODES["evaluation"]())
    with using(PORTABLE):
        same_bits(actual, all_passes(layer, params, x, dy, MODES["evaluation"]()))


@pytest.mark.parametrize("layer", [Conv2D(2, 3, stride=2), Conv2D(2, 1, stride=5)], ids=str)
def test_pixels_that_no_window_sees_are_rounded_with_the_others(
    layer: Conv2D, rng: np.random.RandomState
) -> None:
    """In both: a large one coarsens the weights' gradient, and nothing else."""
    params, x = random_params(layer, (1, 8, 8), rng), normal(rng, (5, 1, 8, 8))
    dy = normal(rng, (5, *layer.init((1, 8, 8), rng).out_shape))
    with using(PORTABLE):
        before = all_passes(layer, params, x, dy, MODES["evaluation"]())
        x[0, 0, 7, 7] = 1e7
        expected = all_passes(layer, params, x, dy, MODES["evaluation"]())
    with using(functions.PORTABLE):
        actual = all_passes(Twin(layer, "portable"), params, x, dy, MODES["evaluation"]())
    same_bits(actual, expected)
    assert {name for name in before if (before[name] != expected[name]).any()} == {"W"}


@pytest.mark.parametrize(
    ("layer", "in_shape"), [(Conv2D(2, 7), (42, 7, 7)), (Conv2D(2049, 1), (1, 2, 2))], ids=str
)
def test_a_portable_convolution_of_too_many_terms_is_refused(
    layer: Conv2D, in_shape: Shape, rng: np.random.RandomState
) -> None:
    """At the start, as all that is wrong with shapes; the native one takes it."""
    shapes = [in_shape, layer.init(in_shape, rng).out_shape]
    with pytest.raises(ValueError, match=r"at most 2048 terms a sum, not 20(58|49)$"):
        Chain([layer], shapes, [0], "portable")
    Chain([layer], shapes, [0], "native")


@both_numerics
@pytest.mark.parametrize("layer", [Tanh(), _OwnReLU()], ids=str)
def test_a_layer_without_loops_is_refused(layer: Layer, which: NumericsName) -> None:
    """It is taken for no other layer, not even for the one that it is derived from."""
    message = rf"^{re.escape(str(layer))} has no compiled loops$"
    with pytest.raises(TypeError, match=message):
        Chain([ReLU(), layer], [(2, 4, 4)] * 3, [0, 0], which)


@twin_cases
def test_gradients(
    layer: Layer, in_shape: Shape, out_shape: Shape, rng: np.random.RandomState
) -> None:
    """Every native gradient agrees with finite differences, whatever NumPy's layers do."""
    for n in (1, 3):
        x = smooth_input((n, *in_shape), rng)
        check_layer(Twin(layer, "native"), random_params(layer, in_shape, rng), {}, x, rng)


@one_of_each
@both_numerics
def test_read_only_arrays_will_do(
    layer: Layer, in_shape: Shape, out_shape: Shape, which: NumericsName, rng: np.random.RandomState
) -> None:
    """Such that lie in memory as the loops take them, so that these see them and no copy."""
    params = random_params(layer, in_shape, rng)
    reorder = MEMORY_ORDERS["batch last"]
    x, dy = reorder(normal(rng, (4, *in_shape))), reorder(normal(rng, (4, *out_shape)))
    frozen = {name: read_only(array) for name, array in params.items()}
    with using(COMPILED[which].numerics):
        one = Twin(layer, which)
        actual = all_passes(one, frozen, read_only(x), read_only(dy), MODES["evaluation"]())
        same_bits(actual, all_passes(one, params, x, dy, MODES["evaluation"]()))


@one_of_each
@both_numerics
@pytest.mark.parametrize("n", [1, 33])
def test_threads_change_no_bit(
    layer: Layer,
    in_shape: Shape,
    out_shape: Shape,
    which: NumericsName,
    n: int,
    numbers_of_threads: list[int],
    rng: np.random.RandomState,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Loops for one thread, and loops that one or two share, give the same."""
    params = random_params(layer, in_shape, rng)
    x, dy = normal(rng, (n, *in_shape)), normal(rng, (n, *out_shape))
    one = Twin(layer, which)
    monkeypatch.setattr(kernel, "PARALLEL_FROM", 1 << 62)
    serial = all_passes(one, params, x, dy, MODES["evaluation"]())
    monkeypatch.setattr(kernel, "PARALLEL_FROM", 0)
    for way in passes_of(which):
        monkeypatch.setattr(way, "serial", None)  # the shared loops do it
    for number in numbers_of_threads:
        numba.set_num_threads(number)
        same_bits(all_passes(one, params, x, dy, MODES["evaluation"]()), serial)


def test_small_loops_are_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """From so many steps on they are."""
    ran: list[str] = []
    loop = kernel.Kernel(lambda x: None)
    monkeypatch.setattr(loop, "serial", lambda x: ran.append("serial"))
    monkeypatch.setattr(loop, "shared", lambda x: ran.append("shared"))
    for steps in (0, kernel.PARALLEL_FROM - 1, kernel.PARALLEL_FROM, 10 * kernel.PARALLEL_FROM):
        loop.run(steps, np.zeros(1))
    assert ran == ["serial", "serial", "shared", "shared"]
    loop(np.zeros(1))
    assert ran[4:] == ["serial"]


EDGES = [0.0, -0.0, 5e-324, -5e-324, 708.0, -708.0, 709.5, -709.5, -745.0, -750.0, 1e308, -1e308]


@pytest.mark.parametrize("layer", [ReLU(), Sigmoid()], ids=str)
@both_numerics
def test_activations_at_the_edges(layer: Layer, which: NumericsName) -> None:
    """Where the functions change their course, the native ones too agree to the last bits."""
    x = np.array([EDGES])
    dy = np.full(x.shape, -3.0)
    with using(NUMERICS[which]):
        expected = all_passes(layer, {}, x, dy, MODES["evaluation"]())
    with using(COMPILED[which].numerics):
        actual = all_passes(Twin(layer, which), {}, x, dy, MODES["evaluation"]())
    for name, right in expected.items():
        rtol = 0.0 if which == "portable" else 64 * ROUNDING
        np.testing.assert_allclose(actual[name], right, rtol=rtol, atol=0.0, err_msg=name)


@pytest.mark.parametrize("shape", [(1,), (2, 2), (3, 3)])
def test_max_pool_routes_to_the_first_of_equal_maxima(shape: Shape) -> None:
    """Overlapping windows full of ties, in both signs of zero."""
    rng = np.random.RandomState(len(shape))
    x = normal(rng, (5, 2, 7, 6)).round()
    layer = MaxPool2D(3, stride=shape[0])
    y = layer.forward({}, x)[0]
    dy = normal(rng, y.shape)
    mode = MODES["evaluation"]()
    same_bits(
        all_passes(Twin(layer, "native"), {}, x, dy, mode), all_passes(layer, {}, x, dy, mode)
    )


@one_of_each
def test_float32_stays(
    layer: Layer, in_shape: Shape, out_shape: Shape, rng: np.random.RandomState
) -> None:
    """And agrees with NumPy's float32: the bounds of float64, with roundings of 2^-24."""
    params = {n: a.astype(np.float32) for n, a in random_params(layer, in_shape, rng).items()}
    x, dy = (normal(rng, (4, *shape)).astype(np.float32) for shape in (in_shape, out_shape))
    mode = MODES["evaluation"]()
    actual = all_passes(Twin(layer, "native"), params, x, dy, mode)
    expected = all_passes(layer, params, x, dy, mode)
    for name, bound in _bounds(layer, params, x, dy).items():
        assert actual[name].dtype == np.float32, name
        difference = np.abs(actual[name].astype(np.float64) - expected[name])
        assert np.all(difference <= 2.0**29 * bound), name


@pytest.mark.parametrize("kernel_size", range(1, 8))
@both_numerics
def test_kernels_of_every_size(
    kernel_size: int, which: NumericsName, rng: np.random.RandomState
) -> None:
    """Those whose loops are compiled for their length, and the others."""
    layer, in_shape = Conv2D(3, kernel_size, stride=2, padding=1), (2, 9, 8)
    params = random_params(layer, in_shape, rng)
    x = normal(rng, (4, *in_shape))
    dy = normal(rng, (4, *layer.init(in_shape, rng).out_shape))
    actual = all_passes(Twin(layer, which), params, x, dy, MODES["evaluation"]())
    with using(NUMERICS[which]):
        expected = all_passes(layer, params, x, dy, MODES["evaluation"]())
    if which == "portable":
        same_bits(actual, expected)
    for name, bound in _bounds(layer, params, x, dy).items():
        assert np.all(np.abs(actual[name] - expected[name]) <= bound), name


@one_of_each
def test_outputs_keep_nothing_else(
    layer: Layer, in_shape: Shape, out_shape: Shape, rng: np.random.RandomState
) -> None:
    """Who keeps y, as `predict` does, does not keep all numbers of the chain with it."""
    x = normal(rng, (4, *in_shape))
    y, (_, _, values) = Twin(layer, "native").forward(
        random_params(layer, in_shape, rng), x, MODES["evaluation"]()
    )
    assert not np.shares_memory(y, values)
    assert y.base is not None
    assert y.base.nbytes == y.nbytes
