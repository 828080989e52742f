"""The .xlsx file: a zip of XML parts, of which only those are read that the cells in use need.

Spreadsheet libraries read much that does not matter for the cells' values, and fail if it is odd.
They also don't tell which values a formula gave. This reader knows only cells, in all files that
spreadsheet programs open: "Strict Open XML", part names in another case or with backslashes, odd
styles.

Source: ECMA-376, part 1, section 18 (SpreadsheetML), and part 2 (packages).
"""

import lzma
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from cnn_from_scratch import InputError
from cnn_from_scratch.data.sheet_xml import Cell, Rows, local_name, read_rows

_OLE2_SIGNATURE = bytes.fromhex("d0cf11e0a1b11ae1")  # encrypted .xlsx, and .xls
_LARGEST_PART = 2**26  # bytes; what is read at once: all parts but worksheets and texts

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.ASCII | re.IGNORECASE)
_BUILT_IN_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_NO_DATE_CODE = re.compile(r'"[^"]*"|[\\_*].|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)

_DAMAGE = (  # what a file that is not as it should be raises, in zip, compression and XML
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    ElementTree.ParseError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)


@contextmanager
def open_xlsx(file: Path) -> Iterator["Xlsx"]:
    """Open a workbook. Raises InputError, naming the file, if it is none or its list is damaged."""
    try:
        stream = file.open("rb")
    except FileNotFoundError as error:
        raise InputError(f"{file}: not found; expected an .xlsx workbook") from error
    except OSError as error:
        raise _unreadable(file, "it", error) from error
    with stream:
        if stream.read(len(_OLE2_SIGNATURE)) == _OLE2_SIGNATURE:
            raise InputError(f"{file}: is encrypted, or an old .xls; expected a plain .xlsx")
        try:
            archive = zipfile.ZipFile(stream)
        except _DAMAGE as error:
            raise _unreadable(file, "it", error) from error
        with archive:
            yield Xlsx(file, archive)


class Xlsx:
    """An open workbook.

    sheets: the part of each worksheet, by its name, in order. computes_on_load: whether the
    workbook asks the program that opens it to compute all formulas. All methods raise InputError,
    naming the file and the part at fault.
    """

    def __init__(self, file: Path, archive: zipfile.ZipFile):
        self._file = file
        self._archive = archive
        infos = {info.filename.replace("\\", "/").lstrip("/"): info for info in archive.infolist()}
        self._parts = {name.casefold(): info for name, info in infos.items()} | infos
        book = next(iter(self._related("", "officeDocument").values()), "xl/workbook.xml")
        self._strings = next(iter(self._related(book, "sharedStrings").values()), None)
        self._styles = next(iter(self._related(book, "styles").values()), None)
        worksheets = self._related(book, "worksheet")
        root = self._xml(book)
        self.sheets: dict[str, str] = {}
        for sheet in root.iterfind("{*}sheets/{*}sheet"):
            ids = [value for key, value in sheet.items() if key.endswith("/relationships}id")]
            if ids and ids[0] in worksheets:
                self.sheets[sheet.get("name", "")] = worksheets[ids[0]]
        calculation = root.find("{*}calcPr")
        asked = "0" if calculation is None else calculation.get("fullCalcOnLoad", "0")
        self.computes_on_load = asked in ("1", "true")

    def rows(self, sheet: str, is_used: Callable[[Rows, int], bool]) -> Rows:
        """Return the rows of a sheet that are used; see `read_rows`."""
        part = self.sheets[sheet]
        with self._open(part) as stream:
            return read_rows(stream, f"{self._file}, sheet {sheet!r}", is_used)

    def number(self, cell: Cell | None) -> float | None:
        """Return the number that a cell holds, or None if it is blank or holds anything else."""
        if cell is None or cell.kind != "n" or cell.text is None:
            return None
        text = cell.text.strip()
        if not _NUMBER.fullmatch(text) or cell.style in self._date_styles:
            return None
        return float(text)

    def what(self, cell: Cell | None) -> str:
        """Return what a cell holds in words, for a message."""
        if cell is None:
            return "blank"
        if cell.text is None:
            return "a formula without a stored value"
        if (number := self.number(cell)) is not None:
            return repr(number).removesuffix(".0")
        if cell.kind == "n" and cell.style in self._date_styles:
            return f"{cell.text}, formatted as a date or time"
        if cell.kind == "b":
            return str(cell.text.strip() in ("1", "true"))
        return repr(self._shared_string(cell.text) if cell.kind == "s" else cell.text)

    @cached_property
    def _date_styles(self) -> frozenset[int]:
        """The indices of the cell formats that show a number as a date or time."""
        if self._styles is None:
            return frozenset()
        root = self._xml(self._styles)
        dates = {str(number) for number in _BUILT_IN_DATES}
        for code in root.iterfind("{*}numFmts/{*}numFmt"):
            shown = _NO_DATE_CODE.sub("", code.get("formatCode", "").partition(";")[0])
            if re.search("[dmyhs]", shown, re.IGNORECASE):
                dates.add(code.get("numFmtId", ""))
        formats = root.iterfind("{*}cellXfs/{*}xf")
        return frozenset(i for i, xf in enumerate(formats) if xf.get("numFmtId") in dates)

    def _shared_string(self, index: str) -> str:
        """Return a text of the table that all sheets share, reading no further than to it."""
        if self._strings is None or not index.isdecimal():
            return index
        count = 0
        with self._open(self._strings) as stream:
            for _, element in ElementTree.iterparse(stream):
                if local_name(element) == "si":
                    if count == int(index):
                        texts = (t.text or "" for t in element.iter() if local_name(t) == "t")
                        return "".join(texts)
                    count += 1
                    element.clear()
        return index

    def _related(self, part: str, kind: str) -> dict[str, str]:
        """Return the parts of some kind that a part (or '', the file) refers to, by their ids."""
        folder, name = posixpath.split(part)
        related = {}
        for entry in self._xml(posixpath.join(folder, "_rels", f"{name}.rels")):
            if entry.get("Type", "").endswith(f"/{kind}"):
                target = entry.get("Target", "").replace("\\", "/")
                path = posixpath.normpath(posixpath.join("/", folder, target))
                related[entry.get("Id", "")] = path.lstrip("/")
        return related

    def _xml(self, part: str) -> ElementTree.Element:
        with self._open(part, _LARGEST_PART) as stream:
            return ElementTree.fromstring(stream.read())

    @contextmanager
    def _open(self, part: str, largest: float = float("inf")) -> Iterator[IO[bytes]]:
        """Open a part, and name it if what is done with it fails."""
        try:
            info = self._parts.get(part) or self._parts.get(part.casefold())
            if info is None:
                raise ValueError("the file has no such part")
            if info.file_size > largest:
                raise ValueError(f"larger than {largest} bytes")
            with self._archive.open(info) as stream:
                yield stream
        except _DAMAGE as error:
            raise _unreadable(self._file, part, error) from error


def _unreadable(file: Path, part: str, error: Exception) -> InputError:
    reason = " ".join(str(error).split()) or type(error).__name__
    anew = "" if part == "it" else "; save it anew as .xlsx in a spreadsheet program"
    return InputError(f"{file}: expected an .xlsx workbook, cannot read {part}: {reason}{anew}")
