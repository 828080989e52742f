"""The table: the samples as rows, to look at with any tool that reads Parquet."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cnn_from_scratch.experiment.dataset import Dataset, Images, Labels

NAMES = pa.dictionary(pa.int32(), pa.string(), ordered=True)
_ROWS = 8192  # that are written at once, so that the pixels are in memory only once


def write_dataset_table(path: Path, dataset: Dataset) -> None:
    """Write one row per sample: part, index, label and the pixels as the dataset has them.

    part: data or test. index: from 0 in each part. label: the class's name, as a category, so that
    a reader learns the order of the classes, and of those without samples. The pixels are
    pixel_<row>_<column>, or with several channels pixel_<channel>_<row>_<column>. The same dataset
    and pyarrow give the same bytes.
    """
    pixel = pa.from_numpy_dtype(dataset.X.dtype)
    columns = {"part": pa.string(), "index": pa.int64(), "label": NAMES}
    columns |= dict.fromkeys(pixel_names(dataset.X.shape[1:]), pixel)
    schema = pa.schema(columns)
    with pq.ParquetWriter(path, schema) as writer:
        for arrays in _all_rows(dataset):
            writer.write_batch(pa.record_batch(arrays, schema=schema))


def _all_rows(dataset: Dataset) -> Iterator[list[pa.Array]]:
    """Yield the columns of some rows at a time."""
    yield from _rows("data", dataset, dataset.X, dataset.y)
    if dataset.X_test is not None and dataset.y_test is not None:
        yield from _rows("test", dataset, dataset.X_test, dataset.y_test)


def _rows(part: str, dataset: Dataset, images: Images, labels: Labels) -> Iterator[list[pa.Array]]:
    for start in range(0, len(images), _ROWS):
        some = images[start : start + _ROWS]
        pixels = np.ascontiguousarray(some.reshape(len(some), -1).T)
        yield [
            pa.array([part] * len(some)),
            pa.array(range(start, start + len(some))),
            pa.DictionaryArray.from_arrays(
                pa.array(labels[start : start + _ROWS], pa.int32()),
                pa.array(dataset.class_names),
                ordered=True,
            ),
            *map(pa.array, pixels),
        ]


def pixel_names(shape: tuple[int, ...]) -> list[str]:
    """Return the names of the pixels of an image (C, H, W), in order."""
    places = np.ndindex(*shape) if shape[0] > 1 else np.ndindex(*shape[1:])
    return ["_".join(["pixel", *map(str, place)]) for place in places]
