"""The dataset: the tensor that the workbook becomes, as a file and as arrays."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from cnn_from_scratch import InputError
from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.experiment.npz import write_npz
from cnn_from_scratch.experiment.params import DType

DATASET_FILE = Path("data/dataset.npz")

Images = np.ndarray[Any, np.dtype[np.float64]]
Labels = np.ndarray[Any, np.dtype[np.integer[Any]]]  # 1..K
Indices = np.ndarray[Any, np.dtype[np.integer[Any]]]  # places of samples, from 0


@dataclass(frozen=True)
class Dataset:
    """Images with their labels, and further ones that are never trained on, where there are any.

    X and X_test are (N, 1, 6, 6) float64 with pixels in 0..1; y and y_test are (N,) int64 labels
    1..num_classes.
    """

    X: Images
    y: Labels
    num_classes: int
    X_test: Images | None = None
    y_test: Labels | None = None

    @cached_property
    def digest(self) -> str:
        """The SHA-256, in hex, of all of it: each array with its name, dtype and shape."""
        digest = hashlib.sha256(str(self.num_classes).encode())
        for name in ("X", "y", "X_test", "y_test"):
            array = getattr(self, name)
            if array is not None:
                digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


@dataclass(frozen=True)
class Chosen:
    """Some of the images, gathered when they are asked for: a split takes no copy of the data.

    dtype: what they are rounded to then, float64 or float32.
    """

    images: Images
    indices: Indices
    dtype: DType

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, rows: Any) -> Array:
        """Return the images at some places of the choice."""
        return self.images[self.indices[rows]].astype(self.dtype, copy=False)


def save_dataset(path: Path, dataset: Dataset) -> None:
    """Write the dataset as .npz; the same dataset gives the same bytes."""
    arrays = {"X": dataset.X, "y": dataset.y, "num_classes": np.array(dataset.num_classes)}
    if dataset.X_test is not None and dataset.y_test is not None:
        arrays |= {"X_test": dataset.X_test, "y_test": dataset.y_test}
    write_npz(path, arrays)


def load_dataset(path: Path = DATASET_FILE) -> Dataset:
    """Read what `save_dataset` wrote. Raises InputError if it is missing, or is not that."""
    again = "'python stages/convert.py' makes it anew"
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = dict(file)
    except FileNotFoundError as error:
        raise InputError(f"{path}: not found; 'python stages/convert.py' makes it") from error
    except (MemoryError, OSError):
        raise
    except Exception as error:  # a damaged file can fail anywhere in zip and NumPy's format
        raise InputError(f"{path}: damaged; {again}") from error
    try:
        return _checked(arrays)
    except ValueError as error:
        raise InputError(f"{path}: {error}; {again}") from error


def _checked(arrays: dict[str, np.ndarray[Any, Any]]) -> Dataset:
    """Return the arrays as a dataset. Raises ValueError, which names the array."""
    names = {"X", "y", "num_classes"}
    if set(arrays) not in (names, names | {"X_test", "y_test"}):
        raise ValueError(f"expected X, y, num_classes and perhaps X_test, y_test, got {[*arrays]}")
    num_classes = arrays.pop("num_classes")
    if num_classes.shape or num_classes.dtype.kind != "i" or num_classes < 1:
        raise ValueError(f"num_classes: expected a whole number from 1 up, got {num_classes!r}")
    for part in ("", "_test")[: len(arrays) // 2]:
        _check_samples(f"X{part}", arrays[f"X{part}"], f"y{part}", arrays[f"y{part}"], num_classes)
    if "X_test" in arrays and arrays["X_test"].shape[1:] != arrays["X"].shape[1:]:
        shapes = f"{arrays['X'].shape[1:]}, got {arrays['X_test'].shape[1:]}"
        raise ValueError(f"X_test: expected images as in X, {shapes}")
    return Dataset(**arrays, num_classes=int(num_classes))


def _check_samples(x: str, images: Images, y: str, labels: Labels, num_classes: Any) -> None:
    """Check one pair of arrays, by their names."""
    for name, array, dtype, ndim in ((x, images, np.float64, 4), (y, labels, np.int64, 1)):
        if array.dtype != dtype or array.ndim != ndim or not array.size:
            expected = f"{ndim} axes of {np.dtype(dtype).str}"
            raise ValueError(f"{name}: expected {expected}, got {array.shape} {array.dtype.str}")
    if len(images) != len(labels):
        raise ValueError(
            f"{y}: expected a label for each of {len(images)} images in {x}, got {len(labels)}"
        )
    if not (images.min() >= 0 and images.max() <= 1):  # NaN, too, is not
        raise ValueError(f"{x}: expected pixels from 0 to 1, got {images.min()} to {images.max()}")
    if labels.min() < 1 or labels.max() > num_classes:
        raise ValueError(
            f"{y}: expected labels from 1 to {num_classes}, got {labels.min()} to {labels.max()}"
        )
