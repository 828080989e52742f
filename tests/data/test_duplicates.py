"""Counting the samples that stand in the data twice."""

import numpy as np
import pytest

from cnn_from_scratch.data.duplicates import Duplicates, count_duplicates
from tests.workbooks import grays

IMAGES = grays(6) / 255


@pytest.mark.parametrize(
    ("images", "tests", "expected"),
    [
        (IMAGES, None, Duplicates(within=0, tested=0)),
        (IMAGES, grays(6, place=1) / 255, Duplicates(within=0, tested=0)),
        (IMAGES, IMAGES, Duplicates(within=0, tested=6)),
        (IMAGES, IMAGES[[1, 1, 4]], Duplicates(within=0, tested=3)),
        (IMAGES[[0, 1, 0, 2, 1, 0]], IMAGES[[2, 3]], Duplicates(within=5, tested=1)),
        (np.zeros((2, 6, 6)), -np.zeros((1, 6, 6)), Duplicates(within=2, tested=1)),
        (IMAGES[:, None], IMAGES[:2, None], Duplicates(within=0, tested=2)),
    ],
)
def test_counts(
    images: np.ndarray,
    tests: np.ndarray | None,
    expected: Duplicates,
) -> None:
    assert count_duplicates(images, tests) == expected


def test_images_that_differ_in_one_pixel_are_no_duplicates() -> None:
    other = IMAGES.copy()
    other[:, 5, 5] += 1e-12
    assert count_duplicates(IMAGES, other) == Duplicates(within=0, tested=0)
