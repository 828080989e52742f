"""Marks of the pen become ink."""

from typing import Any

import numpy as np
import pytest

from cnn_from_scratch.arithmetic.arrays import Array
from tests.browser.node import Node

SHAPE = (1, 6, 6)


def drawn(node: Node, *marks: dict[str, Any], shape: tuple[int, ...] = SHAPE) -> Array:
    """Return the picture of the marks, (h, w)."""
    picture = node("return pictureOf(marks, paperFor(shape))", marks=marks, shape=shape)
    pixels: Array = picture["channels"][0].reshape(picture["height"], picture["width"])
    return pixels


@pytest.mark.parametrize(("shape", "radius"), [((1, 6, 6), 0.5), ((1, 28, 28), 28 / 24)])
def test_a_dot_is_a_disc(node: Node, shape: tuple[int, ...], radius: float) -> None:
    paper = node("return paperFor(shape)", shape=shape)
    assert (paper["height"], paper["width"]) == (168, 168)
    dot = drawn(node, {"points": [[3.0, 2.0]]}, shape=shape)
    side = radius * paper["scale"]
    assert dot.sum() == pytest.approx(np.pi * side**2, rel=0.02)
    rows, columns = np.indices(dot.shape) + 0.5
    assert (dot * rows).sum() / dot.sum() == pytest.approx(2.0 * paper["scale"])
    assert (dot * columns).sum() / dot.sum() == pytest.approx(3.0 * paper["scale"])
    assert dot.max() == 1.0


def test_a_line_is_as_long_as_it_is_drawn(node: Node) -> None:
    scale = 28
    line = drawn(node, {"points": [[1.5, 2.0], [4.5, 2.0]]})
    area = (3.0 + np.pi * 0.5**2) * scale**2  # a pixel wide, with round ends
    assert line.sum() == pytest.approx(area, rel=0.02)


def test_later_ink_leaves_the_earlier(node: Node) -> None:
    down, across = {"points": [[3, 1], [3, 5]]}, {"points": [[1, 3], [5, 3]]}
    both = drawn(node, down, across)
    np.testing.assert_array_equal(both, np.maximum(drawn(node, down), drawn(node, across)))
    bent = drawn(node, {"points": [[1, 1], [1, 5], [5, 5]]})
    ends = drawn(node, {"points": [[1, 1]]}, {"points": [[5, 5]]})
    assert (bent >= ends).all()


def test_cells_are_filled_and_cleared(node: Node) -> None:
    line = {"points": [[0, 2.5], [6, 2.5]]}
    cleared = drawn(node, line, {"row": 2, "column": 3, "ink": 0})
    expected = drawn(node, line).copy()
    expected[56:84, 84:112] = 0.0
    np.testing.assert_array_equal(cleared, expected)
    filled = drawn(node, {"row": 2, "column": 3, "ink": 1})
    assert filled.sum() == filled[56:84, 84:112].sum() == 28 * 28


def test_a_curve_begins_and_ends_with_its_stroke(node: Node) -> None:
    points = [[0, 0], [4, 0], [4, 4], [0, 4]]
    curve = np.array(node("return smoothed(points)", points=points), dtype=float)
    assert curve[0].tolist() == points[0]
    assert curve[-1].tolist() == points[-1]
    assert curve.min() >= 0
    assert curve.max() <= 4
    assert [4, 2] in curve.tolist()  # the middle of the second side
    steps = np.diff(curve, axis=0)
    turns = np.abs(np.diff(np.arctan2(steps[:, 1], steps[:, 0])))
    assert turns.max() < np.pi / 4  # of the corners, a quarter turn each, nothing is left
    assert node("return smoothed(points)", points=points[:2]) == points[:2]
