"""Pictures of any size become samples: inverted, cropped, centred, averaged."""

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch.experiment.preparation import Preparation
from cnn_from_scratch.inference.fitting import fit

LIGHT = Preparation(1.0, ground=0.0, ink_height=4, ink_width=4)  # light ink on dark ground
DARK = Preparation(1.0, ground=1.0, ink_height=4, ink_width=4)
PHOTOGRAPH = Preparation(255.0)
GRAY = (1, 6, 6)


def drawn(
    height: int, width: int, box: tuple[int, int, int, int], ground: float = 0.0, ink: float = 1.0
) -> Any:
    """Return a gray picture with ink from (top, left) to (bottom, right)."""
    top, left, bottom, right = box
    picture = np.full((1, height, width), ground)
    picture[:, top:bottom, left:right] = ink
    return picture


SQUARE = np.pad(np.ones((1, 4, 4)), ((0, 0), (1, 1), (1, 1)))


@pytest.mark.parametrize(
    ("height", "width", "box"),
    [
        (40, 40, (10, 10, 30, 30)),
        (300, 90, (250, 30, 290, 70)),
        (6, 6, (1, 1, 5, 5)),
        (12, 12, (0, 0, 8, 8)),  # in a corner: the ground goes on outside
        (5, 5, (2, 2, 4, 4)),  # smaller than a sample
    ],
)
def test_ink_is_cropped_and_centred(
    height: int, width: int, box: tuple[int, int, int, int]
) -> None:
    fitted = fit(drawn(height, width, box), GRAY, LIGHT)
    np.testing.assert_allclose(fitted.pixels, SQUARE, atol=1e-6)
    assert fitted.notes == ()


def test_the_middle_is_that_of_the_box_or_of_the_mass() -> None:
    """A beam with all its weight on the left: its mass is left of its box's middle."""
    picture = np.zeros((1, 60, 60))
    picture[0, 20:40, 10:20] = 1.0
    picture[0, 28:32, 10:50] = 1.0
    columns = np.arange(9) + 0.5
    centres = {}
    for centred in ("box", "mass"):
        by_column = fit(picture, (1, 9, 9), replace(LIGHT, centred=centred)).pixels[0].sum(axis=0)
        centres[centred] = float((by_column * columns).sum() / by_column.sum())
    assert centres["mass"] == pytest.approx(4.5, abs=0.05)
    assert centres["box"] < 4.2


def test_its_proportions_stay() -> None:
    """The longer side is as long as the samples' ink; a pole twice as high as wide stays one."""
    fitted = fit(drawn(50, 50, (5, 5, 45, 25)), GRAY, LIGHT).pixels
    expected = np.zeros(GRAY)
    expected[:, 1:5, 2:4] = 1.0
    np.testing.assert_allclose(fitted, expected, atol=1e-6)


def test_a_pixel_is_the_mean_over_its_area() -> None:
    picture = drawn(24, 24, (4, 4, 20, 20))
    picture[:, 4:8, 4:8:2] = 0.5
    fitted = fit(picture, GRAY, LIGHT).pixels
    assert fitted[0, 1, 1] == pytest.approx(0.75, abs=1e-6)
    assert fitted[0, 2, 2] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("preparation", "ground", "ink", "notes"),
    [
        (LIGHT, 1.0, 0.0, ("inverted: its ground is light, that of the samples dark",)),
        (DARK, 0.0, 1.0, ("inverted: its ground is dark, that of the samples light",)),
        (DARK, 1.0, 0.0, ()),
        (LIGHT, 0.1, 0.4, ()),  # faint ink on a ground that is not black
        (LIGHT, 0.9, 0.55, ("inverted: its ground is light, that of the samples dark",)),
    ],
)
def test_ink_and_ground_become_those_of_the_samples(
    preparation: Preparation, ground: float, ink: float, notes: tuple[str, ...]
) -> None:
    fitted = fit(drawn(40, 40, (10, 10, 30, 30), ground, ink), GRAY, preparation)
    expected = SQUARE if preparation is LIGHT else 1.0 - SQUARE
    np.testing.assert_allclose(fitted.pixels, expected, atol=1e-6)
    assert fitted.notes == notes


def test_specks_and_noise_are_no_ink() -> None:
    picture = drawn(60, 60, (20, 20, 40, 40), 0.05, 0.9)
    picture[0, 3, 55] = 1.0
    picture += np.random.RandomState(0).uniform(-0.02, 0.02, picture.shape)
    fitted = fit(picture.clip(0, 1), GRAY, LIGHT).pixels
    np.testing.assert_allclose(fitted, SQUARE, atol=0.05)


def test_strokes_become_as_thick_as_a_new_pixel() -> None:
    """A hairline about a square: thickened on both sides, cropped to what it then covers."""
    picture = drawn(100, 100, (20, 20, 80, 80))
    picture[:, 21:79, 21:79] = 0.0
    ring = SQUARE.copy()
    ring[:, 2:4, 2:4] = 0.0
    np.testing.assert_allclose(fit(picture, GRAY, LIGHT).pixels, ring, atol=0.25)


def test_wide_ink_is_squeezed_where_samples_reach_from_top_to_bottom() -> None:
    high = Preparation(1.0, ground=0.0, ink_height=6, ink_width=4)
    expected = np.pad(np.ones((1, 6, 4)), ((0, 0), (0, 0), (1, 1)))
    fitted = fit(drawn(80, 80, (10, 10, 70, 70)), GRAY, high).pixels
    np.testing.assert_allclose(fitted, expected, atol=1e-6)
    dash = fit(drawn(80, 80, (38, 10, 42, 70)), GRAY, high).pixels
    assert dash[0, [0, 1, 4, 5]].max() == 0.0  # and stays one


def test_uneven_light_is_no_ink() -> None:
    picture = drawn(80, 80, (20, 20, 60, 60), 0.9, 0.2) * np.linspace(1.0, 0.85, 80)
    np.testing.assert_allclose(fit(picture, GRAY, LIGHT).pixels, SQUARE, atol=1e-6)


def test_a_long_line_takes_little_memory() -> None:
    picture = drawn(10, 200_000, (4, 100, 6, 199_900))
    tracemalloc.start()
    assert fit(picture, GRAY, LIGHT).pixels.max() == 1.0
    assert tracemalloc.get_traced_memory()[1] < 20 * picture.nbytes
    tracemalloc.stop()


def test_two_pieces_are_one_digit() -> None:
    picture = drawn(40, 40, (10, 10, 18, 30))
    picture[:, 22:30, 10:30] = 1.0
    fitted = fit(picture, GRAY, LIGHT).pixels
    expected = SQUARE.copy()
    np.testing.assert_allclose(fitted[0, [1, 4]], expected[0, [1, 4]], atol=0.3)
    assert fitted[0, 1].max() == pytest.approx(1.0, abs=1e-6)
    assert fitted[0, 4].max() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_blank_picture_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="expected ink on a plain ground, found none"):
        fit(np.full((1, 20, 20), value), GRAY, LIGHT)


def test_colours_stay_as_they_are() -> None:
    picture = np.repeat(drawn(40, 40, (10, 10, 30, 30)), 3, axis=0)
    picture[1] *= 0.5
    fitted = fit(picture, (3, 6, 6), LIGHT).pixels
    np.testing.assert_allclose(fitted[0], SQUARE[0], atol=1e-6)
    np.testing.assert_allclose(fitted[1], SQUARE[0] / 2, atol=1e-6)


def test_a_photograph_is_averaged_as_a_whole() -> None:
    picture = np.random.RandomState(0).random_sample((3, 12, 24))
    fitted = fit(picture, (3, 6, 6), PHOTOGRAPH)
    expected = picture.reshape(3, 6, 2, 6, 4).mean(axis=(2, 4))
    np.testing.assert_allclose(fitted.pixels, expected, atol=1e-6)
    assert fitted.notes == ()
