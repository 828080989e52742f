"""Small workbooks in the published layout, and ways to spoil single cells of them.

The places of the cells are spelled out here again, independently of the code that reads them.
"""

import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
from openpyxl.utils import get_column_letter

SHEETS = ("Data", "Test")
FIRST_SHEET = "xl/worksheets/sheet1.xml"
SECOND_SHEET = "xl/worksheets/sheet2.xml"

# What Excel adds for data bars or icons; openpyxl warns that it does not know it.
UNKNOWN_EXTENSION = (
    '<extLst><ext xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"'
    ' uri="{78C0D931-6437-407d-A8EE-F0AAD7539E65}"><x14:conditionalFormattings/></ext></extLst>'
)

WholeNumbers = np.ndarray[Any, np.dtype[np.int64]]


def grays(samples: int, place: int = 0) -> WholeNumbers:
    """Return (samples, 6, 6) gray values 0..255, for the sheet at that place in the workbook.

    The pixels of an image differ from each other, and neighbouring images differ too.
    """
    first = 40 * np.arange(samples, dtype=np.int64) + 13 * place
    return (first[:, None, None] + 7 * np.arange(36, dtype=np.int64).reshape(6, 6)) % 256


def labels(samples: int, classes: int = 3) -> WholeNumbers:
    """Return the class indices of a sheet's samples: 0, 1, ..., classes - 1, 0, 1, ..."""
    return np.arange(samples, dtype=np.int64) % classes


def address(row: int, column: int) -> str:
    """Return the name of a cell: (5, 12) -> 'L5'."""
    return f"{get_column_letter(column)}{row}"


def write_workbook(
    file: Path,
    *,
    samples: int = 6,
    classes: int = 3,
    sheets: Sequence[str] = SHEETS,
    pixels: Mapping[int, float] | None = None,
    cells: Mapping[str, Any] | None = None,
) -> Path:
    """Write a valid workbook, then change single cells of it; return its path.

    Args:
        file: where.
        samples: how many, on each sheet.
        classes: how many one-hot rows.
        sheets: the names of the sheets.
        pixels: what to write for a gray value, where that is not the gray value itself.
        cells: what to put at "L5", of the first sheet, or "Test!L5", of a named one; None: blank.
    """
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for place, name in enumerate(sheets):
        sheet = book.create_sheet(name)
        for i, image in enumerate(grays(samples, place).tolist()):
            for row in range(6):
                for column in range(6):
                    gray = image[row][column]
                    value = gray if pixels is None else pixels[gray]
                    sheet.cell(5 + row, 12 + 6 * i + column, value)
            for k in range(classes):
                sheet.cell(11 + k, 12 + 6 * i, int(labels(samples, classes)[i] == k))
    for cell, value in (cells or {}).items():
        name, _, where = cell.rpartition("!")
        book[name or sheets[0]][where].value = value
    book.save(file)
    return file


def patch_cell(file: Path, cell: str, xml: str) -> Path:
    """Replace a cell of the first sheet by XML that openpyxl itself would not write."""
    return patch_sheet(file, rf'<c r="{cell}"[^>]*?(/>|>.*?</c>)', xml)


def patch_sheet(file: Path, pattern: str, xml: str, part: str = FIRST_SHEET) -> Path:
    """Replace what matches, once, in the XML of a part of the workbook; return its path."""
    members = read_zip(file)
    text, count = re.subn(pattern, lambda _: xml, members[part].decode())
    assert count == 1, f"{pattern} matches {count} times in {part}"
    return write_zip(file, members | {part: text.encode()})


def compute_nothing_on_load(file: Path) -> Path:
    """Take back the wish, which openpyxl always writes, that opening computes all formulas."""
    return patch_sheet(file, ' fullCalcOnLoad="1"', "", "xl/workbook.xml")


def read_zip(file: Path) -> dict[str, bytes]:
    """Return the contents of a zip by their names."""
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_zip(file: Path, members: Mapping[str, bytes]) -> Path:
    """Write a zip of the named contents; return its path."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def sheet_of_images(
    file: Path, sheet: str, images: np.ndarray[Any, Any], labels: Sequence[int] | None
) -> None:
    """Write images (N, 1, H, W) to one sheet, with one-hot labels below or without any."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    cells = book.create_sheet(sheet)
    _, _, height, width = images.shape
    for n, image in enumerate(images[:, 0]):
        for (i, j), value in np.ndenumerate(image):
            cells.cell(5 + i, 12 + n * width + j, value)
        if labels is not None:
            for k in range(3):
                cells.cell(5 + height + k, 12 + n * width, int(labels[n] == k))
    book.save(file)
