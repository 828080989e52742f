"""The order and addresses of rows and cells, as programs and hands write them."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_from_scratch import InputError
from cnn_from_scratch.data.sheet_xml import Rows, address, read_rows
from tests.data.test_workbook import assert_holds, read_workbook
from tests.workbooks import (
    FIRST_SHEET,
    patch_cell,
    patch_sheet,
    read_zip,
    write_workbook,
    write_zip,
)

CELL = re.compile(r"<c [^>]*?(?:/>|>.*?</c>)")
ROW = re.compile(r"(<row [^>]*>)(.*?)</row>")


def sheet(*rows: str) -> str:
    return f'<worksheet xmlns="s"><sheetData>{"".join(rows)}</sheetData></worksheet>'


def texts(tmp_path: Path, xml: str, used: int = 99) -> dict[str, str | None]:
    """Return what `read_rows` reads of the rows up to `used`: address -> text."""
    (tmp_path / "sheet.xml").write_text(xml, encoding="utf-8")
    with (tmp_path / "sheet.xml").open("rb") as stream:
        rows: Rows = read_rows(stream, "here", lambda _, number: number <= used)
    return {address(r, c): cell.text for r, row in rows.items() for c, cell in row.items()}


def c(name: str, value: int) -> str:
    return f'<c r="{name}"><v>{value}</v></c>'


READ = {
    "in order": (['<row r="2">', c("B2", 1), c("D2", 2), "</row>"], {"B2": "1", "D2": "2"}),
    "cells out of order": (
        ['<row r="2">', c("D2", 2), c("B2", 1), "</row>"],
        {"B2": "1", "D2": "2"},
    ),
    "no addresses": (
        ["<row><c><v>1</v></c><c/><c><v>2</v></c></row><row/><row><c><v>3</v></c></row>"],
        {"A1": "1", "C1": "2", "A3": "3"},
    ),
    "the next after one with an address": (
        ['<row r="4">', c("F4", 1), "<c><v>2</v></c></row><row><c><v>3</v></c></row>"],
        {"F4": "1", "G4": "2", "A5": "3"},
    ),
    "a row that only its cells number": (
        ["<row>", c("B7", 1), "</row><row>", c("C9", 2), "</row>"],
        {"B7": "1", "C9": "2"},
    ),
    "small letters": (['<row r="1">', c("ab1", 1), "</row>"], {"AB1": "1"}),
    "the last cell that there is": (
        ['<row r="98">', c("XFD98", 1), "</row>"],
        {"XFD98": "1"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "expected"), READ.values(), ids=READ)
def test_read_as_spreadsheet_programs_do(
    rows: list[str], expected: dict[str, str], tmp_path: Path
) -> None:
    assert texts(tmp_path, sheet(*rows)) == expected


REFUSED = {
    "a cell twice": (['<row r="2">', c("B2", 1), c("B2", 1), "</row>"], "two cells B2"),
    "a blank cell twice": (['<row r="2"><c r="B2"/>', c("B2", 1), "</row>"], "two cells B2"),
    "a cell twice, once without an address": (
        ['<row r="2">', c("B2", 1), c("A2", 1), "<c><v>3</v></c></row>"],
        "two cells B2",
    ),
    "a row twice": (['<row r="2"></row><row r="2">', c("B2", 1), "</row>"], "row 2 after row 2"),
    "rows out of order": (['<row r="3"></row><row r="2"></row>'], "row 2 after row 3"),
    "a cell of another row": (['<row r="2">', c("B3", 1), "</row>"], "a cell B3 in row 2"),
    "cells of two rows in one without a number": (
        ["<row>", c("B2", 1), c("B3", 1), "</row>"],
        "a cell B3 in row 2",
    ),
    "a row of its number in words": (['<row r="two"></row>'], "a row with the number 'two'"),
    "a row 0": (['<row r="0"></row>'], "row 0 after row 0"),
    "a cell of no address": (['<row r="2">', c("$B$2", 1), "</row>"], "the address '$B$2'"),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "found"), REFUSED.values(), ids=REFUSED)
def test_refused(rows: list[str], found: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        texts(tmp_path, sheet(*rows))
    message = str(caught.value)
    assert message.startswith("here: expected rows and cells in order, each once, found ")
    assert found in message


# Behind so many bytes of them the XML is no longer parsed.
MANY_BLANK = "".join(f'<row r="{r}"><c r="A{r}" s="1"/></row>' for r in range(10, 10_000))


@pytest.mark.parametrize(
    "late",
    [
        '<row r="2147483647"><c r="A2147483647"><v>1</v></c></row>',
        '<row r="4294967299"><c r="ZZZZZZZZ4294967299"><v>1</v></c></row>',
        '<row r="10001"><c r="B10001"><v>1</v></c><c r="B10001"><v>1</v></c></row>',
        '<row r="10001"/><row r="10003"/><row r="10002"/>',
    ],
)
@pytest.mark.parametrize("before", ["", MANY_BLANK], ids=["close by", "far below"])
def test_rows_below_the_used_ones_do_not_matter(late: str, before: str, tmp_path: Path) -> None:
    xml = sheet('<row r="2">', c("B2", 1), "</row>", before, late)
    assert texts(tmp_path, xml, used=5) == {"B2": "1"}


def test_far_below_the_used_rows_it_need_not_even_be_xml(tmp_path: Path) -> None:
    xml = sheet('<row r="2">', c("B2", 1), "</row>", MANY_BLANK, "&unknown; <")
    assert texts(tmp_path, xml, used=5) == {"B2": "1"}


@pytest.mark.parametrize(
    ("late", "number"),
    [
        ('<row r="4">' + c("B4", 1) + "</row>", 4),
        ("<row spans='1:2' r='4'>" + c("B4", 1) + "</row>", 4),
        ("<row>" + c("B4", 1) + "</row>", 4),
        ('<row ht="15"> <c s="1" r="B4"/></row>', 4),
        ('<x:row r="4"><x:c r="B4"><x:v>1</x:v></x:c></x:row>', 4),
        ('<row r="2">' + c("B2", 3) + "</row>", 2),
    ],
)
@pytest.mark.parametrize("before", ['<row r="10"/>', MANY_BLANK], ids=["close by", "far below"])
def test_a_used_row_below_the_others_is_found(
    late: str, number: int, before: str, tmp_path: Path
) -> None:
    xml = sheet('<row r="2">', c("B2", 1), "</row>", before, late)
    with pytest.raises(InputError, match=rf"found row {number} after row \d+;"):
        texts(tmp_path, xml.replace("<worksheet", '<worksheet xmlns:x="s"'), used=5)


@pytest.mark.parametrize("shift", range(0, 60, 7))
def test_a_late_row_is_found_wherever_the_pieces_end(shift: int, tmp_path: Path) -> None:
    """The stream is read in pieces of 65,536 bytes; the late row stands across such a place."""
    late = '<row spans="1:2" r="4"><c r="B4"/></row>'
    start = sheet('<row r="2">', c("B2", 1), "</row>", MANY_BLANK, "|").partition("|")[0]
    end = 2**16 * (len(start) // 2**16 + 2)
    fill = '<row r="10001"/>'
    start += fill
    start += " " * (end - len(start) - shift)
    assert len(start) == end - shift
    with pytest.raises(InputError, match="found row 4 after row"):
        texts(tmp_path, start + late + "</sheetData></worksheet>", used=5)


def test_a_truncated_sheet_is_no_sheet(tmp_path: Path) -> None:
    with pytest.raises(SyntaxError):
        texts(tmp_path, '<worksheet><sheetData><row r="2">')


def test_a_sheet_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no element ends within 16777216 bytes"):
        texts(tmp_path, "<worksheet>" + " " * 2**25)


def test_what_comes_after_the_rows_is_no_row(tmp_path: Path) -> None:
    after = '<anchor xmlns:d="d"><d:col>1</d:col><d:row>3</d:row></anchor></worksheet>'
    xml = sheet('<row r="2">', c("B2", 1), "</row>").replace("</worksheet>", after)
    assert texts(tmp_path, xml) == {"B2": "1"}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_workbook(tmp_path_factory.mktemp("ordered") / "book.xlsx")


@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_the_order_of_the_cells_in_a_row_does_not_matter(data: st.DataObject, book: Path) -> None:
    members = read_zip(book)
    shuffled = ROW.sub(
        lambda row: row[1] + "".join(data.draw(st.permutations(CELL.findall(row[2])))) + "</row>",
        members[FIRST_SHEET].decode(),
    )
    file = write_zip(book.with_name("shuffled.xlsx"), members | {FIRST_SHEET: shuffled.encode()})
    assert_holds(read_workbook(file)[0])


def test_a_cell_that_stands_twice_on_a_sheet(tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx")
    patch_cell(file, "M6", '<c r="M6"><v>1</v></c><c r="M6"><v>2</v></c>')
    with pytest.raises(InputError) as caught:
        read_workbook(file)
    assert str(caught.value) == (
        f"{file}, sheet 'Data': expected rows and cells in order, each once, found two cells M6;"
        " save the file anew as .xlsx"
    )


def test_a_note_in_the_last_cell_of_all_does_not_matter(tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx")
    note = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    digits, _ = read_workbook(patch_sheet(file, "</sheetData>", f"{note}</sheetData>"))
    assert_holds(digits)
