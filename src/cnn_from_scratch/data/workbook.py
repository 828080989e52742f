"""The workbook: an Excel sheet of handwritten digits, read cell by cell and checked.

The samples stand side by side, from the first cell on: with 6x6 pixels from L5 on, sample 0 in the
columns L..Q, sample 1 in R..W, and so on, and the pixels of all in rows 5-10. The rows below hold,
in a sample's first column, its one-hot label: row 11 is 1 for class 1, row 12 for class 2, and so
on. Other cells are ignored.

Source: Lee 2025, "CNN-from-Scratch", whose workbook has three classes and 96 samples.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

from cnn_from_scratch import InputError
from cnn_from_scratch.checks import AT_LEAST_1, POSITIVE, Checked
from cnn_from_scratch.data.sheet_xml import Cell, Rows, address, cell_place
from cnn_from_scratch.data.xlsx import Xlsx, open_xlsx
from cnn_from_scratch.experiment.dataset import Dataset, Images, Labels


@dataclass(frozen=True)
class Workbook(Checked):
    """`convert.source` named workbook.

    path: the file. sheet: the samples to train and validate on. test_sheet: samples never trained
    on; None: none. pixel_max: the cell value of a full pixel. first_cell: the top left pixel of the
    first sample. height, width: of the samples, in pixels.
    """

    path: str
    sheet: str
    test_sheet: str | None
    pixel_max: Annotated[float, POSITIVE]
    first_cell: str = "L5"
    height: Annotated[int, AT_LEAST_1] = 6
    width: Annotated[int, AT_LEAST_1] = 6

    def __post_init__(self) -> None:
        super().__post_init__()
        if cell_place(self.first_cell) is None:
            raise ValueError(f"first_cell: expected a cell such as L5, got {self.first_cell!r}")
        if self.test_sheet == self.sheet:
            raise ValueError(f"test_sheet: expected another sheet than {self.sheet!r}")

    def read(self) -> Dataset:
        """Return the samples: X (N, 1, H, W) float64 in 0..1, classes called 1 to K.

        Raises InputError, naming file, sheet and cell, if the file is no readable workbook, a sheet
        is missing or empty, a pixel is not a number in 0..pixel_max, a label is not one-hot, no
        program has computed the formulas, or the two sheets have different classes.
        """
        file = Path(self.path)
        with open_xlsx(file) as book:
            _check_names(
                file, list(book.sheets), {"sheet": self.sheet, "test_sheet": self.test_sheet}
            )
            digits = self._read_sheet(file, book, self.sheet)
            names = tuple(str(k + 1) for k in range(digits.num_classes))
            if self.test_sheet is None:
                return Dataset(digits.images, digits.labels, names)
            test = self._read_sheet(file, book, self.test_sheet)
        if test.num_classes != digits.num_classes:
            raise InputError(
                f"{file}: sheet {self.test_sheet!r} declares {test.num_classes} classes,"
                f" sheet {self.sheet!r} {digits.num_classes}; expected the same"
            )
        return Dataset(digits.images, digits.labels, names, test.images, test.labels)

    def read_images(self) -> tuple[Images, list[str]]:
        """Return the images of `sheet`, as `read` does, and their first cells; no label is read.

        Raises InputError, as `read` does.
        """
        file = Path(self.path)
        with open_xlsx(file) as book:
            _check_names(file, list(book.sheets), {"sheet": self.sheet})
            sheet = self._sheet(file, book, self.sheet)
            starts = sheet.starts()
            sheet.check_formulas(sheet.layout.pixels(start) for start in starts)
            cells = [address(sheet.layout.row, start) for start in starts]
            return sheet.images(starts, self.pixel_max), cells

    def _read_sheet(self, file: Path, book: Xlsx, name: str) -> "_Digits":
        return self._sheet(file, book, name).read(self.pixel_max)

    def _sheet(self, file: Path, book: Xlsx, name: str) -> "_Sheet":
        row, column = cell_place(self.first_cell) or (0, 0)  # the check leaves no None
        layout = _Layout(row, column, self.height, self.width)
        return _Sheet(file, name, layout, book, book.rows(name, layout.is_used))


@dataclass(frozen=True)
class _Digits:
    """The samples of a sheet: images (N, 1, H, W) in 0..1, class indices (N,)."""

    images: Images
    labels: Labels
    num_classes: int


def _check_names(file: Path, found: list[str], wanted: dict[str, str | None]) -> None:
    for key, name in wanted.items():
        if name is None or name in found:
            continue
        expected = f"{file}: expected a sheet {name!r} (convert.source.{key})"
        for other in found:
            if _squeezed(other) == _squeezed(name):
                raise InputError(f"{expected}, found a sheet {other!r}; is that it?")
        none = "; null means none" if key == "test_sheet" else ""
        raise InputError(f"{expected}, found {', '.join(map(repr, found)) or 'none'}{none}")


def _squeezed(name: str) -> str:
    return "".join(name.split()).casefold()


@dataclass(frozen=True)
class _Layout:
    """Where samples stand on a sheet: the row and column of the first pixel, and their size."""

    row: int
    column: int
    height: int
    width: int

    @property
    def label_row(self) -> int:
        """The first row of the labels."""
        return self.row + self.height

    def is_used(self, rows: Rows, number: int) -> bool:
        """Whether a row may hold pixels or labels: the label rows end where one has none."""
        above = rows.get(number - 1, {})
        return number <= self.label_row or any(self.is_start(column) for column in above)

    def is_start(self, column: int) -> bool:
        """Whether it is the first column of a sample."""
        return column >= self.column and (column - self.column) % self.width == 0

    def pixels(self, start: int) -> list[tuple[int, int]]:
        """Return the places (row, column) of a sample's pixels, row by row, from its column."""
        return [
            (self.row + row, start + column)
            for row in range(self.height)
            for column in range(self.width)
        ]

    def one_hot(self, start: int, num_classes: int) -> list[tuple[int, int]]:
        """Return the places (row, column) of a sample's label, from its first column."""
        return [(self.label_row + k, start) for k in range(num_classes)]


@dataclass(frozen=True)
class _Sheet:
    """One sheet of the file, on its way to arrays."""

    file: Path
    name: str
    layout: _Layout
    book: Xlsx
    rows: Rows

    def read(self, pixel_max: float) -> _Digits:
        layout, num_classes = self.layout, self._num_classes()
        starts = self.starts()
        if num_classes < 2:
            first = self._where(address(layout.label_row, layout.column))
            raise InputError(
                f"{first}: expected one-hot label rows from here down, for at least 2 classes,"
                f" found {num_classes}"
            )
        self.check_formulas(
            part
            for start in starts
            for part in (layout.pixels(start), layout.one_hot(start, num_classes))
        )
        images = self.images(starts, pixel_max)
        labels = [self._label(start, num_classes) for start in starts]
        return _Digits(images, np.array(labels, dtype=np.int64), num_classes)

    def starts(self) -> range:
        """Return the first column of every sample. Raises InputError if there is none."""
        layout = self.layout
        last_row = layout.label_row + max(self._num_classes(), 1) - 1
        last_column = max(self._columns_of_samples(last_row), default=0)
        if last_column == 0:
            first = self._where(address(layout.row, layout.column))
            raise InputError(f"{first}: blank; expected the first sample to start here")
        return range(layout.column, last_column + 1, layout.width)

    def images(self, starts: range, pixel_max: float) -> Images:
        """Return the samples' images, (N, 1, H, W) in 0..1. Raises InputError."""
        layout = self.layout
        pixels = [
            [self._pixel(*place, pixel_max) for place in layout.pixels(start)] for start in starts
        ]
        shape = (-1, 1, layout.height, layout.width)
        return np.array(pixels, dtype=np.float64).reshape(shape) / pixel_max

    def _num_classes(self) -> int:
        """Count the rows below the pixels in which any sample's first column holds something."""
        count = 0
        while any(map(self.layout.is_start, self.rows.get(self.layout.label_row + count, {}))):
            count += 1
        return count

    def _columns_of_samples(self, last_row: int) -> Iterator[int]:
        for row in range(self.layout.row, last_row + 1):
            columns = self.rows.get(row, {})
            yield from (column for column in columns if column >= self.layout.column)

    def check_formulas(self, parts: Iterable[list[tuple[int, int]]]) -> None:
        """Refuse formulas that no program has computed: a 0 is stored with them.

        XlsxWriter, for one, writes them so, and asks the program that opens the workbook to compute
        it. Then the formulas of a sample's pixels, or of its label, are refused if all are 0.
        Without that request they are refused only if they are the whole image, or the whole label.
        Other zeros may be right. parts: the places of each image, or of each label.
        """
        refused = []
        for places in parts:
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
                f" (convert.source.pixel_max), found {self._what_is_at(row, column)}"
            )
        return value

    def _label(self, column: int, num_classes: int) -> int:
        places = self.layout.one_hot(column, num_classes)
        values = [self.book.number(self._cell(*place)) for place in places]
        if values.count(1) != 1 or values.count(0) != num_classes - 1:
            found = ", ".join(self._what_is_at(*place) for place in places)
            cells = f"{address(*places[0])}:{address(*places[-1])}"
            raise InputError(
                f"{self._where(cells, 'cells')}: expected a one-hot label, one 1 and otherwise 0,"
                f" found {found}"
            )
        return values.index(1)

    def _where(self, cells: str, noun: str = "cell") -> str:
        return f"{self.file}, sheet {self.name!r}, {noun} {cells}"

    def _cell(self, row: int, column: int) -> Cell | None:
        return self.rows.get(row, {}).get(column)

    def _what_is_at(self, row: int, column: int) -> str:
        return self.book.what(self._cell(row, column))
