"""Networks of the browser begin as Python's, and have the same gradients."""

from collections.abc import Mapping

import numpy as np
import pytest

from cnn_from_scratch.arithmetic.arrays import Shape
from cnn_from_scratch.experiment.streams import Purpose, stream
from cnn_from_scratch.nn.architectures import (
    ARCHITECTURES,
    Architecture,
    EnhancedCNN,
    LeNet,
    SimpleCNN,
    Stack,
    VGGSmall,
)
from cnn_from_scratch.nn.layers import Dense, Flatten, Mode, Tanh
from cnn_from_scratch.nn.losses import softmax_cross_entropy
from cnn_from_scratch.nn.network import NUMPY, Sequential
from cnn_from_scratch.nn.numerics import PORTABLE, using
from tests.browser.node import Node, NodeError, batch

CASES: Mapping[str, tuple[Architecture, Shape]] = {
    "simple": (SimpleCNN(), (1, 6, 6)),
    "simple, otherwise": (
        SimpleCNN("tanh", activate_logits=False, pool="avg", init="lecun", batch_norm=True,
                  dropout=0.2),
        (2, 8, 7),
    ),
    "enhanced": (EnhancedCNN(), (1, 6, 6)),
    "enhanced, otherwise": (
        EnhancedCNN("sigmoid", activate_logits=False, init="he", batch_norm=True, dropout=0.2),
        (3, 7, 8),
    ),
    "lenet": (LeNet(3, 3), (1, 8, 8)),
    "vgg_small": (VGGSmall(2), (3, 8, 8)),
    "stack": (Stack((Flatten(), Dense(5), Tanh(), Dense(3))), (1, 3, 3)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_start_and_gradient_have_the_same_bits(node: Node, name: str) -> None:
    architecture, in_shape = CASES[name]
    rng = np.random.RandomState(0)
    x, targets = rng.random_sample((11, *in_shape)), rng.randint(0, 3, 11)
    ours = node(
        """
        const model = { architecture, optimizer: { name: "sgd" }, schedule: { name: "constant" } };
        const dataset = { shape: x.shape, class_names: ["a", "b", "c"] };
        const network = buildNetwork(resolveModel(model), 4, dataset);
        const start = network.state();
        const g = gradient(network, { x, targets }, stream(4, PURPOSE.DROPOUT));
        return { start, g, end: network.state() };
        """,
        architecture=architecture,
        x=batch(x),
        targets=targets,
    )
    layers = architecture.layers(3)
    network = Sequential(layers, in_shape, lambda i: stream(4, Purpose.INIT, i), NUMPY)
    start = network.state()
    with using(PORTABLE):
        logits, caches = network.forward(x, Mode(True, stream(4, Purpose.DROPOUT)))
        _, dlogits = softmax_cross_entropy(logits, targets)
        g = network.backward(dlogits, caches)
    assert np.array_equal(ours["g"], g)
    for state, other in ((ours["start"], start), (ours["end"], network.state())):
        assert state.keys() == other.keys()
        assert all(np.array_equal(state[key], other[key]) for key in state)


def test_no_architecture_is_left_out(node: Node) -> None:
    assert {type(architecture) for architecture, _ in CASES.values()} == {*ARCHITECTURES.values()}
    assert node("return Object.keys(ARCHITECTURES)") == list(ARCHITECTURES)


def test_a_pass_keeps_what_a_page_shows(node: Node) -> None:
    """Each layer's output, and the gradient of each, down to the first layer that learns."""
    shapes = node(
        """
        const dataset = { shape: [1, 6, 6], class_names: ["a", "b", "c"] };
        const layers = [new Standardize({ mean: [0], sd: [1] })];
        const architecture = new SimpleCNN();
        const network = buildNetwork({ architecture }, 0, dataset, layers);
        const { outputs, caches } = network.forward(batch([1, 6, 6], 2));
        const { dys } = network.backward(batch([3], 2), caches);
        return { shapes: network.shapes, outputs: outputs.map((y) => y.shape),
                 dys: dys.map((dy) => dy.shape), first: network.firstToLearn };
        """
    )
    assert shapes["outputs"] == shapes["shapes"][1:]
    assert shapes["first"] == 1
    assert shapes["dys"] == [None, *shapes["outputs"][1:]]


def test_an_error_names_the_layer(node: Node) -> None:
    with pytest.raises(NodeError, match=r"layer 4: Conv2D: .* smaller than the kernel"):
        node(
            """
            const layers = [1, 2, 3, 7].map((k) => new Conv2D({ outChannels: 1, kernelSize: k }));
            return new Sequential(layers, [1, 8, 8], () => stream(0, PURPOSE.INIT));
            """
        )
