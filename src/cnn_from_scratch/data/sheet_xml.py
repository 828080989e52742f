"""The XML of a worksheet, read row by row, and no further than the rows that are used.

Source: ECMA-376, part 1, section 18.3 (SpreadsheetML worksheets).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import IO, cast
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from cnn_from_scratch import InputError

_CHUNK = 2**16  # bytes
_LARGEST_PIECE = 2**24  # bytes; hundreds of times what a cell can hold

_ADDRESS = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,9})", re.IGNORECASE)

# A row's number, or if the row has none that of its first cell; names may have a prefix, as x:row.
_ROW = re.compile(
    rb"<(?:[^<>\s:]+:)?row(?=[\s>])[^<]*?"
    rb"""(?:\sr\s*=\s*["']|<(?:[^<>\s:]+:)?c\s(?:[^<]*?\s)?r\s*=\s*["'][A-Za-z]+)([0-9]+)"""
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that is not blank.

    kind: n (a number), s (the index of a shared string), b (a truth value), e (an error), or a kind
    of text. text: the stored value; None beside a formula that was stored without one. style: the
    index of its format. formula: whether the value is what a formula gave.
    """

    kind: str
    text: str | None
    style: int
    formula: bool


Rows = dict[int, dict[int, Cell]]  # row number -> column number -> cell, both from 1


def read_rows(stream: IO[bytes], where: str, is_used: Callable[[Rows, int], bool]) -> Rows:
    """Return the rows of a worksheet before the first that is not used.

    is_used is asked, with the rows so far, whether the row of some number is used. A cell without
    an address follows the one before; a row without a number has that of its first cell, or else
    the next. Raises InputError, beginning with `where`, if a used row comes after a later one, or
    two cells have one address; ParseError or ValueError if the XML is damaged.
    """
    reader = _Reader(where, is_used)
    for piece in _pieces(stream):
        reader.feed(piece)
    return reader.close()


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the XML in pieces that part no row's tag from itself or from that of its first cell."""
    text = b""
    while chunk := stream.read(_CHUNK):
        text += chunk
        end = max(text.rfind(b"</"), text.rfind(b"/>") + 2)
        if end >= 2:
            yield text[:end]
            text = text[end:]
        if len(text) > _LARGEST_PIECE:
            raise ValueError(f"no element ends within {_LARGEST_PIECE} bytes")
    yield text


def address(row: int, column: int) -> str:
    """Return the name of a cell: (5, 12) -> 'L5'."""
    letters = ""
    while column > 0:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row}"


def cell_place(name: str) -> tuple[int, int] | None:
    """Return the row and column of a cell: 'L5' -> (5, 12); None if that is no name of a cell."""
    match = _ADDRESS.fullmatch(name)
    return None if match is None else (int(match[2]), _column_number(match[1]))


@cache
def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - ord("A") + 1
    return number


def local_name(element: Element) -> str:
    """Return an element's name without its namespace, which differs in Strict Open XML."""
    return element.tag.rpartition("}")[2]


class _Reader:
    def __init__(self, where: str, is_used: Callable[[Rows, int], bool]):
        self._where = where
        self._is_used = is_used
        self._parser: ElementTree.XMLPullParser[Element] = ElementTree.XMLPullParser(
            ("start", "end")
        )
        self._rows: Rows = {}
        self._end: int | None = None  # once they are over, the last row that was looked at
        self._row: Element | None = None  # the latest
        self._is_numbered = True  # whether its number is known by now
        self._number = 0
        self._columns: set[int] = set()  # of its cells, blank ones included
        self._column = 0  # of the latest cell
        self._ranges: list[str] = []  # of formulas that fill more cells than their own

    def feed(self, piece: bytes) -> None:
        """Parse a piece of XML; once the used rows are over, only look for late ones."""
        if self._end is None:
            self._parser.feed(piece)
            events = cast(Iterator[tuple[str, Element]], self._parser.read_events())
            for event, element in events:
                self._take(event, element)
        else:
            for match in _ROW.finditer(piece):
                if int(match[1]) <= self._end:
                    raise self._error(f"row {int(match[1])} after row {self._end}")

    def close(self) -> Rows:
        """Return the used rows, without blank cells."""
        if self._end is None:
            self._parser.close()
        for name in self._ranges:
            self._mark_formulas(name)
        return self._rows

    def _take(self, event: str, element: Element) -> None:
        name = local_name(element)
        if name == "c":
            if event == "end" and self._row is not None:
                self._take_cell(element)
                self._row.clear()  # of cells that are done with, else they would fill the memory
        elif name == "row" and event == "start":
            self._row, self._is_numbered, self._column = element, False, 0
            if "r" in element.attrib:
                self._number_row(None)
        elif name == "row":
            self._number_row(None)
        elif name == "sheetData" and event == "end" and self._end is None:
            self._end = self._number

    def _number_row(self, by_cell: int | None) -> None:
        """Give the latest row its number: its own, that of its first cell, or the next."""
        if self._is_numbered or self._row is None:
            return
        own = self._row.get("r")
        if own is not None and not re.fullmatch("[0-9]{1,10}", own):
            raise self._error(f"a row with the number {own!r}")
        number = int(own) if own is not None else by_cell or self._number + 1
        before = self._number if self._end is None else self._end
        if number <= before:
            raise self._error(f"row {number} after row {before}")
        self._is_numbered, self._number, self._columns = True, number, set()
        if self._end is None and self._is_used(self._rows, number):
            self._rows[number] = {}
        elif self._end is None:
            self._end = number

    def _take_cell(self, element: Element) -> None:
        if self._end is not None and self._is_numbered:
            return
        name = element.get("r")
        row, column = self._place(name) if name is not None else (None, self._column + 1)
        self._number_row(row)
        if self._end is not None:
            return
        if row not in (None, self._number):
            raise self._error(f"a cell {name} in row {self._number}")
        if column in self._columns:
            raise self._error(f"two cells {address(self._number, column)}")
        self._columns.add(column)
        self._column = column
        cell = self._cell(element)
        if cell.text is not None or cell.formula:
            self._rows[self._number][column] = cell

    def _cell(self, element: Element) -> Cell:
        text, formula = None, False
        for child in element:
            name = local_name(child)
            if name == "v":
                text = child.text
            elif name == "is":
                text = "".join(part.text or "" for part in child.iter() if local_name(part) == "t")
            elif name == "f":
                formula = True
                if child.get("t") in ("array", "dataTable") and "ref" in child.attrib:
                    self._ranges.append(child.attrib["ref"])
        style = element.get("s", "0")
        return Cell(element.get("t", "n"), text, int(style) if style.isdecimal() else 0, formula)

    def _mark_formulas(self, cells: str) -> None:
        """Note that a formula gave the values of all cells of a range, such as 'L5:Q10'."""
        first, _, last = cells.partition(":")
        (top, left), (bottom, right) = self._place(first), self._place(last or first)
        for number, row in self._rows.items():
            for column, cell in row.items():
                if top <= number <= bottom and left <= column <= right:
                    row[column] = replace(cell, formula=True)

    def _place(self, name: str) -> tuple[int, int]:
        found = cell_place(name)
        if found is None:
            raise self._error(f"a cell with the address {name!r}")
        return found

    def _error(self, found: str) -> InputError:
        return InputError(
            f"{self._where}: expected rows and cells in order, each once, found {found};"
            " save the file anew as .xlsx"
        )
