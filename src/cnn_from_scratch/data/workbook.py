"""The workbook: an Excel sheet of handwritten digits, read cell by cell and checked.

Sample i (from 0) stands in the six columns from column 12 + 6*i (L..Q, then R..W, ...). Rows 5-10
hold its 6x6 pixels. The rows from 11 on hold, in the sample's first column, its one-hot label:
row 11 is 1 for class 1, row 12 for class 2, and so on. Other cells are ignored.

Source: Lee 2025, "CNN-from-Scratch", whose workbook has three classes and 96 samples.
"""

import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard
from xml.etree import ElementTree

import numpy as np
import openpyxl
from openpyxl.utils import get_column_letter

from cnn_from_scratch import InputError

SIZE = 6  # pixels, in height and width
FIRST_COLUMN = 12
FIRST_PIXEL_ROW = 5
FIRST_LABEL_ROW = FIRST_PIXEL_ROW + SIZE

_OLE2_SIGNATURE = bytes.fromhex("d0cf11e0a1b11ae1")  # encrypted .xlsx, and .xls


@dataclass(frozen=True)
class Digits:
    """The samples of a sheet: images (N, 6, 6) float64 in 0..1, labels (N,) int64 from 1 up."""

    images: np.ndarray[Any, np.dtype[np.float64]]
    labels: np.ndarray[Any, np.dtype[np.int64]]
    num_classes: int


def read_workbook(
    file: Path, sheet: str, test_sheet: str | None, pixel_max: float
) -> tuple[Digits, Digits | None]:
    """Read the samples of `sheet`, and those of `test_sheet` if the workbook has one.

    A cell of pixel_max becomes a pixel of 1.0. Raises InputError, naming file, sheet and cell, if
    the file is no readable workbook, `sheet` is missing or empty, a pixel is not a number in
    0..pixel_max, a label is not one-hot, or the two sheets have different classes.
    """
    formulas = _load(file, data_only=False)
    # Reading takes long, so only where there are formulas it is done again, for what they gave.
    plain = all(_is_number(cell) for cells in formulas.values() for cell in cells.values())
    values = formulas if plain else _load(file, data_only=True)
    if sheet not in values:
        found = ", ".join(repr(name) for name in values)
        raise InputError(f"{file}: expected a sheet {sheet!r}, found {found}")
    digits = _Sheet(file, sheet, values[sheet], formulas[sheet]).read(pixel_max)
    if test_sheet is None or test_sheet not in values:
        return digits, None
    test = _Sheet(file, test_sheet, values[test_sheet], formulas[test_sheet]).read(pixel_max)
    if test.num_classes != digits.num_classes:
        raise InputError(
            f"{file}: sheet {test_sheet!r} declares {test.num_classes} classes,"
            f" sheet {sheet!r} {digits.num_classes}; expected the same"
        )
    return digits, test


_Cells = dict[tuple[int, int], Any]  # (row, column) -> what a cell that is not blank holds


def _load(file: Path, *, data_only: bool) -> dict[str, _Cells]:
    """Return the cells of every sheet: with data_only a formula's stored value, else its text."""
    try:
        with file.open("rb") as stream:
            if stream.read(8) == _OLE2_SIGNATURE:
                raise InputError(f"{file}: is encrypted, or an old .xls; expected a plain .xlsx")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of features that have no bearing on the cells
                book = openpyxl.load_workbook(stream, read_only=True, data_only=data_only)
                return {sheet.title: _cells(file, sheet) for sheet in book.worksheets}
    except FileNotFoundError as error:
        raise InputError(f"{file}: not found; expected an .xlsx workbook") from error
    except InputError:
        raise
    except Exception as error:  # a damaged file can fail anywhere in zip, XML or openpyxl
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{file}: expected an .xlsx workbook, cannot read it: {reason}") from error


def _cells(file: Path, sheet: Any) -> _Cells:
    sheet.reset_dimensions()  # some programs declare them wrongly
    try:
        rows = sheet.iter_rows(FIRST_PIXEL_ROW, min_col=FIRST_COLUMN, values_only=True)
        return {
            (row, column): value
            for row, values in enumerate(rows, FIRST_PIXEL_ROW)
            for column, value in enumerate(values, FIRST_COLUMN)
            if value is not None
        }
    except ValueError:  # openpyxl does not say which cell
        for cell, text in _broken_numbers(file, sheet._worksheet_path):
            raise InputError(
                f"{file}, sheet {sheet.title!r}, cell {cell}: expected a number, found {text!r}"
            ) from None
        raise


def _broken_numbers(file: Path, part: str) -> Iterator[tuple[str, str]]:
    """Yield the name and text of each cell of a sheet's XML that is a number by type only."""
    with zipfile.ZipFile(file) as archive, archive.open(part) as xml:
        for _, element in ElementTree.iterparse(xml):
            text = element.findtext("{*}v")
            if element.tag.endswith("}c") and element.get("t", "n") == "n" and text is not None:
                try:
                    int(float(text))
                except (ValueError, OverflowError):
                    yield element.get("r", "?"), text


@dataclass(frozen=True)
class _Sheet:
    """One sheet of the file, on its way to arrays."""

    file: Path
    name: str
    values: _Cells
    formulas: _Cells

    def read(self, pixel_max: float) -> Digits:
        num_classes = self._num_classes()
        last_row = FIRST_LABEL_ROW + max(num_classes, 1) - 1
        last_column = max((col for row, col in self.formulas if row <= last_row), default=0)
        if last_column == 0:
            raise InputError(f"{self._where('L5')}: blank; expected the first sample to start here")
        if num_classes < 2:
            raise InputError(
                f"{self._where('L11')}: expected one-hot label rows from here down, for at least"
                f" 2 classes, found {num_classes}"
            )
        starts = range(FIRST_COLUMN, last_column + 1, SIZE)
        pixels = [
            [
                self._pixel(FIRST_PIXEL_ROW + row, start + column, pixel_max)
                for row in range(SIZE)
                for column in range(SIZE)
            ]
            for start in starts
        ]
        labels = [self._label(start, num_classes) for start in starts]
        images = np.array(pixels, dtype=np.float64).reshape(-1, SIZE, SIZE) / pixel_max
        return Digits(images, np.array(labels, dtype=np.int64), num_classes)

    def _num_classes(self) -> int:
        """Count the rows below the pixels in which any sample's first column holds something."""
        label_rows = {
            row
            for row, column in self.formulas
            if row >= FIRST_LABEL_ROW and (column - FIRST_COLUMN) % SIZE == 0
        }
        count = 0
        while FIRST_LABEL_ROW + count in label_rows:
            count += 1
        return count

    def _pixel(self, row: int, column: int, pixel_max: float) -> float:
        value = self.values.get((row, column))
        if not _is_number(value) or not 0 <= value <= pixel_max:
            raise InputError(
                f"{self._where(_name(row, column))}: expected a pixel from 0 to {pixel_max:g}"
                f" (convert.pixel_max), found {self._what_is_at(row, column)}"
            )
        return float(value)

    def _label(self, column: int, num_classes: int) -> int:
        rows = range(FIRST_LABEL_ROW, FIRST_LABEL_ROW + num_classes)
        values = [self.values.get((row, column)) for row in rows]
        ones = [i for i, value in enumerate(values) if _is_number(value) and value == 1]
        zeros = [value for value in values if _is_number(value) and value == 0]
        if len(ones) != 1 or len(zeros) != num_classes - 1:
            found = ", ".join(self._what_is_at(row, column) for row in rows)
            cells = f"{_name(rows[0], column)}:{_name(rows[-1], column)}"
            raise InputError(
                f"{self._where(cells, 'cells')}: expected a one-hot label, one 1 and otherwise 0,"
                f" found {found}"
            )
        return ones[0] + 1

    def _where(self, cells: str, noun: str = "cell") -> str:
        return f"{self.file}, sheet {self.name!r}, {noun} {cells}"

    def _what_is_at(self, row: int, column: int) -> str:
        value = self.values.get((row, column))
        if value is not None:
            return repr(value) if isinstance(value, str) else str(value)
        if (row, column) in self.formulas:
            return "a formula without a stored value"
        return "blank"


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _name(row: int, column: int) -> str:
    return f"{get_column_letter(column)}{row}"
