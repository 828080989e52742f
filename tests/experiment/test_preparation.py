"""What the samples look like: ink on a plain ground, or a picture from edge to edge."""

from typing import Any

import numpy as np
import pytest

from cnn_from_scratch.experiment.dataset import Chosen
from cnn_from_scratch.experiment.preparation import Preparation, border_of, gray_of, measured


def chosen(images: Any, scale: float = 1.0) -> Chosen:
    return Chosen(images, np.arange(len(images)), scale, "float64")


def strokes(heights: list[int], ground: float, ink: float) -> Any:
    """Return 10x12 images, each with an upright stroke of two pixels' width and some height."""
    images = np.full((len(heights), 1, 10, 12), ground)
    for image, height in zip(images, heights, strict=True):
        image[0, 1 : 1 + height, 4:6] = ink
    return images


@pytest.mark.parametrize(("ground", "ink"), [(0.0, 1.0), (1.0, 0.0), (0.05, 0.9)])
def test_ink_on_a_plain_ground(ground: float, ink: float) -> None:
    """Nine in ten samples are not larger than the size that is told."""
    images = strokes([4] * 8 + [7, 9, 9], ground, ink)
    assert measured(chosen(images)) == Preparation(1.0, ground, ink_height=9, ink_width=2)
    assert measured(chosen(images[:9])) == Preparation(1.0, ground, ink_height=4, ink_width=2)


def test_of_bytes_and_colours() -> None:
    images = strokes([5, 5, 5], 0.0, 255.0).repeat(3, axis=1).astype(np.uint8)
    assert measured(chosen(images, 255.0)) == Preparation(255.0, 0.0, 5, 2)


def shifted(seed: int, *, by_mass: bool) -> Any:
    """Return strokes with an arm on one side, whose box or whose mass is always in the middle."""
    rng = np.random.RandomState(seed)
    images = np.zeros((40, 1, 21, 21))
    for image in images:
        arm = rng.randint(0, 8)  # mass goes right with its length
        left = 8 if by_mass else 10 - arm // 2
        image[0, 4:17, left : left + 2] = 1.0
        image[0, 9:12, left : left + 2 + arm] = 1.0
        if by_mass:
            middle = (image[0].sum(axis=0) * np.arange(21)).sum() / image[0].sum()
            image[0] = np.roll(image[0], round(10 - middle), axis=1)
    return images


def test_what_is_centred() -> None:
    assert measured(chosen(shifted(0, by_mass=False))).centred == "box"
    assert measured(chosen(shifted(0, by_mass=True))).centred == "mass"


def test_photographs_stand_on_no_ground() -> None:
    images = np.random.RandomState(0).random_sample((20, 3, 8, 8))
    assert measured(chosen(images)) == Preparation(1.0)


def test_a_ground_without_ink_is_none() -> None:
    assert measured(chosen(np.full((3, 1, 6, 6), 0.5))) == Preparation(1.0)


def test_only_the_first_thousand_are_looked_at() -> None:
    images = strokes([3] * 1000 + [9] * 9000, 0.0, 1.0)
    assert measured(chosen(images)).ink_height == 3


def test_the_border_and_gray() -> None:
    images = np.arange(24.0).reshape(1, 2, 3, 4)
    gray = gray_of(images)
    np.testing.assert_array_equal(gray, images.mean(axis=1))
    assert sorted(border_of(gray)) == [6, 7, 8, 9, 10, 13, 14, 15, 16, 17]
