"""The ONNX form of each layer, by itself and among others, in ONNX Runtime against the layer."""

import numpy as np
import pytest
from hypothesis import given

from cnn_from_scratch.arithmetic.arrays import Shape
from cnn_from_scratch.export.forms import FORMS
from cnn_from_scratch.export.onnx import to_onnx
from cnn_from_scratch.nn.layers import LAYERS, Flatten, Layer, Sigmoid, Tanh
from tests.export.runtime import check_agrees, outputs, trained
from tests.nn.inputs import PROPERTY
from tests.nn.test_layers import all_cases
from tests.nn.test_network import stacks

both_dtypes = pytest.mark.parametrize(("dtype", "off"), [("float64", 1e-12), ("float32", 1e-6)])


def test_every_layer_has_a_form() -> None:
    assert FORMS.keys() == {*LAYERS.values()}


@all_cases
@both_dtypes
def test_a_layer_alone(
    layer: Layer, in_shape: Shape, out_shape: Shape, dtype: str, off: float
) -> None:
    """As logits are vectors, its numbers are flattened."""
    check_agrees(trained([layer, Flatten()], in_shape, dtype), off)


@PROPERTY
@given(stacks())
def test_layers_in_a_row(stack: tuple[list[Layer], Shape, Shape]) -> None:
    layers, in_shape, _ = stack
    check_agrees(trained([*layers, Flatten()], in_shape), 1e-12)


@pytest.mark.parametrize("layer", [Sigmoid(), Tanh()], ids=str)
@both_dtypes
def test_saturated_activations(layer: Layer, dtype: str, off: float) -> None:
    """Where exp would overflow, too."""
    network = trained([layer], (6,), dtype)
    x = np.array([[-1e4, -100.0, -20.0, 20.0, 100.0, 1e4]], dtype)
    logits, _ = outputs(to_onnx(network, "abcdef", {}), x)
    np.testing.assert_allclose(logits, network.forward(x)[0], rtol=0, atol=off)
