"""IDX files: what is read of them, and what is said of those that are not as they should be."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.data.idx import Idx
from tests.idx_files import NAMES, digits, idx_bytes, write_idx

IMAGES, LABELS, TEST_IMAGES, TEST_LABELS = NAMES.values()
WITHOUT_TESTS: dict[str, Any] = {"test_images": None, "test_labels": None}


def refusal(folder: Path, **keys: Any) -> str:
    """Return the one line that is said, without the folder."""
    with pytest.raises(InputError) as error:
        Idx(str(folder), **keys).read()
    text = str(error.value)
    assert "\n" not in text
    assert text.startswith((f"{folder}/", "params.yaml: "))
    return text.removeprefix(f"{folder}/")


def rewrite(folder: Path, name: str, values: np.ndarray) -> None:
    (folder / name).write_bytes(idx_bytes(values))


@pytest.mark.parametrize("packed", [True, False])
def test_bytes_stay_bytes(tmp_path: Path, packed: bool) -> None:
    values = write_idx(tmp_path, packed=packed)
    dataset = Idx(str(tmp_path)).read()
    assert dataset.X.dtype == np.uint8
    assert dataset.scale == 255
    assert dataset.class_names == tuple("0123456789")
    assert dataset.y.dtype == np.int64
    assert dataset.X_test is not None
    assert dataset.y_test is not None
    np.testing.assert_array_equal(dataset.X, values["images"][:, None])
    np.testing.assert_array_equal(dataset.y, values["labels"])
    np.testing.assert_array_equal(dataset.X_test, values["test_images"][:, None])
    np.testing.assert_array_equal(dataset.y_test, values["test_labels"])


def test_four_axes_are_samples_channels_rows_and_columns(tmp_path: Path) -> None:
    values = write_idx(tmp_path, shape=(3, 4, 5))
    np.testing.assert_array_equal(Idx(str(tmp_path)).read().X, values["images"])


def test_without_test_samples(tmp_path: Path) -> None:
    write_idx(tmp_path)
    (tmp_path / f"{TEST_IMAGES}.gz").unlink()
    assert Idx(str(tmp_path), **WITHOUT_TESTS).read().X_test is None
    expected = f"{TEST_IMAGES}: not found, nor with .gz (convert.source.test_images; null means"
    assert refusal(tmp_path).startswith(expected)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_floats_are_taken_as_they_are(tmp_path: Path, dtype: str) -> None:
    write_idx(tmp_path, packed=False)
    images = digits(20, 6, 6).astype(dtype) / 255
    rewrite(tmp_path, IMAGES, images)
    dataset = Idx(str(tmp_path), **WITHOUT_TESTS).read()
    assert dataset.X.dtype == np.dtype(dtype)
    assert dataset.X.dtype.isnative
    assert dataset.scale == 1
    np.testing.assert_array_equal(dataset.X, images[:, None])


@pytest.mark.parametrize("wrong", [-0.5, 1.5, np.nan, np.inf])
def test_floats_are_from_0_to_1(tmp_path: Path, wrong: float) -> None:
    write_idx(tmp_path, packed=False)
    images = digits(20, 6, 6) / 255
    images[1, 0, 1] = wrong
    rewrite(tmp_path, IMAGES, images)
    assert refusal(tmp_path) == (
        f"{IMAGES}, byte {16 + 37 * 8}: expected a number from 0 to 1"
        f" (convert.source.pixel_max), found {wrong}"
    )


def test_a_full_pixel_of_another_value(tmp_path: Path) -> None:
    write_idx(tmp_path, packed=False)
    rewrite(tmp_path, IMAGES, digits(20, 6, 6) // 16)
    dataset = Idx(str(tmp_path), pixel_max=16, **WITHOUT_TESTS).read()
    assert dataset.X.max() == 15
    assert dataset.scale == 16
    assert refusal(tmp_path, pixel_max=14).startswith(
        f"{IMAGES}, byte 16: expected a number from 0"
    )


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "i4"])
def test_labels_are_whole_numbers(tmp_path: Path, dtype: str) -> None:
    values = write_idx(tmp_path, packed=False)
    rewrite(tmp_path, LABELS, values["labels"].astype(dtype))
    dataset = Idx(str(tmp_path)).read()
    assert dataset.class_names == tuple("0123456789")
    np.testing.assert_array_equal(dataset.y, values["labels"])


def test_labels_may_begin_at_1_as_letters_do(tmp_path: Path) -> None:
    write_idx(tmp_path, first_label=1, classes=3)
    dataset = Idx(str(tmp_path)).read()
    assert dataset.class_names == ("1", "2", "3")
    assert dataset.y[:4].tolist() == [0, 1, 2, 0]
    named = Idx(str(tmp_path), class_names=("a", "b", "c")).read()
    assert named.class_names == ("a", "b", "c")
    assert named.y.tolist() == dataset.y.tolist()


def test_labels_that_do_not_occur_are_no_classes(tmp_path: Path) -> None:
    write_idx(tmp_path, packed=False)
    rewrite(tmp_path, LABELS, np.array([3, 8] * 10, np.uint8))
    dataset = Idx(str(tmp_path), **WITHOUT_TESTS).read()
    assert dataset.class_names == ("3", "8")
    assert dataset.y.tolist() == [0, 1] * 10


def test_as_many_labels_as_class_names(tmp_path: Path) -> None:
    values = write_idx(tmp_path, packed=False)
    labels = values["labels"].copy()
    labels[7] = 200
    rewrite(tmp_path, LABELS, labels)
    assert refusal(tmp_path, class_names=tuple("abcdefghij")) == (
        f"{LABELS}, byte 15: the largest label is 200; expected 10 different ones"
        " (convert.source.class_names), found 11: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 200"
    )


def test_test_samples_have_the_classes_of_the_others(tmp_path: Path) -> None:
    values = write_idx(tmp_path, packed=False)
    labels = values["test_labels"].copy()
    labels[4] = 10
    rewrite(tmp_path, TEST_LABELS, labels)
    expected = f"{TEST_LABELS}, byte 12: expected a label that samples to train on have, found 10"
    assert refusal(tmp_path) == expected


def test_as_many_labels_as_images(tmp_path: Path) -> None:
    values = write_idx(tmp_path, packed=False)
    rewrite(tmp_path, LABELS, values["labels"][1:])
    assert refusal(tmp_path) == (
        f"{LABELS}: expected 20 labels, as {tmp_path / IMAGES} has images, found 19"
    )


def test_other_types_and_axes_are_refused(tmp_path: Path) -> None:
    write_idx(tmp_path, packed=False)
    for values, found in (
        (digits(20, 6, 6).astype("i2"), "0x0b and 3"),
        (digits(20, 36), "0x08 and 2"),
        (digits(20, 1, 2, 3, 4), "0x08 and 5"),
    ):
        rewrite(tmp_path, IMAGES, values)
        assert refusal(tmp_path) == (
            f"{IMAGES}, byte 2: expected the type 0x08 (unsigned bytes) or 0x0d (floats) or 0x0e"
            f" (doubles) and 3 or 4 axes, found {found}"
        )
    rewrite(tmp_path, IMAGES, digits(20, 6, 6))
    rewrite(tmp_path, LABELS, np.zeros(20, "f4"))
    assert refusal(tmp_path).endswith("or 0x0c (ints) and 1 axes, found 0x0d and 1")


def replaced(place: int, new: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content[:place] + new + content[place + len(new) :]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda _: b"", ": expected an IDX file, found one that begins "),
        (lambda _: b"<html>", ": expected an IDX file, found one that begins 3c 68 74 6d"),
        (replaced(2, b"\x0a"), ": expected an IDX file, found one that begins 00 00 0a 03"),
        (lambda content: content[:9], ": expected 3 lengths of axes, found the end"),
        (replaced(4, bytes(4)), ", byte 4: expected axes that make 1 to 1073741824 bytes, found 0"),
        (replaced(4, b"\xff" * 12), ", byte 4: expected axes that make 1 to 1073741824 bytes"),
        (lambda content: content[:-1], ": expected 736 bytes, as its header says, 20 x 6 x 6"),
        (lambda content: content + b"\n", ": expected 736 bytes, as its header says, 20 x 6 x 6"),
        (
            lambda content: gzip.compress(content)[:-9],
            ": cannot be read on from byte ",
        ),
        (
            lambda content: gzip.compress(content)[:-8] + bytes(8),
            ": cannot be read on from byte ",
        ),
        (
            lambda content: gzip.compress(content) + b"more",
            ": cannot be read on from byte ",
        ),
    ],
)
def test_damage(tmp_path: Path, change: Callable[[bytes], bytes], expected: str) -> None:
    write_idx(tmp_path, packed=False)
    file = tmp_path / IMAGES
    file.write_bytes(change(file.read_bytes()))
    assert refusal(tmp_path).startswith(f"{IMAGES}{expected}")


def test_a_file_that_unpacks_to_more_than_its_header_says_is_not_read_to_the_end(
    tmp_path: Path,
) -> None:
    write_idx(tmp_path)
    bomb = gzip.compress(idx_bytes(digits(20, 6, 6))) + gzip.compress(bytes(2**24)) * 1000
    (tmp_path / f"{IMAGES}.gz").write_bytes(bomb)  # 16 GB
    assert refusal(tmp_path).endswith("20 x 6 x 6 uint8, found more")


def test_one_of_both_files(tmp_path: Path) -> None:
    write_idx(tmp_path)
    write_idx(tmp_path, packed=False)
    expected = f"{IMAGES}: expected it with or without .gz, found both; remove one"
    assert refusal(tmp_path) == expected


def test_a_checksum_is_demanded(tmp_path: Path) -> None:
    write_idx(tmp_path, packed=False)
    (tmp_path / LABELS).write_bytes(idx_bytes(np.arange(20, dtype=np.uint8) % 10))
    right = "0123456789abcdef" * 2
    found = refusal(tmp_path, md5={LABELS: right}).rpartition(" ")[2]
    assert refusal(tmp_path, md5={LABELS: right}) == (
        f"{LABELS}: expected the MD5 {right} (convert.source.md5), found {found}"
    )
    Idx(str(tmp_path), md5={LABELS: found.upper()}).read()
    assert refusal(tmp_path, md5={f"{LABELS}.gz": found}).startswith(
        f"params.yaml: convert.source.md5: expected names of files that are read, {IMAGES}, "
    )


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"images": "../images"}, "images: expected the name of a file in path, got '../images'"),
        ({"labels": ""}, "labels: expected the name of a file in path, got ''"),
        ({"test_labels": None}, "test_labels: expected null if test_images is, and a name"),
        ({"test_images": None}, "test_labels: expected null if test_images is, and a name"),
    ],
)
def test_keys_that_make_no_sense(keys: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        Idx("data", **keys)
