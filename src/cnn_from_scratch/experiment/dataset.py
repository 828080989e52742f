"""The dataset: the tensor that the workbook becomes, as a file and as arrays."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.npz import write_npz
from cnn_from_scratch.experiment.params import DType

DATASET_FILE = Path("data/dataset.npz")

Images = np.ndarray[Any, np.dtype[np.float64]]
Labels = np.ndarray[Any, np.dtype[np.int64]]


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


@dataclass(frozen=True)
class Chosen:
    """Some of the images, gathered when they are asked for: a split takes no copy of the data.

    dtype: what they are rounded to then, float64 or float32.
    """

    images: Images
    indices: Labels
    dtype: DType

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, rows: Any) -> np.ndarray[Any, np.dtype[np.floating[Any]]]:
        """Return the images at some places of the choice."""
        return self.images[self.indices[rows]].astype(self.dtype, copy=False)


def save_dataset(path: Path, dataset: Dataset) -> None:
    """Write the dataset as .npz; the same dataset gives the same bytes."""
    arrays = {"X": dataset.X, "y": dataset.y, "num_classes": np.array(dataset.num_classes)}
    if dataset.X_test is not None and dataset.y_test is not None:
        arrays |= {"X_test": dataset.X_test, "y_test": dataset.y_test}
    write_npz(path, arrays)


def load_dataset(path: Path = DATASET_FILE) -> Dataset:
    """Read what `save_dataset` wrote. Raises InputError if it is missing or damaged."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = dict(file)
        return Dataset(**{**arrays, "num_classes": int(arrays["num_classes"])})
    except FileNotFoundError as error:
        raise InputError(f"{path}: not found; 'python stages/convert.py' makes it") from error
    except Exception as error:  # a damaged file can fail anywhere in zip and NumPy's format
        raise InputError(f"{path}: damaged; 'python stages/convert.py' makes it anew") from error
