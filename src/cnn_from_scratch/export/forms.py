"""The ONNX form of each layer: the operators that compute y from x, in evaluation.

It is one operator, wherever ONNX Runtime has it. In float64 it has neither convolutions nor means
over windows (as of version 1.32; ONNX itself defines both): there the pixels of all windows are
gathered first, as im2col does it, and the rest is a sum of products, or a mean.

Source: the operators of ONNX, https://onnx.ai/onnx/operators/
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from cnn_from_scratch.arithmetic.arrays import Shape
from cnn_from_scratch.nn.layers import (
    Arrays,
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
from cnn_from_scratch.nn.windows import windows


class Graph:
    """The nodes of a model and their constants, in the order in which they are added.

    Values go by names. What belongs to a layer is named by its number, counted from 1.

    dtype: of all values, float64 or float32.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self.layer = 0

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node, and return its output's name: the one given, or one of its own."""
        output = output or f"{self.layer}.{operator}.{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def constant(self, name: str, array: np.ndarray[Any, Any]) -> str:
        """Add an array, and return its full name; no other of the layer's may have the same."""
        full = f"{self.layer}.{name}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), full))
        return full


# A form adds a layer's nodes to the graph, and returns the name of y. It gets the layer, the shape
# of one sample of x, the layer's parameters and buffers, and the name of x.
Form = Callable[[Graph, Any, Shape, Arrays, str], str]


def conv2d(graph: Graph, layer: Conv2D, in_shape: Shape, params: Arrays, x: str) -> str:
    """y[n,o,i,j] = b[o] + W[o] times the window (i, j) of x[n], which is padded with 0."""
    W, b, p = params["W"], params["b"], layer.padding
    if graph.dtype == np.float32:
        arrays = graph.constant("W", W), graph.constant("b", b)
        return graph.add("Conv", x, *arrays, strides=[layer.stride] * 2, pads=[p] * 4)
    if p > 0:  # how many places before each axis, then how many behind it
        x = graph.add("Pad", x, graph.constant("pads", np.array([0, 0, p, p, 0, 0, p, p])))
    channels, height, width = in_shape[0], in_shape[1] + 2 * p, in_shape[2] + 2 * p
    x = _windows(graph, (channels, height, width), W.shape[2:], layer.stride, x)
    by_place = graph.constant("W", W.reshape(*W.shape[:2], -1))  # (O, C, h*w)
    y = graph.add("Einsum", by_place, x, equation="ock,nckij->noij")
    return graph.add("Add", y, graph.constant("b", b.reshape(-1, 1, 1)))


def max_pool2d(graph: Graph, layer: MaxPool2D, in_shape: Shape, params: Arrays, x: str) -> str:
    """y[n,c,i,j] = the maximum of the window (i, j) of x[n,c]."""
    k, stride = layer.kernel_size, layer.stride or layer.kernel_size
    return graph.add("MaxPool", x, kernel_shape=[k] * 2, strides=[stride] * 2)


def avg_pool2d(graph: Graph, layer: AvgPool2D, in_shape: Shape, params: Arrays, x: str) -> str:
    """y[n,c,i,j] = the mean of the window (i, j) of x[n,c]."""
    k, stride = layer.kernel_size, layer.stride or layer.kernel_size
    if graph.dtype == np.float32:
        return graph.add("AveragePool", x, kernel_shape=[k] * 2, strides=[stride] * 2)
    x = _windows(graph, in_shape, (k, k), stride, x)
    return graph.add("ReduceMean", x, axes=[2], keepdims=0)


def _windows(graph: Graph, in_shape: Shape, kernel: Shape, stride: int, x: str) -> str:
    """Gather the pixels of images (N, C, H, W) by their places in windows: (N, C, h*w, H', W')."""
    channels, height, width = in_shape
    numbers = np.arange(float(height * width)).reshape(1, height, width, 1)
    found = windows(numbers, kernel, stride)  # (h, w, 1, H', W', 1)
    places = graph.constant("places", found.reshape(-1, *found.shape[3:5]).astype(np.int64))
    shape = graph.constant("pixels", np.array([0, channels, height * width]))  # 0: N stays
    return graph.add("Gather", graph.add("Reshape", x, shape), places, axis=2)


def dense(graph: Graph, layer: Dense, in_shape: Shape, params: Arrays, x: str) -> str:
    """Y = x W + b."""
    return graph.add("Gemm", x, graph.constant("W", params["W"]), graph.constant("b", params["b"]))


def flatten(graph: Graph, layer: Flatten, in_shape: Shape, params: Arrays, x: str) -> str:
    """Y has the numbers of x in row-major order."""
    return graph.add("Flatten", x)


def sigmoid(graph: Graph, layer: Sigmoid, in_shape: Shape, params: Arrays, x: str) -> str:
    """Y = 1 / (1 + exp(-x))."""
    return graph.add("Sigmoid", x)


def tanh(graph: Graph, layer: Tanh, in_shape: Shape, params: Arrays, x: str) -> str:
    """Y is the hyperbolic tangent of x."""
    return graph.add("Tanh", x)


def relu(graph: Graph, layer: ReLU, in_shape: Shape, params: Arrays, x: str) -> str:
    """Y = max(x, 0)."""
    return graph.add("Relu", x)


def batch_norm(graph: Graph, layer: BatchNorm, in_shape: Shape, params: Arrays, x: str) -> str:
    """Y = gamma * (x - running_mean) / sqrt(running_var + eps) + beta."""
    epsilon = float(np.float32(layer.eps))  # ONNX keeps it so; the variance makes up for the rest
    of_channels = params | {"running_var": params["running_var"] + (layer.eps - epsilon)}
    names = ("gamma", "beta", "running_mean", "running_var")
    arrays = [graph.constant(name, of_channels[name]) for name in names]
    return graph.add("BatchNormalization", x, *arrays, epsilon=epsilon)


def standardize(graph: Graph, layer: Standardize, in_shape: Shape, params: Arrays, x: str) -> str:
    """Y = (x - mean) / sd."""
    per_channel = (-1, *[1] * (len(in_shape) - 1))
    mean, sd = (graph.constant(n, params[n].reshape(per_channel)) for n in ("mean", "sd"))
    return graph.add("Div", graph.add("Sub", x, mean), sd)


def dropout(graph: Graph, layer: Dropout, in_shape: Shape, params: Arrays, x: str) -> str:
    """Y = x: in evaluation nothing is dropped."""
    return x


FORMS: dict[type[Layer], Form] = {
    Conv2D: conv2d,
    MaxPool2D: max_pool2d,
    AvgPool2D: avg_pool2d,
    Dense: dense,
    Flatten: flatten,
    Sigmoid: sigmoid,
    Tanh: tanh,
    ReLU: relu,
    BatchNorm: batch_norm,
    Standardize: standardize,
    Dropout: dropout,
}
