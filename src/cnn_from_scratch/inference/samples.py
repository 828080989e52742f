"""New samples, without labels, from what people have: pictures, tables, IDX files, workbooks."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn_from_scratch import InputError
from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.data import idx, images
from cnn_from_scratch.data.table_source import SampleTable
from cnn_from_scratch.data.workbook import Workbook
from cnn_from_scratch.experiment.trained import Description
from cnn_from_scratch.inference.fitting import fit

WORKBOOK_MAX = 255.0  # the cell value of a full pixel


@dataclass(frozen=True)
class Layout:
    """How samples stand in files that do not say it themselves; by default as in the datasets.

    pixel_max: the value of a full pixel; None: 255 in workbooks and IDX files of bytes, 1 in those
    of floats, the training data's in tables. sheet, first_cell: of a workbook. label, ignore: the
    columns of a table that are no pixels.
    """

    pixel_max: float | None = None
    sheet: str = "Data"
    first_cell: str = "L5"
    label: str = "label"
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True)
class Samples:
    """New samples.

    names: where each one stands, for people. pixels: (N, C, H, W) in 0..1. notes: what was done to
    some of them, in words.
    """

    names: list[str]
    pixels: Array
    notes: list[str]


def read_samples(path: Path, description: Description, layout: Layout) -> Samples:
    """Return the samples in a file, or the pictures in a folder, as a network takes them.

    The end of its name says what a file is: .png, .jpg, .jpeg, .xlsx, .csv, .parquet; any other is
    taken for IDX images. Pictures of any size are fitted; all others must have the network's size.

    Raises InputError, naming file and place, if something is not found or not as expected.
    """
    if not path.exists():
        raise InputError(f"{path}: not found")
    suffix = path.suffix.lower()
    if path.is_dir() or suffix in images.SUFFIXES:
        return _pictures(path, description)
    names, pixels = READERS.get(suffix, _idx)(path, description, layout)
    if pixels.shape[1:] != description.in_shape:
        expected, found = ("x".join(map(str, s)) for s in (description.in_shape, pixels.shape[1:]))
        raise InputError(f"{path}: expected images of {expected} for this network, got {found}")
    return Samples([f"{path}, {name}" for name in names], pixels, [])


def _pictures(path: Path, description: Description) -> Samples:
    files = _files(path) if path.is_dir() else [path]
    names, pixels, notes = [], [], []
    for file in files:
        picture = images.read_picture(file, "gray" if description.in_shape[0] == 1 else "rgb")
        values = np.asarray(picture, dtype=np.float64) / 255.0
        try:
            channels = np.moveaxis(np.atleast_3d(values), -1, 0)
            fitted = fit(channels, description.in_shape, description.preparation)
        except ValueError as error:
            raise InputError(f"{file}: {error}") from error
        names.append(str(file))
        pixels.append(fitted.pixels)
        notes += [f"{file}: {note}" for note in fitted.notes]
    return Samples(names, np.stack(pixels), notes)


def _files(folder: Path) -> list[Path]:
    """Return the pictures in a folder. What `images.pictures` says is of folders of classes."""
    seen = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    if not seen:
        raise InputError(f"{folder}: expected pictures, found none")
    for path in seen:
        if path.is_dir():
            raise InputError(f"{path}: expected pictures alone in {folder}, found a folder")
    return images.pictures(folder)


def _workbook(path: Path, description: Description, layout: Layout) -> tuple[list[str], Array]:
    _, height, width = description.in_shape
    pixel_max = layout.pixel_max or WORKBOOK_MAX
    try:
        book = Workbook(str(path), layout.sheet, None, pixel_max, layout.first_cell, height, width)
    except ValueError as error:
        raise InputError(f"convert.source.{error}") from error
    pixels, cells = book.read_images()
    return [f"sheet {layout.sheet!r}, cell {cell}" for cell in cells], pixels


def _table(path: Path, description: Description, layout: Layout) -> tuple[list[str], Array]:
    from cnn_from_scratch.data.table_rows import read_images  # only here: it imports pandas

    channels, height, width = description.in_shape
    pixel_max = layout.pixel_max or description.preparation.scale
    how = SampleTable(
        str(path),
        pixel_max,
        label=layout.label,
        ignore=layout.ignore,
        height=height,
        width=width,
        channels=channels,
    )
    pixels, places = read_images(how)
    return places, pixels / pixel_max


def _idx(path: Path, description: Description, layout: Layout) -> tuple[list[str], Array]:
    pixels, full = idx.read_images(path, layout.pixel_max)
    return [f"image {i}" for i in range(len(pixels))], pixels / full


READERS: dict[str, Callable[[Path, Description, Layout], tuple[list[str], Array]]] = {
    ".xlsx": _workbook,
    ".csv": _table,
    ".parquet": _table,
}
