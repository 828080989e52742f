"""Every optimizer of the browser makes Python's steps."""

import numpy as np
import pytest

from cnn_from_scratch.nn import optimizers
from cnn_from_scratch.nn.optimizers import OPTIMIZERS, Optimizer
from tests.browser.node import Node, same

OTHERS: list[Optimizer] = [
    optimizers.SGD(lr=0.3, weight_decay=0.01),
    optimizers.Momentum(lr=0.03, momentum=0.7, weight_decay=0.01),
    optimizers.RMSprop(lr=0.02, rho=0.8, eps=1e-6, weight_decay=0.1),
    optimizers.Adam(lr=0.02, beta1=0.9, beta2=0.999, eps=1e-6, weight_decay=0.1),
    optimizers.AdamW(lr=0.02, weight_decay=0.3),
]


@pytest.mark.parametrize("optimizer", [kind() for kind in OPTIMIZERS.values()] + OTHERS, ids=str)
def test_it_has_the_same_bits(node: Node, optimizer: Optimizer) -> None:
    rng = np.random.RandomState(0)
    theta, gradients = rng.randn(50), list(rng.randn(12, 50))
    ours = node(
        """
        const optimizer = named(settings, OPTIMIZERS);
        let state = optimizer.init(theta);
        return gradients.map((g) => {
          state = update({ theta }, optimizer, state, g, 0.7);
          return theta.slice();
        });
        """,
        settings=optimizer,
        theta=theta,
        gradients=gradients,
    )
    state = optimizer.init(theta)
    for g, moved in zip(gradients, ours, strict=True):
        delta, state = optimizer.update(g, state, theta)
        theta += 0.7 * delta
        assert same(moved, theta)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_is_not_said_has_pythons_default(node: Node, name: str) -> None:
    ours = node("return { ...new OPTIMIZERS[name](), name }", name=name)
    theirs = node("return { ...named(settings, OPTIMIZERS), name }",
                  settings=OPTIMIZERS[name](), name=name)  # fmt: skip
    assert ours == theirs


def test_no_optimizer_is_left_out(node: Node) -> None:
    assert node("return Object.keys(OPTIMIZERS)") == list(OPTIMIZERS)
