"""Reading a table's samples, with pandas; the keys in `SampleTable` are checked without it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cnn_from_scratch import InputError
from cnn_from_scratch.data.class_names import class_order, is_class_name
from cnn_from_scratch.data.frames import Table, open_table
from cnn_from_scratch.data.table_source import SampleTable
from cnn_from_scratch.experiment.dataset import Dataset, Images, Indices, Labels

_NUMBERS = "biuf"  # the kinds of dtypes that hold pixels; truth values are 0 and 1


def read_samples(how: SampleTable) -> Dataset:
    """Return the samples, as `SampleTable.read` says."""
    path = Path(how.path)
    data = _rows(how, path if how.train is None else path / how.train)
    test = None
    if how.test is not None:
        test = _rows(how, path / how.test)
        if test.pixels != data.pixels:
            raise InputError(f"{test.file}: expected the same pixel columns as in {data.file}")
    elif how.test_column is not None:
        data, test = data.some(~data.is_test), data.some(data.is_test)
        for rows, what in ((data, "another text than"), (test, "the text")):
            if not rows.labels.size:
                raise InputError(
                    f"{rows.file}: expected rows that have, in column {how.test_column!r},"
                    f" {what} {how.test_value!r} (convert.source.test_value), found none"
                )
    names = data.categories or class_order(data.labels)
    if len(names) < 2:
        raise InputError(f"{data.file}: expected at least 2 classes, found {len(names)}")
    if test is None:
        return Dataset(data.images, data.indices(names), names, scale=how.pixel_max)
    dtype = np.result_type(data.images, test.images)
    return Dataset(
        data.images.astype(dtype, copy=False),
        data.indices(names),
        names,
        test.images.astype(dtype, copy=False),
        test.indices(names),
        scale=how.pixel_max,
    )


def read_images(how: SampleTable) -> tuple[Images, list[str]]:
    """Return the images of a file, and where each stands; a column of labels may be missing.

    Raises InputError, as `SampleTable.read` does.
    """
    file = Path(how.path)
    table = open_table(file)
    pixels = [name for name in table.columns if name not in {how.label, *how.ignore}]
    shape = _shape(how, file, pixels)
    images: list[Images] = []
    row = 0
    for frame in table.pieces(pixels, []):
        if frame.empty:
            continue
        images.append(_pixels(table, frame, row, how.pixel_max))
        row += len(frame)
    if row == 0:
        raise InputError(f"{file}: expected a row for each sample, found none")
    return np.concatenate(images).reshape(row, *shape), [table.place(i) for i in range(row)]


def _rows(how: SampleTable, file: Path) -> "_Rows":
    """Return all rows of a file."""
    table = open_table(file)
    texts = [how.label, *([] if how.test_column is None else [how.test_column])]
    for name in (*texts, *how.ignore):
        if name not in table.columns:
            raise InputError(f"{file}: expected a column {name!r}, found {_few(table.columns)}")
    pixels = [name for name in table.columns if name not in {*texts, *how.ignore}]
    shape = _shape(how, file, pixels)
    images, labels, parts = [], [], []
    categories: dict[str, None] = {}
    row = 0
    for frame in table.pieces([*texts, *pixels], texts):
        if frame.empty:
            continue
        images.append(_pixels(table, frame[pixels], row, how.pixel_max))
        labels.append(_labels(table, frame[how.label], row))
        parts.append(frame[texts[-1]].to_numpy(dtype=object) == how.test_value)
        if isinstance(frame[how.label].dtype, pd.CategoricalDtype):
            categories |= dict.fromkeys(frame[how.label].cat.categories)
        row += len(frame)
    if row == 0:
        raise InputError(f"{file}: expected a row for each sample, found none")
    return _Rows(
        table=table,
        file=file,
        pixels=pixels,
        places=np.arange(row),
        images=np.concatenate(images).reshape(row, *shape),
        labels=np.concatenate(labels),
        is_test=np.concatenate(parts),
        categories=tuple(categories),
    )


def _shape(how: SampleTable, file: Path, pixels: Sequence[str]) -> tuple[int, int, int]:
    """Return (C, H, W) of the images."""
    side = isqrt(len(pixels) // how.channels)
    height, width = how.height or side, how.width or side
    if not pixels or how.channels * height * width != len(pixels):
        expected = "as many as images of the same height and width have"
        if how.height is not None:
            expected = f"{how.channels * height * width}"
        raise InputError(
            f"{file}: expected {expected} pixel columns, found {len(pixels)}:"
            f" {_few(pixels)}; convert.source.ignore names columns that are no pixels"
        )
    return how.channels, height, width


@dataclass(frozen=True)
class _Rows:
    """Some rows of a file: the images and labels in them, and their places in the file."""

    table: Table
    file: Path
    pixels: list[str]
    places: Indices
    images: Images
    labels: Any  # (N,) text
    is_test: Any  # (N,) bool
    categories: tuple[str, ...]

    def some(self, mask: Any) -> "_Rows":
        """Return some of the rows."""
        return replace(
            self,
            places=self.places[mask],
            images=self.images[mask],
            labels=self.labels[mask],
            is_test=self.is_test[mask],
        )

    def indices(self, names: Sequence[str]) -> Labels:
        """Return class indices. Raises InputError, naming a row whose class is not there."""
        known = {name: k for k, name in enumerate(names)}
        indices = np.array([known.get(label, -1) for label in self.labels], dtype=np.int64)
        for i in np.flatnonzero(indices < 0)[:1]:
            raise InputError(
                f"{self.file}, {self.table.place(int(self.places[i]))}: expected one of the classes"
                f" to train on, {_few(names)}, found {self.labels[i]!r}"
            )
        return indices


def _pixels(table: Table, frame: pd.DataFrame, first: int, pixel_max: float) -> Images:
    """Return the pixels, (N, P). Raises InputError, naming row and column of one that is none."""
    for column, dtype in enumerate(frame.dtypes):
        if not (isinstance(dtype, np.dtype) and dtype.kind in _NUMBERS):
            column_of_text = frame.iloc[:, column]
            rows = (row for row, value in enumerate(column_of_text) if not _fits(value, pixel_max))
            raise _no_pixel(table, frame, first, (next(rows, 0), column), pixel_max)
    values = frame.to_numpy(dtype=np.result_type(*frame.dtypes))
    for place in np.argwhere(~((values >= 0) & (values <= pixel_max)))[:1].tolist():  # NaN, too
        raise _no_pixel(table, frame, first, place, pixel_max)
    if values.dtype.kind == "f":
        return values.astype(np.promote_types(values.dtype, np.float32), copy=False)
    return values.astype(np.uint8 if values.max(initial=0) <= 255 else np.float64)


def _fits(value: Any, pixel_max: float) -> bool:
    try:
        return np.ndim(value) == 0 and 0 <= float(value) <= pixel_max
    except (TypeError, ValueError):
        return False


def _no_pixel(
    table: Table, frame: pd.DataFrame, first: int, place: Sequence[int], pixel_max: float
) -> InputError:
    row, column = place
    value = frame.iat[row, column]
    found = repr(value.item() if isinstance(value, np.generic) else value)
    return InputError(
        f"{table.file}, {table.place(first + row)}, column {frame.columns[column]!r}: expected a"
        f" pixel from 0 to {pixel_max:g} (convert.source.pixel_max), found {found[:40]}"
    )


def _labels(table: Table, column: pd.Series, first: int) -> Any:
    """Return the labels, (N,) text. Raises InputError, naming the row of one that is blank."""
    for label in column.unique():
        if not (isinstance(label, str) and is_class_name(label)):
            is_it = column.isna() if pd.isna(label) else column == label
            raise InputError(
                f"{table.file}, {table.place(first + int(np.argmax(is_it)))}, column"
                f" {column.name!r}: expected the name of a class, found {label!r:.40}"
            )
    return column.to_numpy(dtype=object)


def _few(names: Sequence[str]) -> str:
    """Return the first names, in a line."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(map(repr, names[:5])) + more
