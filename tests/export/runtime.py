"""What ONNX Runtime makes of a network's model, beside what the network makes itself."""

from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.export.onnx import to_onnx
from cnn_from_scratch.nn.layers import Layer
from cnn_from_scratch.nn.losses import softmax
from cnn_from_scratch.nn.network import NUMPY, Sequential
from tests.nn.inputs import normal, random_buffers

BATCH_SIZE = 500  # whose gathered windows fit in memory


def trained(layers: Sequence[Layer], in_shape: Shape, dtype: str = "float64") -> Sequential:
    """Return a network none of whose parameters and buffers is as at the start, biases included."""
    network = Sequential(layers, in_shape, np.random.RandomState, NUMPY, dtype)
    rng = np.random.RandomState(0)
    network.theta += (0.3 * normal(rng, network.theta.shape)).astype(dtype)
    state = network.state()
    for i, (layer, shape) in enumerate(zip(network.layers, network.shapes, strict=False)):
        for name, array in random_buffers(layer, shape, rng).items():
            state[f"{i}.{name}"] = array
    network.restore(state)
    return network


def outputs(model: onnx.ModelProto, images: Array) -> tuple[Array, Array]:
    """Return the logits and the probabilities of a model whose every shape and type is checked."""
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names, batches = ["logits", "probabilities"], range(0, len(images), BATCH_SIZE)
    results = [session.run(names, {"images": images[i : i + BATCH_SIZE]}) for i in batches]
    logits, probabilities = map(np.concatenate, zip(*results, strict=True))
    return logits, probabilities


def check_agrees(network: Sequential, off: float) -> None:
    """Check that one model gives the network's logits and probabilities, for batches of any size.

    off: how far probabilities may be from the network's, and logits as measured by the largest.
    """
    model = to_onnx(network, [f"class {k}" for k in range(*network.out_shape)], {})
    dtype, rng = network.theta.dtype, np.random.RandomState(1)
    for n in (1, 7):
        images = normal(rng, (n, *network.in_shape)).astype(dtype)
        logits, probabilities = outputs(model, images)
        expected, _ = network.forward(images)
        assert logits.dtype == probabilities.dtype == dtype
        size = max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(logits, expected, rtol=0, atol=off * size, strict=True)
        np.testing.assert_allclose(probabilities, softmax(expected), rtol=0, atol=off * size)
