"""Workbooks that spreadsheet programs open, however they are packed, styled and surrounded."""

import re
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from openpyxl.styles.numbers import is_date_format

from cnn_from_scratch import InputError
from tests.data.test_workbook import assert_holds, read_workbook
from tests.workbooks import (
    FIRST_SHEET,
    SECOND_SHEET,
    patch_cell,
    patch_sheet,
    read_zip,
    write_workbook,
    write_zip,
)

Members = dict[str, bytes]
OFFICE = b"http://schemas.openxmlformats.org"
STRICT = {
    OFFICE + b"/spreadsheetml/2006/main": b"http://purl.oclc.org/ooxml/spreadsheetml/main",
    OFFICE + b"/officeDocument/2006": b"http://purl.oclc.org/ooxml/officeDocument",
}


def replaced(members: Members, old: bytes, new: bytes) -> Members:
    return {name: content.replace(old, new) for name, content in members.items()}


def renamed(members: Members, old: str, new: str) -> Members:
    assert any(old in name for name in members)
    return {name.replace(old, new): content for name, content in members.items()}


def strict(members: Members) -> Members:
    for old, new in STRICT.items():
        members = replaced(members, old, new)
    return members


def prefixed(members: Members) -> Members:
    """Write <x:row> for <row>, and so on, in the sheets and the workbook's list of them."""
    changed = dict(members)
    for part in (FIRST_SHEET, SECOND_SHEET, "xl/workbook.xml"):
        text = re.sub(r"<(/?)(?=\w)", r"<\1x:", members[part].decode())
        changed[part] = text.replace("xmlns=", "xmlns:x=").encode()
    return changed


def utf_16(members: Members) -> Members:
    xml = '<?xml version="1.0" encoding="UTF-16"?>' + members[FIRST_SHEET].decode()
    return members | {FIRST_SHEET: xml.encode("utf-16")}


def with_style(old: str, new: str) -> Callable[[Members], Members]:
    def change(members: Members) -> Members:
        text, count = re.subn(old, new, members["xl/styles.xml"].decode(), count=1)
        assert count == 1
        return members | {"xl/styles.xml": text.encode()}

    return change


PACKED: dict[str, Callable[[Members], Members]] = {
    "Strict Open XML": strict,
    "a part's name in capitals": lambda m: renamed(m, "sheet2.xml", "Sheet2.xml"),
    "the workbook's name in capitals": lambda m: renamed(m, "xl/workbook", "XL/Workbook"),
    "content types in small letters": lambda m: renamed(m, "[Content_Types]", "[content_types]"),
    "no content types": lambda m: {n: c for n, c in m.items() if n != "[Content_Types].xml"},
    "backslashes": lambda m: renamed(m, "/", "\\"),
    "another folder": lambda m: replaced(renamed(m, "xl/", "book/"), b"xl/", b"book/"),
    "targets from the list's folder": lambda m: replaced(m, b'"/xl/worksheets', b'"worksheets'),
    "prefixes": prefixed,
    "UTF-16": utf_16,
    "a byte order mark": lambda m: m | {FIRST_SHEET: b"\xef\xbb\xbf" + m[FIRST_SHEET]},
    "an unknown underline": with_style("</font>", '<u val="1"/></font>'),
    "an empty fill": with_style("<fill>.*?</fill>|<fill ?/>", "<fill/>"),
    "a set-up in capitals": lambda m: replaced(
        m, b"</worksheet>", b'<pageSetup orientation="Portrait"/></worksheet>'
    ),
}


@pytest.mark.parametrize("change", PACKED.values(), ids=PACKED)
def test_the_cells_are_read_however_they_are_packed(
    change: Callable[[Members], Members], tmp_path: Path
) -> None:
    file = write_workbook(tmp_path / "book.xlsx")
    before = read_zip(file)
    members = change(before)
    assert members != before
    digits, test = read_workbook(write_zip(file, members))
    assert_holds(digits)
    assert_holds(test, place=1)


def test_of_two_parts_whose_names_differ_in_case_the_one_named_is_read(tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx")
    members = read_zip(file)
    other = {FIRST_SHEET.replace("sheet1", "SHEET1"): members[SECOND_SHEET]}
    for order in (members | other, other | members):
        assert_holds(read_workbook(write_zip(file, order))[0])


def test_faults_on_a_sheet_that_is_not_read_do_not_matter(tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx", sheets=["Data", "Raw", "Test"])
    digits, test = read_workbook(write_zip(file, read_zip(file) | {SECOND_SHEET: b"<worksheet><"}))
    assert_holds(digits)
    assert_holds(test, place=2)


def test_texts_are_not_read_unless_a_message_shows_one(tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx")
    relations = "xl/_rels/workbook.xml.rels"
    entry = '<Relationship Id="rId9" Type="/sharedStrings" Target="texts.xml"/>'
    patch_sheet(file, "</Relationships>", f"{entry}</Relationships>", relations)
    patch_sheet(file, '</row><row r="12"', '<c r="M11" t="s"><v>0</v></c></row><row r="12"')
    members = read_zip(file)
    assert_holds(read_workbook(write_zip(file, members | {"xl/texts.xml": b"<sst><"}))[0])
    texts = b"<sst><si><t>a note</t></si><si><r><t>da</t></r><r><t>rk</t></r></si></sst>"
    write_zip(file, members | {"xl/texts.xml": texts})
    patch_cell(file, "M6", '<c r="M6" t="s"><v>1</v></c>')
    with pytest.raises(InputError, match=r"cell M6: .*found 'dark'$"):
        read_workbook(file)


# each a date to some, by openpyxl, and a number to others
FORMATS = [
    "General", "0", "0.00", "#,##0_);[Red](#,##0)", "0%", "0.00E+00", "@", "# ?/?",
    '0 "days"', r"0\d", "[Yellow]0", "0_d", "[$-409]0", '"h"0;dd',
    "yyyy-mm-dd", "d-mmm", "[$-409]d/m/yy", "h:mm AM/PM", "[h]:mm", "[mm]:ss", "mm:ss.0",
    "[Red]YYYY",
]  # fmt: skip


@pytest.mark.parametrize("code", FORMATS)
def test_numbers_formatted_as_dates_are_refused_and_others_read(code: str, tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx")
    book = openpyxl.load_workbook(file)
    book["Data"]["M6"].number_format = code
    book.save(file)
    if is_date_format(code):
        with pytest.raises(InputError, match=r"cell M6: .*formatted as a date or time"):
            read_workbook(file)
    else:
        assert_holds(read_workbook(file)[0])


FAULTS = {
    "a sheet cut off": (
        {FIRST_SHEET: b"<worksheet><sheetData>"},
        FIRST_SHEET,
        "no element found",
    ),
    "a list that is no XML": ({"xl/workbook.xml": b"\x00\x01binary"}, "xl/workbook.xml", ""),
    "styles that are no XML, with a number that may be a date": (
        {"xl/styles.xml": b"<styleSheet"},
        "xl/styles.xml",
        "unclosed token",
    ),
    "relations that are missing": (
        {"_rels/.rels": b'<Relations><a Type="/officeDocument" Target="b.xml"/></Relations>'},
        "_rels/b.xml.rels",
        "the file has no such part",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("members", "part", "reason"), FAULTS.values(), ids=FAULTS)
def test_the_part_at_fault_is_named(
    members: Members, part: str, reason: str, tmp_path: Path
) -> None:
    file = write_workbook(tmp_path / "book.xlsx")
    write_zip(file, read_zip(file) | members)
    with pytest.raises(InputError) as caught:
        read_workbook(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: expected an .xlsx workbook, cannot read {part}: {reason}")
    assert message.endswith("; save it anew as .xlsx in a spreadsheet program")
    assert len(message.splitlines()) == 1


def test_a_list_larger_than_any_is_not_read(tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx")
    members = read_zip(file)
    members["xl/workbook.xml"] += b" " * 2**26
    write_zip(file, members)
    with pytest.raises(InputError, match=r"cannot read xl/workbook\.xml: larger than 67108864"):
        read_workbook(file)


def test_a_chart_sheet_is_no_sheet_of_cells(tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx")
    book = openpyxl.load_workbook(file)
    book.create_chartsheet("Picture")
    book.save(file)
    assert_holds(read_workbook(file)[0])
    with pytest.raises(InputError, match=r"found 'Data', 'Test'$"):
        read_workbook(file, "Picture", None, 255)


def test_declared_entities_do_not_fill_the_memory(tmp_path: Path) -> None:
    """A part of a kilobyte that would become 10^9 characters."""
    levels = "".join(f'<!ENTITY e{i + 1} "{f"&e{i};" * 10}">' for i in range(9))
    declared = f'<!DOCTYPE worksheet [<!ENTITY e0 "0">{levels}]>'
    file = write_workbook(tmp_path / "book.xlsx")
    patch_cell(file, "M6", '<c r="M6"><v>&e9;</v></c>')
    patch_sheet(file, "^<worksheet", f"{declared}<worksheet")
    with pytest.raises(InputError, match=f"cannot read {FIRST_SHEET}: .*amplification"):
        read_workbook(file)
