"""The dataset file: what is saved is loaded, and a damaged file is refused."""

import gc
import io
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.dataset import Chosen, Dataset, load_dataset, save_dataset
from cnn_from_scratch.experiment.params import DType

X = np.random.RandomState(0).rand(5, 1, 6, 6)
Y = np.array([0, 1, 2, 3, 0])
NAMES = ("zero", "one", "2", "Zürich")
WITHOUT_TEST = Dataset(X=X, y=Y, class_names=NAMES)
WITH_TEST = Dataset(X=X, y=Y, class_names=NAMES, X_test=X[::-1], y_test=Y[::-1])
GRAYS = (255 * X).astype(np.uint8)
SMALL = Dataset(GRAYS, Y, NAMES, GRAYS[1:], Y[1:], scale=255.0)
SINGLE = Dataset(X.astype(np.float32) * 16, Y, NAMES, scale=16.0)


@pytest.mark.parametrize(
    "dataset",
    [WITHOUT_TEST, WITH_TEST, SMALL, SINGLE],
    ids=["without test", "with test", "uint8", "float32"],
)
def test_what_is_saved_is_loaded(dataset: Dataset, tmp_path: Path) -> None:
    save_dataset(tmp_path / "a.npz", dataset)
    loaded = load_dataset(tmp_path / "a.npz")
    for field in fields(Dataset):
        np.testing.assert_array_equal(getattr(loaded, field.name), getattr(dataset, field.name))
    assert loaded.X.dtype == dataset.X.dtype
    assert loaded.y.dtype == np.int64
    assert loaded.class_names == dataset.class_names
    assert type(loaded.scale) is float
    assert (loaded.X_test is None) == (dataset.X_test is None)
    assert loaded.digest == dataset.digest


def test_class_indices_have_names() -> None:
    assert SMALL.num_classes == 4
    assert SMALL.names(np.array([3, 0, 0])) == ["Zürich", "zero", "zero"]
    assert SMALL.names(np.array([], dtype=np.int64)) == []


def test_the_same_dataset_gives_the_same_bytes(tmp_path: Path) -> None:
    save_dataset(tmp_path / "a.npz", WITH_TEST)
    save_dataset(tmp_path / "b.npz", WITH_TEST)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def _npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _flipped(whole: bytes, place: int) -> bytes:
    return whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: b"",
    "cut off at the start": lambda whole: whole[:1],
    "cut off in the middle": lambda whole: whole[: len(whole) // 2],
    "cut off at the end": lambda whole: whole[:-1],
    "text": lambda whole: b"hello\n",
    "an array alone": lambda whole: _npy(X),
    "a pickle": lambda whole: _npz(X=X, y=np.array([1, None]), class_names=NAMES, scale=1.0),
    "a byte of the pixels": lambda whole: _flipped(whole, 500),
    "a byte of the compression method": lambda whole: _flipped(whole, whole.index(b"PK\1\2") + 10),
    "the encryption flag": lambda whole: _flipped(whole, whole.index(b"PK\1\2") + 8),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_refused(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    save_dataset(file, WITHOUT_TEST)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(InputError) as error:
        load_dataset(file)
    assert str(error.value) == f"{file}: damaged; 'python stages/convert.py' makes it anew"
    del error
    gc.collect()  # a file left open would warn here, and a warning is an error


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        load_dataset(tmp_path / "a.npz")
    message = str(error.value)
    assert message == f"{tmp_path / 'a.npz'}: not found; 'python stages/convert.py' makes it"


def test_chosen_images_are_gathered_when_asked_for() -> None:
    """So that a split is no copy of the data: what changes in it before, is seen."""
    images = X.copy()
    chosen = Chosen(images, np.array([4, 0, 2]), 1.0, "float64")
    assert len(chosen) == 3
    assert chosen.images is images
    images[0] = 7.0
    expected = images[[4, 0, 2]]
    np.testing.assert_array_equal(chosen[:], expected, strict=True)
    np.testing.assert_array_equal(chosen[1:], expected[1:], strict=True)
    np.testing.assert_array_equal(chosen[np.array([2, 2, 0])], expected[[2, 2, 0]], strict=True)
    chosen[:][:] = 0.0  # what is gathered is a copy, and the data stay
    np.testing.assert_array_equal(images[[4, 0, 2]], expected)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_chosen_images_are_rounded_to_the_dtype(dtype: DType) -> None:
    chosen = Chosen(X, np.array([3, 1]), 1.0, dtype)
    for rows in (slice(None), slice(0, 0), np.array([1])):
        np.testing.assert_array_equal(
            chosen[rows], X[np.array([3, 1])[rows]].astype(dtype), strict=True
        )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_chosen_images_are_pixels_from_0_to_1(dtype: DType) -> None:
    chosen = Chosen(GRAYS, np.array([3, 1]), 255.0, dtype)
    expected = GRAYS[[3, 1]].astype(dtype) / np.dtype(dtype).type(255)
    np.testing.assert_array_equal(chosen[:], expected, strict=True)
    white = np.full((1, 1, 2, 2), 255, dtype=np.uint8)
    assert (Chosen(white, np.array([0]), 255.0, dtype)[:] == 1).all()


def _changed(**arrays: Any) -> dict[str, Any]:
    """Return the arrays of a good file with a test sheet, but for these; None: without it."""
    good = {
        **{"X": X, "y": Y, "class_names": np.array(NAMES), "scale": 1.0},
        **{"X_test": X[::-1], "y_test": Y[::-1]},
    }
    return {name: array for name, array in (good | arrays).items() if array is not None}


def _with(array: Any, value: Any) -> Any:
    array = array.copy()
    array.flat[7 % array.size] = value
    return array


ARRAYS = "expected X, y, class_names, scale and perhaps X_test, y_test, got"
KINDS = "expected 4 axes of uint8 or float32 or float64, got"
IMPOSSIBLE = {
    "more than expected": (_changed(z=1), ARRAYS),
    "no X": (_changed(X=None), f"{ARRAYS} ['y'"),
    "no y_test": (_changed(y_test=None), ARRAYS),
    "no names": (_changed(class_names=None), ARRAYS),
    "names in a table": (
        _changed(class_names=[["a", "b"]]),
        "class_names: expected a list of text",
    ),
    "names that are numbers": (
        _changed(class_names=[1, 2]),
        "class_names: expected a list of text",
    ),
    "no class": (_changed(class_names=np.array([], str)), "class_names: expected a list of text"),
    "a name twice": (
        _changed(class_names=["a", "b", "a", "c"]),
        "class_names: expected texts that differ, got a, b, a, c",
    ),
    "an empty name": (_changed(class_names=["a", "", "b", "c"]), "class_names: expected texts"),
    "several scales": (_changed(scale=[1.0, 2.0]), "scale: expected a number above 0"),
    "no scale": (_changed(scale=0.0), "scale: expected a number above 0"),
    "an endless scale": (_changed(scale=np.inf), "scale: expected a number above 0"),
    "a whole scale": (_changed(scale=255), "scale: expected a number above 0"),
    "half precision": (_changed(X=X.astype(np.float16)), f"X: {KINDS} (5, 1, 6, 6) float16"),
    "other bytes first": (_changed(X=X.astype(">f8")), f"X: {KINDS} (5, 1, 6, 6) >f8"),
    "complex": (_changed(X_test=X.astype(complex)), f"X_test: {KINDS}"),
    "no channel": (_changed(X=X[:, 0]), f"X: {KINDS} (5, 6, 6) float64"),
    "no images": (_changed(X=X[:0]), f"X: {KINDS} (0, 1, 6, 6) float64"),
    "labels of text": (_changed(y=Y.astype(str)), "y: expected 1 axes of int64"),
    "labels of 32 bits": (
        _changed(y=Y.astype(np.int32)),
        "y: expected 1 axes of int64, got (5,) int32",
    ),
    "labels in a column": (_changed(y=Y[:, None]), "y: expected 1 axes of int64, got (5, 1) int64"),
    "a label too few": (_changed(y=Y[1:]), "y: expected a label for each of 5 images in X, got 4"),
    "a test label too many": (
        _changed(X_test=X[1:]),
        "y_test: expected a label for each of 4 images in X_test, got 5",
    ),
    "label -1": (_changed(y=_with(Y, -1)), "y: expected class indices from 0 to 3, got -1 to 3"),
    "label 4": (
        _changed(y_test=_with(Y, 4)),
        "y_test: expected class indices from 0 to 3, got 0 to 4",
    ),
    "not a number": (
        _changed(X=_with(X, np.nan)),
        "X: expected pixels from 0 to 1, got nan to nan",
    ),
    "infinite": (_changed(X=_with(X, np.inf)), "X: expected pixels from 0 to 1, got 0.0"),
    "negative": (_changed(X_test=_with(X, -1)), "X_test: expected pixels from 0 to 1, got -1.0"),
    "too bright": (_changed(X=_with(X, 255)), "X: expected pixels from 0 to 1, got 0.0"),
    "test images of another size": (
        _changed(X_test=X[..., 1:]),
        "X_test: expected images as in X, (1, 6, 6) float64, got (1, 6, 5) float64",
    ),
    "test images of another type": (
        _changed(X_test=X.astype(np.float32)),
        "X_test: expected images as in X, (1, 6, 6) float64, got (1, 6, 6) float32",
    ),
}


@pytest.mark.parametrize(("arrays", "what"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_convert_never_writes_is_refused(
    arrays: dict[str, Any], what: str, tmp_path: Path
) -> None:
    file = tmp_path / "a.npz"
    file.write_bytes(_npz(**_changed()))
    load_dataset(file)
    file.write_bytes(_npz(**arrays))
    with pytest.raises(InputError) as error:
        load_dataset(file)
    message = str(error.value)
    assert message.startswith(f"{file}: {what}")
    assert message.endswith("; 'python stages/convert.py' makes it anew")
    assert "\n" not in message
