"""The layers with compiled loops, each against the NumPy layer that it stands for."""

from dataclasses import fields
from itertools import product
from typing import Any

import numba
import numpy as np
import pytest

from cnn_from_scratch.compiled import functions, kernel
from cnn_from_scratch.compiled.layers import compiled
from cnn_from_scratch.nn import numerics
from cnn_from_scratch.nn.layers import (
    Arrays,
    Conv2D,
    Layer,
    MaxPool2D,
    Mode,
    ReLU,
    Shape,
    Sigmoid,
)
from cnn_from_scratch.nn.numerics import Array, Primitives, Version, using
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
from tests.nn.test_layers import CASES, all_cases, all_orders

# What a compiled layer computes with, and what it must agree with: `using` takes either.
PRIMITIVES: dict[Version, Primitives] = {
    "native": numerics.NATIVE,
    "portable": functions.PORTABLE,
}
KINDS = (Conv2D, MaxPool2D, ReLU, Sigmoid)
TWINS = [case for case in CASES if isinstance(case[0], KINDS)]
twin_cases = pytest.mark.parametrize(("layer", "in_shape", "out_shape"), TWINS, ids=str)
both_versions = pytest.mark.parametrize("version", PRIMITIVES)

# A layer of each kind whose loops run over several places, channels and samples.
ONE_OF_EACH: list[tuple[Layer, Shape, Shape]] = [
    (Conv2D(3, 3, stride=2, padding=1), (2, 8, 6), (3, 4, 3)),
    (MaxPool2D(3, stride=2), (2, 8, 7), (2, 3, 3)),
    (ReLU(), (2, 3, 4), (2, 3, 4)),
    (Sigmoid(), (2, 3, 4), (2, 3, 4)),
]
one_of_each = pytest.mark.parametrize(("layer", "in_shape", "out_shape"), ONE_OF_EACH, ids=str)


def twin(layer: Layer, version: Version) -> Layer:
    """Return the compiled layer."""
    [other] = compiled([layer], version)
    assert type(other) is not type(layer)
    return other


def passes(layer: Layer, params: Arrays, x: Array, dy: Array, mode: Mode) -> Arrays:
    """Return y, dx and the gradients, by name."""
    y, cache = layer.forward(params, x, mode)
    dx = layer.backward(params, dy, cache)
    return {"y": y, "dx": dx} | layer.gradients(params, dy, cache)


@all_cases
@both_versions
def test_twins_are_there_for_the_layers_meant(
    layer: Layer, in_shape: Shape, out_shape: Shape, version: Version
) -> None:
    """A twin is the layer, of the same settings, start and shapes; others are left as they are."""
    [other] = compiled([layer], version)
    if not isinstance(layer, KINDS):
        assert other is layer
        return
    assert isinstance(other, type(layer))
    assert type(other) is not type(layer)
    for field in fields(layer):
        assert getattr(other, field.name) == getattr(layer, field.name)
    init, expected = (one.init(in_shape, np.random.RandomState(3)) for one in (other, layer))
    np.testing.assert_equal(init, expected)
    assert other.mode_matters is layer.mode_matters


def test_the_layers_stay_in_their_order() -> None:
    """One for one; and the two versions differ in the convolution alone."""
    layers = [case[0] for case in CASES]
    native, portable = (compiled(layers, version) for version in PRIMITIVES)
    for layer, one, other in zip(layers, native, portable, strict=True):
        assert isinstance(one, type(layer))
        assert (type(one) is type(other)) == (not isinstance(layer, Conv2D))


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
        largest = passes(layer, sizes, np.abs(x), np.abs(dy), MODES["evaluation"]())
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
        actual = passes(twin(layer, "native"), params, x, dy, mode())
        np.testing.assert_equal([*params.values(), x, dy], given)
        expected = passes(layer, params, x, dy, mode())
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
            actual = passes(twin(layer, "portable"), params, x, dy, mode())
        np.testing.assert_equal([*params.values(), x, dy], given)
        with using("portable"):
            same_bits(actual, passes(layer, params, x, dy, mode()))


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
        actual = passes(twin(layer, "portable"), params, x, dy, MODES["evaluation"]())
    with using("portable"):
        same_bits(actual, passes(layer, params, x, dy, MODES["evaluation"]()))


@pytest.mark.parametrize("layer", [Conv2D(2, 3, stride=2), Conv2D(2, 1, stride=5)], ids=str)
def test_pixels_that_no_window_sees_are_rounded_with_the_others(
    layer: Conv2D, rng: np.random.RandomState
) -> None:
    """In both: a large one coarsens the weights' gradient, and nothing else."""
    params, x = random_params(layer, (1, 8, 8), rng), normal(rng, (5, 1, 8, 8))
    dy = normal(rng, (5, *layer.init((1, 8, 8), rng).out_shape))
    with using("portable"):
        before = passes(layer, params, x, dy, MODES["evaluation"]())
        x[0, 0, 7, 7] = 1e7
        expected = passes(layer, params, x, dy, MODES["evaluation"]())
    with using(functions.PORTABLE):
        actual = passes(twin(layer, "portable"), params, x, dy, MODES["evaluation"]())
    same_bits(actual, expected)
    assert {name for name in before if (before[name] != expected[name]).any()} == {"W"}


@pytest.mark.parametrize(
    ("layer", "in_shape"), [(Conv2D(2, 7), (42, 7, 7)), (Conv2D(2049, 1), (1, 2, 2))], ids=str
)
def test_a_portable_convolution_of_too_many_terms_is_refused(
    layer: Conv2D, in_shape: Shape, rng: np.random.RandomState
) -> None:
    """At the start, as all that is wrong with shapes; the native one takes it."""
    with pytest.raises(ValueError, match=r"at most 2048 terms a sum, not 20(58|49)$"):
        twin(layer, "portable").init(in_shape, rng)
    twin(layer, "native").init(in_shape, rng)


@twin_cases
def test_gradients(
    layer: Layer, in_shape: Shape, out_shape: Shape, rng: np.random.RandomState
) -> None:
    """Every native gradient agrees with finite differences, whatever NumPy's layers do."""
    for n in (1, 3):
        x = smooth_input((n, *in_shape), rng)
        check_layer(twin(layer, "native"), random_params(layer, in_shape, rng), {}, x, rng)


@one_of_each
@both_versions
def test_read_only_arrays_will_do(
    layer: Layer, in_shape: Shape, out_shape: Shape, version: Version, rng: np.random.RandomState
) -> None:
    """Such that lie in memory as the loops take them, so that these see them and no copy."""
    params = random_params(layer, in_shape, rng)
    reorder = MEMORY_ORDERS["batch last"]
    x, dy = reorder(normal(rng, (4, *in_shape))), reorder(normal(rng, (4, *out_shape)))
    frozen = {name: read_only(array) for name, array in params.items()}
    with using(PRIMITIVES[version]):
        one = twin(layer, version)
        actual = passes(one, frozen, read_only(x), read_only(dy), MODES["evaluation"]())
        same_bits(actual, passes(one, params, x, dy, MODES["evaluation"]()))


@one_of_each
@both_versions
@pytest.mark.parametrize("n", [1, 33])
def test_threads_change_no_bit(
    layer: Layer,
    in_shape: Shape,
    out_shape: Shape,
    version: Version,
    n: int,
    numbers_of_threads: list[int],
    rng: np.random.RandomState,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Loops for one thread, and loops that one or two share, give the same."""
    params = random_params(layer, in_shape, rng)
    x, dy = normal(rng, (n, *in_shape)), normal(rng, (n, *out_shape))
    ran: list[Any] = []
    with using(PRIMITIVES[version]):
        one = twin(layer, version)
        monkeypatch.setattr(kernel, "PARALLEL_FROM", 1 << 62)
        serial = passes(one, params, x, dy, MODES["evaluation"]())
        monkeypatch.setattr(kernel, "PARALLEL_FROM", 0)
        monkeypatch.setattr(kernel.Kernel, "__call__", _noting(ran))
        for number in numbers_of_threads:
            numba.set_num_threads(number)
            same_bits(passes(one, params, x, dy, MODES["evaluation"]()), serial)
    assert len(ran) >= 2  # the shared loops did it


def _noting(ran: list[Any]) -> Any:
    """Return a `Kernel.__call__` that notes which loops run shared."""
    call = kernel.Kernel.__call__

    def noting(self: kernel.Kernel, steps: int, *args: Any) -> None:
        assert steps >= kernel.PARALLEL_FROM
        ran.append(self)
        call(self, steps, *args)

    return noting


def test_small_loops_are_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """From so many steps on they are."""
    ran: list[str] = []
    loop = kernel.Kernel(lambda x: None)
    monkeypatch.setattr(loop, "serial", lambda x: ran.append("serial"))
    monkeypatch.setattr(loop, "shared", lambda x: ran.append("shared"))
    for steps in (0, kernel.PARALLEL_FROM - 1, kernel.PARALLEL_FROM, 10 * kernel.PARALLEL_FROM):
        loop(steps, np.zeros(1))
    assert ran == ["serial", "serial", "shared", "shared"]


@one_of_each
@both_versions
@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, 1e200])
def test_what_is_not_finite_reaches_y_as_it_does_in_numpy(
    layer: Layer,
    in_shape: Shape,
    out_shape: Shape,
    version: Version,
    special: float,
    rng: np.random.RandomState,
) -> None:
    """In the same places; so a run that diverges is seen to."""
    params = random_params(layer, in_shape, rng)
    x, dy = normal(rng, (4, *in_shape)), normal(rng, (4, *out_shape))
    x[1, 1, 2, 1] = special  # inside a window of each layer
    with np.errstate(all="ignore"):
        with using(version):
            expected = passes(layer, params, x, dy, MODES["evaluation"]())
        with using(PRIMITIVES[version]):
            actual = passes(twin(layer, version), params, x, dy, MODES["evaluation"]())
    if np.isnan(special):
        assert np.isnan(actual["y"][1]).any()
    for name, right in expected.items():
        np.testing.assert_array_equal(np.isfinite(actual[name]), np.isfinite(right), err_msg=name)
        np.testing.assert_array_equal(np.isnan(actual[name]), np.isnan(right), err_msg=name)


EDGES = [0.0, -0.0, 5e-324, -5e-324, 708.0, -708.0, 709.5, -709.5, -745.0, -750.0, 1e308, -1e308]


@pytest.mark.parametrize("layer", [ReLU(), Sigmoid()], ids=str)
@both_versions
def test_activations_at_the_edges(layer: Layer, version: Version) -> None:
    """Where the functions change their course, the native ones too agree to the last bits."""
    x = np.array([EDGES])
    dy = np.full(x.shape, -3.0)
    with using(version):
        expected = passes(layer, {}, x, dy, MODES["evaluation"]())
    with using(PRIMITIVES[version]):
        actual = passes(twin(layer, version), {}, x, dy, MODES["evaluation"]())
    for name, right in expected.items():
        rtol = 0.0 if version == "portable" else 64 * ROUNDING
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
    same_bits(passes(twin(layer, "native"), {}, x, dy, mode), passes(layer, {}, x, dy, mode))


@one_of_each
def test_float32_stays(
    layer: Layer, in_shape: Shape, out_shape: Shape, rng: np.random.RandomState
) -> None:
    """And agrees with NumPy's float32: the bounds of float64, with roundings of 2^-24."""
    params = {n: a.astype(np.float32) for n, a in random_params(layer, in_shape, rng).items()}
    x, dy = (normal(rng, (4, *shape)).astype(np.float32) for shape in (in_shape, out_shape))
    mode = MODES["evaluation"]()
    actual = passes(twin(layer, "native"), params, x, dy, mode)
    expected = passes(layer, params, x, dy, mode)
    for name, bound in _bounds(layer, params, x, dy).items():
        assert actual[name].dtype == np.float32, name
        difference = np.abs(actual[name].astype(np.float64) - expected[name])
        assert np.all(difference <= 2.0**29 * bound), name
    if isinstance(layer, Conv2D):
        with pytest.raises(TypeError, match="portable numerics take float64"):
            twin(layer, "portable").forward(params, x)
