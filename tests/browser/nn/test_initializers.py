"""Every initializer of the browser draws Python's weights."""

import pytest

from cnn_from_scratch.experiment.streams import Purpose, stream
from cnn_from_scratch.nn.initializers import INITIALIZERS, InitializerName
from tests.browser.node import Node, same


@pytest.mark.parametrize("name", INITIALIZERS)
def test_it_has_the_same_bits(node: Node, name: InitializerName) -> None:
    draw = "return INITIALIZERS[name](stream(3, PURPOSE.INIT), 108, 27, 36)"
    theirs = INITIALIZERS[name](stream(3, Purpose.INIT), (4, 27), fan_in=27, fan_out=36)
    assert same(node(draw, name=name), theirs.ravel())


def test_no_initializer_is_left_out(node: Node) -> None:
    assert node("return Object.keys(INITIALIZERS)") == list(INITIALIZERS)
