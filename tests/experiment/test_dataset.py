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
Y = np.array([1, 2, 3, 4, 1])
WITHOUT_TEST = Dataset(X=X, y=Y, num_classes=4)
WITH_TEST = Dataset(X=X, y=Y, num_classes=4, X_test=X[::-1], y_test=Y[::-1])


@pytest.mark.parametrize("dataset", [WITHOUT_TEST, WITH_TEST], ids=["without test", "with test"])
def test_what_is_saved_is_loaded(dataset: Dataset, tmp_path: Path) -> None:
    save_dataset(tmp_path / "a.npz", dataset)
    loaded = load_dataset(tmp_path / "a.npz")
    for field in fields(Dataset):
        np.testing.assert_array_equal(getattr(loaded, field.name), getattr(dataset, field.name))
    assert loaded.X.dtype == np.float64
    assert loaded.y.dtype == np.int64
    assert type(loaded.num_classes) is int
    assert (loaded.X_test is None) == (dataset.X_test is None)


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
    "a pickle": lambda whole: _npz(X=X, y=np.array([1, None]), num_classes=4),
    "no X": lambda whole: _npz(y=Y, num_classes=4),
    "no num_classes": lambda whole: _npz(X=X, y=Y),
    "more than expected": lambda whole: _npz(X=X, y=Y, num_classes=4, z=1),
    "several num_classes": lambda whole: _npz(X=X, y=Y, num_classes=[4, 5]),
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
    chosen = Chosen(images, np.array([4, 0, 2]), "float64")
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
    chosen = Chosen(X, np.array([3, 1]), dtype)
    for rows in (slice(None), slice(0, 0), np.array([1])):
        np.testing.assert_array_equal(
            chosen[rows], X[np.array([3, 1])[rows]].astype(dtype), strict=True
        )
