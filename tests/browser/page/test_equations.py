"""Each layer of the library has its equation, and its numbers come to the layer's output."""

import math
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.browser.node import Node, batch, same

# A layer as JavaScript, and the shape of its inputs, by the name of the layer.
CASES: dict[str, list[tuple[str, tuple[int, ...]]]] = {
    "conv2d": [
        ("new Conv2D({ outChannels: 3, kernelSize: 3 })", (1, 6, 6)),
        ("new Conv2D({ outChannels: 2, kernelSize: 3, stride: 2, padding: 1 })", (3, 5, 4)),
        ("new Conv2D({ outChannels: 3, kernelSize: null })", (3, 2, 4)),
        ("new Conv2D({ outChannels: 1, kernelSize: 8 })", (64, 8, 8)),  # in blocks
    ],
    "max_pool2d": [
        ("new MaxPool2D({ kernelSize: 2 })", (3, 4, 4)),
        ("new MaxPool2D({ kernelSize: 3, stride: 1 })", (2, 4, 5)),
    ],
    "avg_pool2d": [
        ("new AvgPool2D({ kernelSize: 2 })", (3, 5, 4)),
        ("new AvgPool2D({ kernelSize: 3, stride: 1 })", (1, 4, 5)),
    ],
    "dense": [
        ("new Dense({ outFeatures: 4 })", (7,)),
        ("new Dense({ outFeatures: 2 })", (5000,)),
    ],
    "flatten": [("new Flatten()", (2, 3, 4)), ("new Flatten()", (5,))],
    "sigmoid": [("new Sigmoid()", (2, 3, 3)), ("new Sigmoid()", (6,))],
    "tanh": [("new Tanh()", (2, 3, 3))],
    "relu": [("new ReLU()", (2, 3, 3))],
    "batch_norm": [("new BatchNorm()", (3, 2, 4)), ("new BatchNorm({ eps: 0.1 })", (5,))],
    "standardize": [("new Standardize({ mean: [0.3, -0.2], sd: [0.5, 2] })", (2, 3, 3))],
    "dropout": [("new Dropout({ rate: 0.3 })", (2, 3, 3))],
}
LAYERS_AND_SHAPES = [case for cases in CASES.values() for case in cases]

NUMBERS = """
const rng = new RandomState(3, []);
const { outShape, params, buffers } = layer.init(x.shape, rng);
const drawn = (array, low) => array.map(() => low + rng.random());
const all = { ...params, ...buffers };
for (const name in all) if (name !== "W" && !(layer instanceof Standardize)) {
  all[name] = drawn(all[name], name === "running_var" ? 0.5 : -0.5);
}
const { y } = layer.forward(all, x);
const ys = new Float64Array(size(outShape));
const texts = [];
for (let flat = 0; flat < ys.length; flat++) {
  const found = numbersAt(layer, all, x, placeAt(outShape, flat));
  ys[flat] = found.y;
  texts.push(found.expression(String));
}
const { formula, legend } = equationOf(layer);
return { expected: y.data, ys, texts, formula, legend: legend(layer) };
"""

PYTHON = {"·": "*", "\N{MINUS SIGN}": "-", "e^(": "exp(", "√(": "sqrt(", "ln(": "log("}
NAMES: dict[str, Any] = {
    "exp": math.exp,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
    "log": math.log,
    "max": max,
    "__builtins__": {},
}


def computed(text: str) -> float:
    """Return what an expression of the page comes to."""
    for shown, python in PYTHON.items():
        text = text.replace(shown, python)
    terms = text.split(" + ")
    if len(terms) > 100:  # too deep a sum for Python's parser
        return sum(float(eval(term, NAMES)) for term in terms)
    return float(eval(text, NAMES))


def test_every_layer_has_an_equation_and_is_tested(node: Node) -> None:
    layers, equations = node("return [Object.keys(LAYERS), Object.keys(EQUATIONS)]")
    assert set(equations) == set(layers)
    assert set(CASES) == set(layers)


@pytest.mark.parametrize(("layer", "shape"), LAYERS_AND_SHAPES)
def test_the_numbers_come_to_the_layers_output(
    node: Node, layer: str, shape: tuple[int, ...]
) -> None:
    x = np.random.RandomState(0).uniform(-1.0, 1.0, (1, *shape))
    found = node(f"const layer = {layer};\n{NUMBERS}", x=batch(x))
    assert same(found["ys"], found["expected"])
    step = max(1, len(found["ys"]) // 50)
    for y, text in list(zip(found["ys"], found["texts"], strict=True))[::step]:
        assert computed(text) == pytest.approx(y, rel=1e-12, abs=1e-14)
    assert found["legend"]
    assert ElementTree.fromstring(found["formula"]).tag == "math"


def test_the_terms_of_a_convolution_are_named(node: Node) -> None:
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    code = """
    const layer = new Conv2D({ outChannels: 2, kernelSize: 2, padding: 1 });
    const params = { W: Float64Array.from([1, 2, 3, 4, 5, 6, 7, 8]), b: Float64Array.of(0, 0.5) };
    return numbersAt(layer, params, x, [1, 0, 2]);
    """
    found = node(code, x=batch(x))
    assert found["terms"] == [
        {"symbol": "W[1,0,0,0] · x[0,-1,1]", "factors": [5, 0], "value": 0},
        {"symbol": "W[1,0,0,1] · x[0,-1,2]", "factors": [6, 0], "value": 0},
        {"symbol": "W[1,0,1,0] · x[0,0,1]", "factors": [7, 1], "value": 7},
        {"symbol": "W[1,0,1,1] · x[0,0,2]", "factors": [8, 2], "value": 16},
        {"symbol": "b[1]", "factors": [0.5], "value": 0.5},
    ]
    assert found["y"] == 23.5


def test_a_stride_is_in_the_names(node: Node) -> None:
    code = """
    const layer = new Conv2D({ outChannels: 1, kernelSize: 2, stride: 2 });
    const params = { W: new Float64Array(4), b: Float64Array.of(0) };
    return numbersAt(layer, params, x, [0, 1, 0]).terms.map(({ symbol }) => symbol);
    """
    symbols = node(code, x=batch(np.zeros((1, 1, 4, 4))))
    assert symbols[:3] == [
        "W[0,0,0,0] · x[0,2,0]",
        "W[0,0,0,1] · x[0,2,1]",
        "W[0,0,1,0] · x[0,3,0]",
    ]


def test_a_long_sum_is_cut_and_still_right(node: Node) -> None:
    code = """
    const layer = new Dense({ outFeatures: 1 });
    const { params } = layer.init([100], new RandomState(0, []));
    const { y, expression } = numbersAt(layer, params, x, [0]);
    return { y, text: expression(String, 3) };
    """
    found = node(code, x=batch(np.random.RandomState(0).randn(1, 100)))
    assert found["text"].count("·") == 3
    text = found["text"].replace(" [97 further terms]", "")
    assert text != found["text"]
    assert computed(text) == pytest.approx(found["y"], rel=1e-12)


@pytest.mark.parametrize("scale", [1.0, 40.0])
def test_the_numbers_of_the_loss(node: Node, scale: float) -> None:
    logits = scale * np.random.RandomState(0).randn(1, 4)
    code = """
    const { loss } = softmaxCrossEntropy(z, [target]);
    const all = [0, 1, 2, 3].map((k) => numbersOfLoss(z.data, k, target));
    return {
      loss, ofLoss: all[0].loss.y, lossText: all[0].loss.expression(String),
      p: softmax(z).data, ps: Float64Array.from(all, ({ probability }) => probability.y),
      texts: all.map(({ probability }) => probability.expression(String)),
    };
    """
    for target in range(4):
        found = node(code, z=batch(logits), target=target)
        assert found["ofLoss"] == found["loss"]
        assert same(found["ps"], found["p"])
        assert computed(found["lossText"]) == pytest.approx(found["loss"], rel=1e-9, abs=1e-12)
        for text, p in zip(found["texts"], found["p"], strict=True):
            assert computed(text) == pytest.approx(p, rel=1e-11)


def test_the_equation_of_the_loss_is_mathml(node: Node) -> None:
    formula = node("return softmaxAndLoss.formula")
    assert len(ElementTree.fromstring(f"<p>{formula}</p>").findall("math")) == 2
