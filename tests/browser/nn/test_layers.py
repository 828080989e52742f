"""Every layer of the browser gives Python's numbers, forward and back."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.experiment.streams import Purpose, stream
from cnn_from_scratch.nn import layers
from cnn_from_scratch.nn.layers import LAYERS, Layer, Mode
from cnn_from_scratch.nn.numerics import PORTABLE, using
from tests.browser.node import Node, NodeError, batch, samples

PASS = """
const layer = named(settings, LAYERS);
const { outShape, params, buffers } = layer.init(x.shape, stream(1, PURPOSE.INIT));
const all = { ...params, ...buffers };
for (const [i, array] of Object.values(params).entries()) array.set(parameters[i]);
const mode = { training, rng: stream(1, PURPOSE.DROPOUT) };
const { y, cache } = layer.forward(all, x, mode);
const { dx, grads } = layer.backward(all, dy, cache, true);
return { y, dx, grads: Object.values(grads), buffers: Object.values(buffers), outShape };
"""

IMAGES: Shape = (3, 6, 5)
CASES: list[tuple[Layer, Shape]] = [
    (layers.Conv2D(4, 3), IMAGES),
    (layers.Conv2D(2, None, weight_init="lecun"), IMAGES),
    (layers.Conv2D(4, 3, stride=2, padding=2, weight_init="he"), IMAGES),
    (layers.Conv2D(2, 2, stride=3), IMAGES),
    (layers.Conv2D(2, 3), (1, 16, 16)),  # sums of more than 2048 products
    (layers.MaxPool2D(2), IMAGES),
    (layers.MaxPool2D(3, stride=1), IMAGES),
    (layers.MaxPool2D(2, stride=3), IMAGES),
    (layers.AvgPool2D(2), IMAGES),
    (layers.AvgPool2D(3, stride=2), IMAGES),
    (layers.Dense(7), (12,)),
    (layers.Dense(2, weight_init="xavier_uniform"), (2500,)),
    (layers.Flatten(), IMAGES),
    (layers.Sigmoid(), IMAGES),
    (layers.Tanh(), IMAGES),
    (layers.ReLU(), (12,)),
    (layers.BatchNorm(), IMAGES),
    (layers.BatchNorm(eps=1e-3, momentum=0.3), (12,)),
    (layers.Standardize((0.1, 0.2, 0.3), (1.0, 0.5, 2.0)), IMAGES),
    (layers.Dropout(0.3), IMAGES),
    (layers.Dropout(0.3), (12,)),
]


def passed(layer: Layer, x: Array, dy: Array, parameters: Sequence[Array], training: bool) -> Any:
    """Return what Python's layer makes of x and dy, as PASS does."""
    _, params, buffers = layer.init(x.shape[1:], stream(1, Purpose.INIT))
    params = dict(zip(params, parameters, strict=True))
    mode = Mode(training, stream(1, Purpose.DROPOUT))
    with using(PORTABLE):
        y, cache = layer.forward(params | buffers, x, mode)
        dx, grads = layer.backward(params | buffers, dy, cache)
    return y, dx, list(grads.values()), list(buffers.values())


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("layer", "in_shape"), CASES, ids=str)
def test_it_has_the_same_bits(node: Node, layer: Layer, in_shape: Shape, training: bool) -> None:
    rng = np.random.RandomState(2)
    out_shape, params, _ = layer.init(in_shape, rng)
    x = np.round(3 * rng.randn(13, *in_shape), 1)  # rounded: so windows have equal maxima
    dy = rng.randn(13, *out_shape)
    parameters = [rng.randn(*array.shape) for array in params.values()]
    ours = node(
        PASS,
        settings=layer,
        x=batch(x),
        dy=batch(dy),
        parameters=[array.ravel() for array in parameters],
        training=training,
    )
    y, dx, grads, buffers = passed(layer, x, dy, parameters, training)
    assert ours["outShape"] == list(out_shape)
    assert np.array_equal(samples(ours["y"]), y)
    assert np.array_equal(samples(ours["dx"]), dx)
    for ours_of, theirs in ((ours["grads"], grads), (ours["buffers"], buffers)):
        assert len(ours_of) == len(theirs)
        for array, other in zip(ours_of, theirs, strict=True):
            assert np.array_equal(array, other.ravel())


@pytest.mark.parametrize("activation", [layers.Sigmoid(), layers.Tanh(), layers.ReLU()], ids=str)
def test_an_activation_has_the_same_bits_far_out(node: Node, activation: Layer) -> None:
    x = np.array([[-1e300, -800.0, -708.5, -708.0, -20.0, -0.0, 0.0, 20.0, 800.0, 1e300]])
    ours = node("return named(settings, LAYERS).forward({}, x).y", settings=activation, x=batch(x))
    with using(PORTABLE):
        assert np.array_equal(samples(ours), activation.forward({}, x)[0])


def test_no_layer_is_left_out(node: Node) -> None:
    assert {type(layer) for layer, _ in CASES} == set(LAYERS.values())
    assert node("return Object.keys(LAYERS)") == list(LAYERS)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("new Conv2D({ outChannels: 1, kernelSize: 7 }).init([1, 6, 6])", "smaller than the kern"),
        ("new Conv2D({ outChannels: 1, kernelSize: 7 }).init([6])", "expected images"),
        ("new Dense({ outFeatures: 1 }).init([1, 6, 6])", "put Flatten before"),
        ("named({ name: 'flat' }, LAYERS)", "name: unknown flat; known: conv2d, "),
    ],
)
def test_a_layer_that_cannot_take_its_input_says_so(node: Node, code: str, message: str) -> None:
    with pytest.raises(NodeError, match=message):
        node(f"return {code}")
