"""Workbooks with a mistake: each is refused with one line that says where, what and what else."""

import datetime
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.data.workbook import Workbook
from tests.data.test_workbook import read_workbook
from tests.workbooks import compute_nothing_on_load, patch_cell, write_workbook, write_zip


def refusal(file: Path, pixel_max: float = 255) -> str:
    """Return the message with which the file is refused, after what holds for every message."""
    with pytest.raises(InputError) as caught:
        read_workbook(file, "Data", "Test", pixel_max)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert message.startswith(str(file))
    return message.removeprefix(str(file))


def _whole(tmp_path: Path) -> bytes:
    return write_workbook(tmp_path / "whole.xlsx").read_bytes()


FILES: dict[str, tuple[Callable[[Path], bytes | None], str]] = {
    "missing": (lambda tmp: None, "not found"),
    "empty": (lambda tmp: b"", "cannot read it"),
    "truncated after 1 byte": (lambda tmp: _whole(tmp)[:1], "cannot read it"),
    "truncated after 30 bytes": (lambda tmp: _whole(tmp)[:30], "cannot read it"),
    "truncated after 2000 bytes": (lambda tmp: _whole(tmp)[:2000], "cannot read it"),
    "truncated by half": (lambda tmp: _whole(tmp)[: len(_whole(tmp)) // 2], "cannot read it"),
    "truncated by 100 bytes": (lambda tmp: _whole(tmp)[:-100], "cannot read it"),
    "truncated by 1 byte": (lambda tmp: _whole(tmp)[:-1], "cannot read it"),
    "text": (lambda tmp: b"1,2,3\n4,5,6\n", "cannot read it"),
    "encrypted": (lambda tmp: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(1000), "is encrypted"),
    "a zip of something else": (
        lambda tmp: write_zip(tmp / "other.zip", {"notes.txt": b"hello"}).read_bytes(),
        "cannot read _rels/.rels: the file has no such part; save it anew as .xlsx",
    ),
    "an empty zip": (
        lambda tmp: write_zip(tmp / "empty.zip", {}).read_bytes(),
        "cannot read _rels/.rels: the file has no such part; save it anew as .xlsx",
    ),
}


@pytest.mark.parametrize(("make", "problem"), FILES.values(), ids=FILES)
def test_files_that_are_no_workbook(
    make: Callable[[Path], bytes | None], problem: str, tmp_path: Path
) -> None:
    file = tmp_path / "book.xlsx"
    content = make(tmp_path)
    if content is not None:
        file.write_bytes(content)
    message = refusal(file)
    assert re.search(r"expected an? (plain )?\.xlsx", message)
    assert problem in message


def test_a_folder_is_no_workbook(tmp_path: Path) -> None:
    (tmp_path / "book.xlsx").mkdir()
    assert "expected an .xlsx workbook" in refusal(tmp_path / "book.xlsx")


def test_a_missing_sheet(tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx", sheets=["Sheet1", "Test"])
    assert (
        refusal(file) == ": expected a sheet 'Data' (convert.source.sheet), found 'Sheet1', 'Test'"
    )


def test_a_missing_test_sheet(tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx", sheets=["Data"])
    assert refusal(file) == (
        ": expected a sheet 'Test' (convert.source.test_sheet), found 'Data'; null means none"
    )


@pytest.mark.parametrize("name", ["Test ", " Test", "test", "TEST", "T est", "Test\xa0"])
def test_a_sheet_of_nearly_the_name(name: str, tmp_path: Path) -> None:
    asked = f"found a sheet {name!r}; is that it?"
    file = write_workbook(tmp_path / "book.xlsx", sheets=["Data", name])
    assert refusal(file) == f": expected a sheet 'Test' (convert.source.test_sheet), {asked}"
    with pytest.raises(InputError) as caught:
        read_workbook(file, "Test", None, 255)
    assert str(caught.value) == f"{file}: expected a sheet 'Test' (convert.source.sheet), {asked}"


@pytest.mark.parametrize("place", ["Data", "Test"])
def test_a_sheet_without_samples(place: str, tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx")
    book = openpyxl.load_workbook(file)
    book[place].delete_cols(12, 36)
    book[place]["A1"] = book[place]["K5"] = "note"
    book.save(file)
    message = refusal(file)
    assert message.startswith(f", sheet '{place}', cell L5: blank; expected the first sample")


PIXEL = "expected a pixel from 0 to 255 (convert.source.pixel_max), found "
ONE_HOT = "expected a one-hot label, one 1 and otherwise 0, found "

# what is put in the cells -> the cells that the message names, and what it says of them
CELLS: dict[str, tuple[dict[str, Any], str, str]] = {
    "blank pixel": ({"M6": None}, "cell M6", PIXEL + "blank"),
    "blank pixel, the last": ({"AU10": None}, "cell AU10", PIXEL + "blank"),
    "text pixel": ({"L5": "dark"}, "cell L5", PIXEL + "'dark'"),
    "number as text": ({"L5": "7"}, "cell L5", PIXEL + "'7'"),
    "text of two lines": ({"L5": "two\nlines"}, "cell L5", PIXEL + r"'two\nlines'"),
    "error value": ({"W10": "#DIV/0!"}, "cell W10", PIXEL + "'#DIV/0!'"),
    "unknown value": ({"W10": "#N/A"}, "cell W10", PIXEL + "'#N/A'"),
    "formula": ({"T8": "=1+1"}, "cell T8", PIXEL + "a formula without a stored value"),
    "formula in the last column": (
        {f"AU{row}": "=1+1" for row in range(5, 11)},
        "cell AU5",
        PIXEL + "a formula without a stored value",
    ),
    "a last sample of formulas": (
        {f"{c}{r}": "=1" for c in ("AP", "AQ", "AR", "AS", "AT", "AU") for r in range(5, 14)},
        "cell AP5",
        PIXEL + "a formula without a stored value",
    ),
    "boolean": ({"M6": True}, "cell M6", PIXEL + "True"),
    "negative": ({"M6": -1}, "cell M6", PIXEL + "-1"),
    "a little negative": ({"M6": -1e-9}, "cell M6", PIXEL + "-1e-09"),
    "above pixel_max": ({"M6": 256}, "cell M6", PIXEL + "256"),
    "a little above pixel_max": ({"M6": 255.001}, "cell M6", PIXEL + "255.001"),
    "date": (
        {"M6": datetime.date(2024, 5, 6)},
        "cell M6",
        PIXEL + "45418, formatted as a date or time",
    ),
    "time": ({"M6": datetime.time(6, 0)}, "cell M6", PIXEL + "0.25, formatted as a date or time"),
    "a sample cut off": ({f"AU{r}": None for r in range(5, 11)}, "cell AU5", PIXEL + "blank"),
    "a note to the right": ({"AV5": "note"}, "cell AV5", PIXEL + "'note'"),
    "two ones": ({"R11": 1}, "cells R11:R13", ONE_HOT + "1, 1, 0"),
    "no one": ({"R12": 0}, "cells R11:R13", ONE_HOT + "0, 0, 0"),
    "a half": ({"R12": 0.5}, "cells R11:R13", ONE_HOT + "0, 0.5, 0"),
    "a half beside the one": ({"R11": 0.5}, "cells R11:R13", ONE_HOT + "0.5, 1, 0"),
    "a two": ({"R12": 2}, "cells R11:R13", ONE_HOT + "0, 2, 0"),
    "blank label": ({"R12": None}, "cells R11:R13", ONE_HOT + "0, blank, 0"),
    "blank beside the one": ({"R11": None}, "cells R11:R13", ONE_HOT + "blank, 1, 0"),
    "text label": ({"R12": "two"}, "cells R11:R13", ONE_HOT + "0, 'two', 0"),
    "text beside the one": ({"R11": "0"}, "cells R11:R13", ONE_HOT + "'0', 1, 0"),
    "boolean label": ({"R12": True}, "cells R11:R13", ONE_HOT + "0, True, 0"),
    "date label": (
        {"R12": datetime.date(1900, 1, 1)},
        "cells R11:R13",
        ONE_HOT + "0, 1, formatted as a date or time, 0",
    ),
    "error label": ({"R12": "#REF!"}, "cells R11:R13", ONE_HOT + "0, '#REF!', 0"),
    "formula label": (
        {"R12": "=1"},
        "cells R11:R13",
        ONE_HOT + "0, a formula without a stored value, 0",
    ),
    "a row of labels for some samples only": (
        {"L14": 0},
        "cells R11:R14",
        ONE_HOT + "0, 1, 0, blank",
    ),
    "no labels": (
        {
            f"{column}{row}": None
            for column in ("L", "R", "X", "AD", "AJ", "AP")
            for row in (11, 12, 13)
        },
        "cell L11",
        "expected one-hot label rows",
    ),
}


@pytest.mark.parametrize(("cells", "where", "what"), CELLS.values(), ids=CELLS)
def test_cells(cells: dict[str, Any], where: str, what: str, tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx", cells=cells)
    assert refusal(file).startswith(f", sheet 'Data', {where}: {what}")


@pytest.mark.parametrize("row", ["error value", "formula in the last column", "two ones"])
def test_cells_of_the_test_sheet(row: str, tmp_path: Path) -> None:
    cells, where, what = CELLS[row]
    cells = {f"Test!{cell}": value for cell, value in cells.items()}
    file = write_workbook(tmp_path / "book.xlsx", cells=cells)
    assert refusal(file).startswith(f", sheet 'Test', {where}: {what}")


# the XML of cell M6 -> what the message says was found
XML = {
    "formula with a text": ('<c r="M6" t="str"><f>A1</f><v>dark</v></c>', "'dark'"),
    "formula with an error": ('<c r="M6" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "'#DIV/0!'"),
    "formula with a boolean": ('<c r="M6" t="b"><f>1=1</f><v>1</v></c>', "True"),
    "infinite": ('<c r="M6"><v>1E999</v></c>', "inf"),
    "infinite and negative": ('<c r="M6"><v>-1E999</v></c>', "-inf"),
    "NaN": ('<c r="M6"><v>NaN</v></c>', "NaN"),
    "infinite, as a word": ('<c r="M6"><v>INF</v></c>', "INF"),
    "not a number": ('<c r="M6"><v>1,5</v></c>', "1,5"),
    "full-width digits": ('<c r="M6"><v>\uff11\uff12</v></c>', "'\uff11\uff12'"),
    "Python's underscores": ('<c r="M6"><v>1_0</v></c>', "'1_0'"),
    "inline text": (
        '<c r="M6" t="inlineStr"><is><r><t>da</t></r><r><t>rk</t></r></is></c>',
        "'dark'",
    ),
    "a text that is not in the table": ('<c r="M6" t="s"><v>99</v></c>', "'99'"),
    "an error that is new": ('<c r="M6" t="e"><v>#SPILL!</v></c>', "'#SPILL!'"),
    "a type that is unknown": ('<c r="M6" t="new"><v>1</v></c>', "'1'"),
    "an ISO date": ('<c r="M6" t="d"><v>2024-05-06</v></c>', "'2024-05-06'"),
    "date out of range": ('<c r="M6" s="1"><v>99999999</v></c>', "99999999, formatted as a date"),
}


@pytest.mark.parametrize(("xml", "found"), XML.values(), ids=XML)
def test_cells_that_only_other_programs_write(xml: str, found: str, tmp_path: Path) -> None:
    # The date gives the workbook a second style, which the last row refers to.
    file = write_workbook(tmp_path / "book.xlsx", cells={"A1": datetime.date(2024, 1, 1)})
    message = refusal(patch_cell(file, "M6", xml))
    where, expected, what = message.partition(": expected a ")
    assert (where, expected) == (", sheet 'Data', cell M6", ": expected a ")
    assert found in what


ZEROS = (
    ": expected computed values, found formulas with a 0 that no program seems to have computed;"
    " open the file in a spreadsheet program and save it, or put numbers in place of the formulas"
)


def _make_zero_formulas(file: Path, cells: list[str]) -> None:
    for cell in cells:
        patch_cell(file, cell, f'<c r="{cell}"><f>A1</f><v>0</v></c>')


def test_formulas_that_wait_to_be_computed(tmp_path: Path) -> None:
    """As XlsxWriter, libxlsxwriter and writexl write them: 0, and the wish to be computed."""
    file = write_workbook(tmp_path / "book.xlsx")  # openpyxl, too, writes that wish
    _make_zero_formulas(file, ["R7"])
    assert refusal(file) == f", sheet 'Data', cells R7{ZEROS}"
    _make_zero_formulas(file, ["M5", "M6", "L6"])
    assert refusal(file) == f", sheet 'Data', cells M5, L6, M6 and 1 more{ZEROS}"


def test_formulas_of_a_whole_image_or_label_that_are_0(tmp_path: Path) -> None:
    """As Apache POI writes them when it streams: without the wish."""
    file = compute_nothing_on_load(write_workbook(tmp_path / "book.xlsx"))
    _make_zero_formulas(file, ["R11", "R12", "R13"])
    assert refusal(file) == f", sheet 'Data', cells R11, R12, R13{ZEROS}"
    _make_zero_formulas(file, [f"{column}{row}" for row in range(5, 11) for column in "LMNOPQ"])
    assert refusal(file) == f", sheet 'Data', cells L5, M5, N5 and 36 more{ZEROS}"


def test_a_formula_that_fills_several_cells_is_the_formula_of_each(tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx")
    patch_cell(file, "L5", '<c r="L5"><f t="array" ref="L5:M6">B1:C2</f><v>0</v></c>')
    for cell in ("M5", "L6", "M6"):
        patch_cell(file, cell, f'<c r="{cell}"><v>0</v></c>')
    assert refusal(file) == f", sheet 'Data', cells L5, M5, L6 and 1 more{ZEROS}"


def test_an_infinite_label(tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx")
    patch_cell(file, "L11", '<c r="L11"><v>1E999</v></c>')
    assert refusal(file) == f", sheet 'Data', cells L11:L13: {ONE_HOT}inf, 0, 0"


def test_the_limit_of_a_pixel_is_the_one_given(tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx", pixels={g: g / 255 for g in range(256)})
    book = openpyxl.load_workbook(file)
    book["Data"]["M6"] = 1.5
    book.save(file)
    message = refusal(file, pixel_max=1)
    assert message.startswith(", sheet 'Data', cell M6: expected a pixel from 0 to 1 (")
    assert message.endswith("found 1.5")


def test_a_single_class(tmp_path: Path) -> None:
    message = refusal(write_workbook(tmp_path / "book.xlsx", classes=1))
    assert message.startswith(", sheet 'Data', cell L11: expected one-hot label rows")
    assert "at least 2 classes, found 1" in message


@pytest.mark.parametrize(("data", "test"), [(3, 4), (4, 3)])
def test_different_classes_on_the_two_sheets(data: int, test: int, tmp_path: Path) -> None:
    fourth_row = dict.fromkeys(("L14", "R14", "X14", "AD14", "AJ14", "AP14"), 0)
    longer = "Data" if data == 4 else "Test"
    cells = {f"{longer}!{cell}": zero for cell, zero in fourth_row.items()}
    message = refusal(write_workbook(tmp_path / "book.xlsx", cells=cells))
    assert message == (
        f": sheet 'Test' declares {test} classes, sheet 'Data' {data}; expected the same"
    )


def test_a_damaged_byte_anywhere_is_refused_in_one_line_or_harmless(tmp_path: Path) -> None:
    whole = _whole(tmp_path)
    refused = 0
    for place in range(0, len(whole), 97):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        file = tmp_path / "book.xlsx"
        file.write_bytes(damaged)
        try:
            read_workbook(file, "Data", "Test", 255)
        except InputError as error:
            assert str(error).startswith(str(file))
            assert len(str(error).splitlines()) == 1
            refused += 1
    assert refused > 20


@pytest.mark.parametrize("name", ["", "L", "5", "L0", "L05", "5L", "$L$5", "L5:Q10", "ABCD1"])
def test_a_first_cell_that_is_none(name: str) -> None:
    with pytest.raises(ValueError, match=r"^first_cell: expected a cell such as L5, got "):
        Workbook("book.xlsx", "Data", None, 255, first_cell=name)


def test_places_in_another_layout_are_named(tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx")
    with pytest.raises(InputError) as caught:
        read_workbook(file, first_cell="L5", height=5, width=3)
    message = f"{file}, sheet 'Data', cells L10:L13: {ONE_HOT}"
    assert str(caught.value).startswith(message)
    with pytest.raises(InputError) as caught:
        read_workbook(file, first_cell="AZ20")
    assert f"{file}, sheet 'Data', cell AZ20: blank; expected the first" in str(caught.value)
