"""A trained network as an ONNX model, which other programs run without this library."""

import json
from collections.abc import Mapping, Sequence

from onnx import ModelProto, ValueInfoProto, helper

from cnn_from_scratch.arithmetic.arrays import Shape
from cnn_from_scratch.export.forms import FORMS, Graph
from cnn_from_scratch.nn.network import Sequential

OPSET = 17  # the operators' version, of 2022, which later runtimes take as well
IR_VERSION = 8  # the format's version that came with it
CLASS_NAMES = "class_names"


def to_onnx(
    network: Sequential, class_names: Sequence[str], metadata: Mapping[str, str]
) -> ModelProto:
    """Return what the network computes in evaluation, as an ONNX model.

    images (N, *in_shape) -> logits (N, K) and probabilities (N, K), their softmax. All have theta's
    dtype, and N is free. Sums are rounded as with native numerics, not as with portable ones. The
    same arguments give the same bytes.

    Args:
        network: the trained network.
        class_names: of the K classes; the model keeps them as a JSON list, by the key CLASS_NAMES.
        metadata: other texts that it keeps, by their keys.

    Raises:
        ValueError: if the network has not one logit for each class, or metadata has CLASS_NAMES.
        TypeError: if a layer has no ONNX form.
    """
    if network.out_shape != (len(class_names),):
        raise ValueError(
            f"expected one logit for each of {len(class_names)} classes, got an output of shape"
            f" {network.out_shape}"
        )
    if CLASS_NAMES in metadata:
        raise ValueError(f"metadata: expected other keys than {CLASS_NAMES}, which is kept anyway")
    graph = _graph(network)
    dtype = helper.np_dtype_to_tensor_dtype(graph.dtype)

    def value(name: str, shape: Shape) -> ValueInfoProto:
        return helper.make_tensor_value_info(name, dtype, ["N", *shape])

    inputs = [value("images", network.in_shape)]
    outputs = [value(name, network.out_shape) for name in ("logits", "probabilities")]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "network", inputs, outputs, graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="cnn-from-scratch",
    )
    texts = {**metadata, CLASS_NAMES: json.dumps(list(class_names), ensure_ascii=False)}
    helper.set_model_props(model, {key: texts[key] for key in sorted(texts)})
    return model


def _graph(network: Sequential) -> Graph:
    """Return the nodes from images to probabilities. Raises TypeError."""
    graph, x = Graph(network.theta.dtype), "images"
    layers = zip(network.layers, network.shapes, network.params, strict=False)
    for graph.layer, (layer, in_shape, params) in enumerate(layers, start=1):
        if type(layer) not in FORMS:
            raise TypeError(f"{layer} has no ONNX form")
        x = FORMS[type(layer)](graph, layer, in_shape, params, x)
    logits = graph.add("Identity", x, output="logits")
    graph.add("Softmax", logits, output="probabilities", axis=1)
    return graph
