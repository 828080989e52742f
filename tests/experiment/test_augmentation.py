"""Augmentation: known shifts and turns, honest noise, and draws from the given stream only."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.experiment.augmentation import augment, flip, rotate, shift
from cnn_from_scratch.experiment.params import Augmentation

PROPERTY = settings(max_examples=60, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(autouse=True)
def global_random_state_is_untouched() -> Iterator[None]:
    """Fail a test that draws from NumPy's global random state, and turn warnings into errors."""
    before = np.random.get_state(legacy=False)  # noqa: NPY002
    with np.errstate(all="raise", under="ignore"):
        yield
    np.testing.assert_equal(np.random.get_state(legacy=False), before)  # noqa: NPY002


def _images(*shape: int, seed: int = 0) -> Array:
    """Return read-only images without any two equal pixels, and none 0."""
    images = np.random.RandomState(seed).uniform(0.1, 1.0, shape)
    images.flags.writeable = False
    return images


def _angles(*degrees: float) -> Array:
    return np.array(degrees, dtype=np.float64)


def test_shift_by_hand() -> None:
    """Down and right, up and left; what leaves is gone, and what comes in is 0."""
    image = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    images = np.broadcast_to(image, (6, 1, 2, 3))
    offsets = np.array([[0, 0], [1, 0], [0, 1], [-1, -1], [0, -2], [1, 2]])
    assert shift(images, offsets)[:, 0].tolist() == [
        [[1, 2, 3], [4, 5, 6]],
        [[0, 0, 0], [1, 2, 3]],
        [[0, 1, 2], [0, 4, 5]],
        [[5, 6, 0], [0, 0, 0]],
        [[3, 0, 0], [6, 0, 0]],
        [[0, 0, 0], [0, 0, 1]],
    ]


@PROPERTY
@given(seeds, st.integers(-9, 9), st.integers(-9, 9))
def test_shift_is_padding_and_cropping(seed: int, down: int, right: int) -> None:
    """Of every channel alike, also by more than the image's size."""
    images = _images(2, 3, 4, 5, seed=seed)
    framed = np.pad(images, ((0, 0), (0, 0), (9, 9), (9, 9)))
    expected = framed[:, :, 9 - down : 13 - down, 9 - right : 14 - right]
    shifted = shift(images, np.array([[down, right], [0, 0]]))
    np.testing.assert_array_equal(shifted[0], expected[0])
    np.testing.assert_array_equal(shifted[1], images[1])


@pytest.mark.parametrize("size", [1, 2, 5, 6])
@pytest.mark.parametrize("quarters", [-3, -2, -1, 0, 1, 2, 3, 4, 8])
def test_rotation_by_quarter_turns(size: int, quarters: int) -> None:
    """Counter-clockwise, as np.rot90 has it, of images of even and odd sides."""
    images = _images(3, 2, size, size)
    turned = rotate(images, np.full(3, 90.0 * quarters))
    expected = np.rot90(images, quarters, axes=(2, 3))
    np.testing.assert_allclose(turned, expected, rtol=0, atol=1e-12)


def test_rotation_by_nothing_is_exact() -> None:
    """To the bit, of an image that is not square too; half a turn of it is both flips."""
    images = _images(2, 2, 4, 7)
    np.testing.assert_array_equal(rotate(images, _angles(0.0, 0.0)), images)
    turned = rotate(images, _angles(180.0, -180.0))
    np.testing.assert_allclose(turned, images[:, :, ::-1, ::-1], rtol=0, atol=1e-12)


def test_each_image_is_turned_by_its_own_angle() -> None:
    """Image n by degrees[n], whatever stands beside it."""
    images, degrees = _images(4, 2, 6, 6), _angles(10.0, -25.0, 0.0, 200.0)
    together = rotate(images, degrees)
    for n in range(4):
        alone = rotate(images[[n]], degrees[[n]])
        np.testing.assert_array_equal(together[[n]], alone)
    assert np.abs(together[0] - images[0]).max() > 0.01


def test_rotation_is_counter_clockwise() -> None:
    """A point right of the centre goes up by a small turn: 3 pixels out, by 3 sin 15 degrees."""
    image = np.zeros((1, 1, 9, 9))
    image[0, 0, 4, 7] = 1.0
    turned = rotate(image, _angles(15.0))[0, 0]
    mass = turned.sum()
    row = (turned.sum(axis=1) @ np.arange(9.0)) / mass
    column = (turned.sum(axis=0) @ np.arange(9.0)) / mass
    assert row == pytest.approx(4 - 3 * np.sin(np.radians(15)), abs=0.1)
    assert column == pytest.approx(4 + 3 * np.cos(np.radians(15)), abs=0.1)


@PROPERTY
@given(st.floats(-360, 360), st.integers(4, 9), st.integers(4, 9))
def test_interpolation_weights_sum_to_1_inside(degrees: float, height: int, width: int) -> None:
    """A constant stays constant where no corner is near, and is nowhere more than it was."""
    turned = rotate(np.full((1, 1, height, width), 0.75), _angles(degrees))[0, 0]
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(y - (height - 1) / 2, x - (width - 1) / 2)
    inside = distance <= (min(height, width) - 1) / 2 - 1e-9  # the circle that fits in the image
    assert inside.any()
    np.testing.assert_allclose(turned[inside], 0.75, rtol=0, atol=1e-14)
    assert turned.min() >= 0.0
    assert turned.max() <= 0.75 + 1e-14


@PROPERTY
@given(st.floats(-360, 360), seeds)
def test_rotation_of_a_plane_is_the_turned_plane(degrees: float, seed: int) -> None:
    """Bilinear interpolation is exact for a + b*x + c*y, so every place is known inside."""
    size, (a, b, c) = 9, np.random.RandomState(seed).standard_normal(3)
    right = np.arange(size) - (size - 1) / 2
    up = -right[:, np.newaxis]
    angle = np.radians(degrees)
    plane = (a + b * right + c * up)[np.newaxis, np.newaxis]
    # What is seen at (right, up) was, before the turn, at the point turned back.
    from_right = np.cos(angle) * right + np.sin(angle) * up
    from_up = np.cos(angle) * up - np.sin(angle) * right
    inside = np.hypot(right, up) <= (size - 1) / 2 - 1e-9
    turned = rotate(plane, _angles(degrees))[0, 0]
    expected = a + b * from_right + c * from_up
    np.testing.assert_allclose(turned[inside], expected[inside], rtol=0, atol=1e-13)


def test_noise_has_its_sd_and_stays_within_0_and_1() -> None:
    """In the middle of the range nothing is cut, so mean and SD are right to five errors."""
    n = 200 * 36
    grey = np.full((200, 1, 6, 6), 0.5)
    noisy = augment(grey, Augmentation(noise=0.05), np.random.RandomState(1))
    assert abs(noisy.mean() - 0.5) < 5 * 0.05 / n**0.5
    assert abs(noisy.std() / 0.05 - 1) < 5 / (2 * n) ** 0.5
    assert np.unique(noisy).size == n  # each pixel has its own

    loud = augment(_images(50, 1, 6, 6), Augmentation(noise=3.0), np.random.RandomState(1))
    assert (loud.min(), loud.max()) == (0.0, 1.0)
    assert 0.2 < np.mean(loud == 0.0) < 0.8
    assert 0.2 < np.mean(loud == 1.0) < 0.8


def test_shifts_are_all_the_whole_pixels_up_to_the_setting() -> None:
    """A point at the centre ends at every place within 2, and about equally often."""
    image = np.zeros((2500, 1, 7, 7))
    image[:, :, 3, 3] = 1.0
    shifted = augment(image, Augmentation(shift=2), np.random.RandomState(2))
    counts = shifted[:, 0].sum(axis=0)
    expected = np.zeros((7, 7))
    expected[1:6, 1:6] = 100.0
    assert np.abs(counts - expected).max() < 5 * 10
    assert np.count_nonzero(counts) == 25


def test_rotations_are_uniform_up_to_the_setting() -> None:
    """In both directions; they are those of the stream's first draws."""
    images = _images(500, 1, 6, 6)
    turned = augment(images, Augmentation(rotation=20.0), np.random.RandomState(2))
    degrees = np.random.RandomState(2).uniform(-20.0, 20.0, 500)
    np.testing.assert_allclose(turned, rotate(images, degrees), rtol=0, atol=1e-12)


ALL = Augmentation(shift=1, rotation=10.0, noise=0.1)
SOME = [
    ALL,
    Augmentation(shift=1),
    Augmentation(rotation=10.0),
    Augmentation(noise=0.1),
    Augmentation(shift=2, noise=0.1),
    Augmentation(shift=1, rotation=5.0),
]


@pytest.mark.parametrize("augmentation", SOME, ids=str)
@pytest.mark.parametrize("shape", [(8, 1, 6, 6), (5, 3, 4, 7), (9, 1, 3, 2)])
def test_same_stream_same_images(augmentation: Augmentation, shape: tuple[int, ...]) -> None:
    """New arrays of the same shape, in 0..1; the stream alone decides, and the input stays."""
    images = _images(*shape)
    kept = images.copy()
    first, same, other = (
        augment(images, augmentation, np.random.RandomState(seed)) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, same)
    assert np.any(first != other)
    assert first.shape == shape
    assert first.dtype == np.float64
    assert first.min() >= 0.0
    assert first.max() <= 1.0
    np.testing.assert_array_equal(images, kept)
    assert not np.shares_memory(first, images)


def test_an_image_is_changed_anew_each_time() -> None:
    """A later batch of the same images looks different."""
    images, rng = _images(8, 1, 6, 6), np.random.RandomState(3)
    first, second = (augment(images, ALL, rng) for _ in range(2))
    assert all(np.any(a != b) for a, b in zip(first, second, strict=True))


def test_settings_of_0_draw_nothing_and_change_nothing() -> None:
    """They are the defaults."""
    assert Augmentation() == Augmentation(shift=0, rotation=0.0, noise=0.0)
    images, rng = _images(8, 1, 6, 6), np.random.RandomState(3)
    np.testing.assert_array_equal(augment(images, Augmentation(), rng), images)
    untouched = np.random.RandomState(3).get_state(legacy=False)
    np.testing.assert_equal(rng.get_state(legacy=False), untouched)


@pytest.mark.parametrize("name", ["shift", "rotation", "noise"])
@pytest.mark.parametrize("value", [-1, -1e-9, float("nan"), float("inf"), float("-inf")])
def test_bad_values_are_refused(name: str, value: float) -> None:
    """The error names the setting and the value."""
    settings: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=rf"^{name}: .* got {value}$"):
        Augmentation(**settings)


def test_flip_by_hand() -> None:
    """Left to right, in every channel, and only where it is asked for."""
    images = np.arange(12.0).reshape(2, 2, 1, 3)
    flipped = flip(images, np.array([False, True]))
    assert flipped[:, :, 0].tolist() == [[[0, 1, 2], [3, 4, 5]], [[8, 7, 6], [11, 10, 9]]]


def test_about_half_of_the_images_are_flipped() -> None:
    images = _images(400, 1, 1, 2)
    changed = augment(images, Augmentation(flip=True), np.random.RandomState(0)) != images
    assert 160 < np.count_nonzero(changed.any(axis=(1, 2, 3))) < 240
    assert changed.any(axis=(1, 2, 3)).tolist() == changed.all(axis=(1, 2, 3)).tolist()


def test_a_flip_draws_first() -> None:
    """So that the other changes are those of a stream that has gone on by a number an image."""
    images, how = _images(5, 3, 6, 4), Augmentation(shift=1, rotation=20.0, noise=0.1, flip=True)
    rng = np.random.RandomState(3)
    expected = flip(images, rng.random_sample(5) < 0.5)
    expected = augment(expected, Augmentation(shift=1, rotation=20.0, noise=0.1), rng)
    np.testing.assert_array_equal(augment(images, how, np.random.RandomState(3)), expected)
