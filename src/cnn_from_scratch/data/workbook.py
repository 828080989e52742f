"""The workbook: an Excel sheet of handwritten digits, read cell by cell and checked.

Sample i (from 0) stands in the six columns from column 12 + 6*i (L..Q, then R..W, ...). Rows 5-10
hold its 6x6 pixels. The rows from 11 on hold, in the sample's first column, its one-hot label:
row 11 is 1 for class 1, row 12 for class 2, and so on. Other cells are ignored.

Source: Lee 2025, "CNN-from-Scratch", whose workbook has three classes and 96 samples.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnn_from_scratch import InputError
from cnn_from_scratch.data.sheet_xml import Cell, Rows, address
from cnn_from_scratch.data.xlsx import Xlsx, open_xlsx

SIZE = 6  # pixels, in height and width
FIRST_COLUMN = 12
FIRST_PIXEL_ROW = 5
FIRST_LABEL_ROW = FIRST_PIXEL_ROW + SIZE


@dataclass(frozen=True)
class Digits:
    """The samples of a sheet: images (N, 6, 6) float64 in 0..1, labels (N,) int64 from 1 up."""

    images: np.ndarray[Any, np.dtype[np.float64]]
    labels: np.ndarray[Any, np.dtype[np.int64]]
    num_classes: int


def read_workbook(
    file: Path, sheet: str, test_sheet: str | None, pixel_max: float
) -> tuple[Digits, Digits | None]:
    """Read the samples of `sheet`, and those of `test_sheet` unless that is None.

    A cell of pixel_max becomes a pixel of 1.0. Raises InputError, naming file, sheet and cell, if
    the file is no readable workbook, a sheet is missing or empty, a pixel is not a number in
    0..pixel_max, a label is not one-hot, no program has computed the formulas, or the two sheets
    have different classes.
    """
    with open_xlsx(file) as book:
        _check_names(file, list(book.sheets), {"sheet": sheet, "test_sheet": test_sheet})
        digits = _read_sheet(file, book, sheet, pixel_max)
        if test_sheet is None:
            return digits, None
        test = _read_sheet(file, book, test_sheet, pixel_max)
    if test.num_classes != digits.num_classes:
        raise InputError(
            f"{file}: sheet {test_sheet!r} declares {test.num_classes} classes,"
            f" sheet {sheet!r} {digits.num_classes}; expected the same"
        )
    return digits, test


def _check_names(file: Path, found: list[str], wanted: dict[str, str | None]) -> None:
    for key, name in wanted.items():
        if name is None or name in found:
            continue
        expected = f"{file}: expected a sheet {name!r} (convert.{key})"
        for other in found:
            if _squeezed(other) == _squeezed(name):
                raise InputError(f"{expected}, found a sheet {other!r}; is that it?")
        none = "; null means none" if key == "test_sheet" else ""
        raise InputError(f"{expected}, found {', '.join(map(repr, found)) or 'none'}{none}")


def _squeezed(name: str) -> str:
    return "".join(name.split()).casefold()


def _read_sheet(file: Path, book: Xlsx, name: str, pixel_max: float) -> Digits:
    return _Sheet(file, name, book, book.rows(name, _is_used)).read(pixel_max)


def _is_used(rows: Rows, number: int) -> bool:
    """Whether a row may hold pixels or labels: the label rows end where one has none."""
    above = rows.get(number - 1, {})
    return number <= FIRST_LABEL_ROW or any(_is_start(column) for column in above)


def _is_start(column: int) -> bool:
    return column >= FIRST_COLUMN and (column - FIRST_COLUMN) % SIZE == 0


@dataclass(frozen=True)
class _Sheet:
    """One sheet of the file, on its way to arrays."""

    file: Path
    name: str
    book: Xlsx
    rows: Rows

    def read(self, pixel_max: float) -> Digits:
        num_classes = self._num_classes()
        last_row = FIRST_LABEL_ROW + max(num_classes, 1) - 1
        last_column = max(self._columns_of_samples(last_row), default=0)
        if last_column == 0:
            raise InputError(f"{self._where('L5')}: blank; expected the first sample to start here")
        if num_classes < 2:
            raise InputError(
                f"{self._where('L11')}: expected one-hot label rows from here down, for at least"
                f" 2 classes, found {num_classes}"
            )
        starts = range(FIRST_COLUMN, last_column + 1, SIZE)
        self._check_formulas(starts, num_classes)
        pixels = [[self._pixel(*place, pixel_max) for place in _pixels(start)] for start in starts]
        labels = [self._label(start, num_classes) for start in starts]
        images = np.array(pixels, dtype=np.float64).reshape(-1, SIZE, SIZE) / pixel_max
        return Digits(images, np.array(labels, dtype=np.int64), num_classes)

    def _num_classes(self) -> int:
        """Count the rows below the pixels in which any sample's first column holds something."""
        count = 0
        while any(map(_is_start, self.rows.get(FIRST_LABEL_ROW + count, {}))):
            count += 1
        return count

    def _columns_of_samples(self, last_row: int) -> Iterator[int]:
        for row in range(FIRST_PIXEL_ROW, last_row + 1):
            yield from (column for column in self.rows.get(row, {}) if column >= FIRST_COLUMN)

    def _check_formulas(self, starts: range, num_classes: int) -> None:
        """Refuse formulas that no program has computed: a 0 is stored with them.

        XlsxWriter, for one, writes them so, and asks the program that opens the workbook to compute
        it. Then the formulas of a sample's pixels, or of its label, are refused if all are 0.
        Without that request they are refused only if they are the whole image, or the whole label.
        Other zeros may be right.
        """
        refused = []
        for start in starts:
            for places in (_pixels(start), _one_hot(start, num_classes)):
                cells = {place: self._cell(*place) for place in places}
                formulas = [place for place, cell in cells.items() if cell and cell.formula]
                if len(formulas) < len(cells) and not self.book.computes_on_load:
                    continue
                if all(self.book.number(cells[place]) == 0 for place in formulas):
                    refused += formulas
        if refused:
            names = [address(*place) for place in refused[:3]]
            more = f" and {len(refused) - 3} more" if len(refused) > 3 else ""
            raise InputError(
                f"{self._where(', '.join(names) + more, 'cells')}: expected computed values, found"
                " formulas with a 0 that no program seems to have computed; open the file in a"
                " spreadsheet program and save it, or put numbers in place of the formulas"
            )

    def _pixel(self, row: int, column: int, pixel_max: float) -> float:
        value = self.book.number(self._cell(row, column))
        if value is None or not 0 <= value <= pixel_max:
            raise InputError(
                f"{self._where(address(row, column))}: expected a pixel from 0 to {pixel_max:g}"
                f" (convert.pixel_max), found {self._what_is_at(row, column)}"
            )
        return value

    def _label(self, column: int, num_classes: int) -> int:
        places = _one_hot(column, num_classes)
        values = [self.book.number(self._cell(*place)) for place in places]
        if values.count(1) != 1 or values.count(0) != num_classes - 1:
            found = ", ".join(self._what_is_at(*place) for place in places)
            cells = f"{address(*places[0])}:{address(*places[-1])}"
            raise InputError(
                f"{self._where(cells, 'cells')}: expected a one-hot label, one 1 and otherwise 0,"
                f" found {found}"
            )
        return values.index(1) + 1

    def _where(self, cells: str, noun: str = "cell") -> str:
        return f"{self.file}, sheet {self.name!r}, {noun} {cells}"

    def _cell(self, row: int, column: int) -> Cell | None:
        return self.rows.get(row, {}).get(column)

    def _what_is_at(self, row: int, column: int) -> str:
        return self.book.what(self._cell(row, column))


def _pixels(start: int) -> list[tuple[int, int]]:
    """Return the places (row, column) of a sample's pixels, row by row, from its first column."""
    return [
        (FIRST_PIXEL_ROW + row, start + column) for row in range(SIZE) for column in range(SIZE)
    ]


def _one_hot(start: int, num_classes: int) -> list[tuple[int, int]]:
    """Return the places (row, column) of a sample's label, from its first column."""
    return [(FIRST_LABEL_ROW + k, start) for k in range(num_classes)]
