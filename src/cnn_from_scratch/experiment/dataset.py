"""The dataset: the tensor that a source of images becomes, as a file and as arrays."""

import hashlib
import json
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

Images = np.ndarray[Any, np.dtype[Any]]  # (N, C, H, W), of one of DTYPES
Labels = np.ndarray[Any, np.dtype[np.integer[Any]]]  # class indices 0..K-1
Indices = np.ndarray[Any, np.dtype[np.integer[Any]]]  # places of samples, from 0

DTYPES = (np.uint8, np.float32, np.float64)


@dataclass(frozen=True)
class Dataset:
    """Images with their classes, and further ones that are never trained on, where there are any.

    X, X_test: (N, C, H, W) uint8, float32 or float64; X / scale are pixels in 0..1. Images stay as
        small as they came; `Chosen` makes floats of a batch at a time.
    y, y_test: (N,) int64 class indices 0..K-1.
    class_names: what the K classes are called, in the order of their indices.
    scale: the value of a full pixel.
    """

    X: Images
    y: Labels
    class_names: tuple[str, ...]
    X_test: Images | None = None
    y_test: Labels | None = None
    scale: float = 1.0

    @property
    def num_classes(self) -> int:
        """K."""
        return len(self.class_names)

    @property
    def pixels(self) -> "Chosen":
        """All images of X as float64 in 0..1, when they are asked for."""
        return Chosen(self.X, np.arange(len(self.X)), self.scale, "float64")

    @property
    def test_pixels(self) -> "Chosen | None":
        """All images of X_test likewise."""
        if self.X_test is None:
            return None
        return Chosen(self.X_test, np.arange(len(self.X_test)), self.scale, "float64")

    def names(self, labels: Labels) -> list[str]:
        """Return the names of class indices."""
        return np.array(self.class_names, dtype=object)[labels].tolist()

    @cached_property
    def digest(self) -> str:
        """The SHA-256, in hex, of all of it: each array with its name, dtype and shape.

        Classes that are called 1 to K, and a scale of 1, go without saying, and labels count from
        1: the first records were made under such digests.
        """
        digest = hashlib.sha256(str(self.num_classes).encode())
        if self.class_names != tuple(str(k + 1) for k in range(self.num_classes)):
            digest.update(json.dumps(self.class_names).encode())
        if self.scale != 1.0:
            digest.update(f"scale {self.scale!r}".encode())
        for name in ("X", "y", "X_test", "y_test"):
            array = getattr(self, name)
            if array is not None:
                array = array + 1 if name.startswith("y") else array
                digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


@dataclass(frozen=True)
class Chosen:
    """Some of the images, gathered when they are asked for: a split takes no copy of the data.

    scale: by what they are divided then, to be pixels in 0..1.
    dtype: of the pixels, float64 or float32.
    """

    images: Images
    indices: Indices
    scale: float
    dtype: DType

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, rows: Any) -> Array:
        """Return the images at some places of the choice."""
        pixels = self.images[self.indices[rows]].astype(self.dtype, copy=False)
        return pixels if self.scale == 1.0 else pixels / pixels.dtype.type(self.scale)


def save_dataset(path: Path, dataset: Dataset) -> None:
    """Write the dataset as .npz; the same dataset gives the same bytes."""
    arrays = {
        "X": dataset.X,
        "y": dataset.y,
        "class_names": np.array(dataset.class_names, dtype=np.str_),
        "scale": np.array(dataset.scale, dtype=np.float64),
    }
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
    names = {"X", "y", "class_names", "scale"}
    if set(arrays) not in (names, names | {"X_test", "y_test"}):
        raise ValueError(
            f"expected X, y, class_names, scale and perhaps X_test, y_test, got {[*arrays]}"
        )
    class_names, scale = arrays.pop("class_names"), arrays.pop("scale")
    if class_names.ndim != 1 or class_names.dtype.kind != "U" or not class_names.size:
        raise ValueError(f"class_names: expected a list of text, got {class_names!r}")
    if scale.shape or scale.dtype != np.float64 or not 0 < scale < np.inf:
        raise ValueError(f"scale: expected a number above 0, got {scale!r}")
    dataset = Dataset(**arrays, class_names=tuple(class_names.tolist()), scale=float(scale))
    check_dataset(dataset)
    return dataset


def check_dataset(dataset: Dataset) -> None:
    """Check the arrays and the names. Raises ValueError, which names what is wrong."""
    names = dataset.class_names
    if len(set(names)) < len(names) or not all(names):
        raise ValueError(f"class_names: expected texts that differ, got {', '.join(names)}")
    _check_samples("X", dataset.X, "y", dataset.y, dataset)
    if dataset.X_test is not None and dataset.y_test is not None:
        _check_samples("X_test", dataset.X_test, "y_test", dataset.y_test, dataset)
        kinds = [f"{x.shape[1:]} {x.dtype}" for x in (dataset.X, dataset.X_test)]
        if kinds[0] != kinds[1]:
            raise ValueError(f"X_test: expected images as in X, {kinds[0]}, got {kinds[1]}")


def _check_samples(x: str, images: Images, y: str, labels: Labels, dataset: Dataset) -> None:
    """Check one pair of arrays, by their names."""
    for name, array, dtypes, ndim in ((x, images, DTYPES, 4), (y, labels, (np.int64,), 1)):
        if array.dtype not in dtypes or array.ndim != ndim or not array.size:
            expected = f"{ndim} axes of {' or '.join(np.dtype(dtype).name for dtype in dtypes)}"
            raise ValueError(f"{name}: expected {expected}, got {array.shape} {array.dtype}")
    if len(images) != len(labels):
        raise ValueError(
            f"{y}: expected a label for each of {len(images)} images in {x}, got {len(labels)}"
        )
    low, high = images.min(), images.max()
    if not (low >= 0 and high <= dataset.scale):  # NaN, too, is not
        raise ValueError(f"{x}: expected pixels from 0 to {dataset.scale:g}, got {low} to {high}")
    if labels.min() < 0 or labels.max() >= dataset.num_classes:
        raise ValueError(
            f"{y}: expected class indices from 0 to {dataset.num_classes - 1},"
            f" got {labels.min()} to {labels.max()}"
        )
