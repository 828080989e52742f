"""A drawing becomes a sample as it does in Python."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch.experiment.preparation import Preparation
from cnn_from_scratch.inference.fitting import fit
from tests.browser.node import Node, NodeError

DIGITS = Preparation(255.0, ground=8 / 255, ink_height=6, ink_width=4)  # as the study's
MNIST = Preparation(255.0, ground=0.0, ink_height=20, ink_width=20, centred="mass")
DARK = Preparation(255.0, ground=1.0, ink_height=4, ink_width=4)
PHOTOGRAPH = Preparation(255.0)
MASS = replace(DIGITS, centred="mass")

STROKES: dict[str, list[dict[str, Any]]] = {
    "a slanted line": [{"points": [[1.0, 1.2], [2.1, 3.3], [3.0, 4.9]]}],
    "a dot": [{"points": [[4.3, 2.2]]}],
    "a curve": [{"points": [[1, 2], [3, 0.6], [4.6, 1.7], [3.2, 3.1], [1.3, 5.2], [4.9, 5.3]]}],
    "a cross in a corner": [{"points": [[0, 0], [2, 2]]}, {"points": [[2, 0], [0, 2]]}],
    "a long line": [{"points": [[0.5, 3], [5.8, 3.1]]}],
    "a stroke and a speck": [{"points": [[2, 1], [2.2, 5]]}, {"points": [[5.6, 0.2]]}],
    "cells": [{"row": r, "column": 2, "ink": 1} for r in range(5)],
    "erased cells": [
        {"points": [[1, 1], [5, 1], [5, 5]]},
        {"row": 1, "column": 4, "ink": 0},
        {"row": 4, "column": 4, "ink": 0},
    ],
}

FIT = """
const picture = pictureOf(marks, paperFor(shape));
return { picture, ...fitPicture(picture, shape, preparation) };
"""


def as_json(preparation: Preparation) -> dict[str, Any]:
    return {
        "ground": preparation.ground,
        "ink_height": preparation.ink_height,
        "ink_width": preparation.ink_width,
        "centred": preparation.centred,
    }


@pytest.mark.parametrize("marks", STROKES.values(), ids=STROKES)
@pytest.mark.parametrize(
    ("preparation", "shape", "size"),
    [
        (DIGITS, (1, 6, 6), 1.0),
        (MNIST, (1, 28, 28), 28 / 6),
        (DARK, (1, 6, 6), 1.0),
        (DIGITS, (1, 8, 5), 1.0),
    ],
)
def test_strokes_are_fitted_as_in_python(
    node: Node,
    marks: list[dict[str, Any]],
    preparation: Preparation,
    shape: tuple[int, ...],
    size: float,
) -> None:
    larger = [
        {"points": [[size * x, size * y] for x, y in mark["points"]]} if "points" in mark else mark
        for mark in marks
    ]
    ours = node(
        FIT,
        marks=larger,
        shape=shape,
        preparation=as_json(preparation),
    )
    picture = ours["picture"]
    pixels = picture["channels"][0].reshape(1, picture["height"], picture["width"])
    assert 0.0 < pixels.mean() < 0.5
    theirs = fit(pixels, shape, preparation)
    np.testing.assert_allclose(ours["pixels"], theirs.pixels.ravel(), rtol=0, atol=1e-6)
    assert tuple(ours["notes"]) == theirs.notes


@pytest.mark.parametrize("preparation", [DIGITS, DARK, PHOTOGRAPH, MASS])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("seed", range(20))
def test_any_picture_is_fitted_as_in_python(
    node: Node, preparation: Preparation, channels: int, seed: int
) -> None:
    """Of any size, larger and smaller than the sample, with noise, ink at the edge and specks."""
    rng = np.random.RandomState(seed)
    height, width = rng.randint(5, 60, 2)
    picture = rng.uniform(0.0, 0.05, (channels, height, width))
    picture[:, height // 3 : height // 2 + 1, width // 5 :] += 0.8
    picture[:, : height // 2, width // 2] += 0.9
    picture = picture.clip(0.0, 1.0)
    ours = node(
        "return fitPicture({ height, width, channels }, shape, preparation);",
        height=int(height),
        width=int(width),
        channels=[channel.ravel() for channel in picture],
        shape=(channels, 6, 6),
        preparation=as_json(preparation),
    )
    theirs = fit(picture, (channels, 6, 6), preparation)
    np.testing.assert_allclose(ours["pixels"], theirs.pixels.ravel(), rtol=0, atol=1e-6)
    assert tuple(ours["notes"]) == theirs.notes


def test_an_empty_drawing_is_refused(node: Node) -> None:
    with pytest.raises(NodeError, match="expected ink on a plain ground, found none"):
        node(
            FIT,
            marks=[],
            shape=(1, 6, 6),
            preparation=as_json(DIGITS),
        )
