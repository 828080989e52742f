"""Reading workbooks that are as they should be: what is read, and what is ignored."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import openpyxl
import pytest
from openpyxl.styles import PatternFill

from cnn_from_scratch.data.workbook import Workbook
from cnn_from_scratch.experiment.dataset import Images, Labels, check_dataset
from tests.workbooks import (
    UNKNOWN_EXTENSION,
    address,
    compute_nothing_on_load,
    grays,
    labels,
    patch_cell,
    patch_sheet,
    write_workbook,
)

COMMITTED = Path(__file__).resolve().parents[2] / "data" / "handwriting_dataset.xlsx"


class Digits(NamedTuple):
    """What one sheet gave: images, class indices, and what the classes are called."""

    images: Images
    labels: Labels
    class_names: tuple[str, ...]


def read_workbook(
    file: Path,
    sheet: str = "Data",
    test_sheet: str | None = "Test",
    pixel_max: float = 255,
    *,
    first_cell: str = "L5",
    height: int = 6,
    width: int = 6,
) -> tuple[Digits, Digits | None]:
    """Return what is on the two sheets."""
    source = Workbook(str(file), sheet, test_sheet, pixel_max, first_cell, height, width)
    dataset = source.read()
    check_dataset(dataset)
    assert dataset.scale == 1.0
    data = Digits(dataset.X, dataset.y, dataset.class_names)
    if dataset.X_test is None or dataset.y_test is None:
        return data, None
    return data, Digits(dataset.X_test, dataset.y_test, dataset.class_names)


def assert_holds(digits: Digits | None, samples: int = 6, classes: int = 3, place: int = 0) -> None:
    """Check that the digits are the ones that write_workbook put on the sheet at that place."""
    assert digits is not None
    assert digits.images.dtype == np.float64
    assert digits.labels.dtype == np.int64
    assert digits.class_names == tuple(str(k + 1) for k in range(classes))
    np.testing.assert_array_equal(digits.images, grays(samples, place)[:, None] / 255)
    np.testing.assert_array_equal(digits.labels, labels(samples, classes))


def test_the_published_layout(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Data"
    for first, last in (("L5", "Q10"), ("R5", "W10")):
        for row in sheet[f"{first}:{last}"]:
            for cell in row:
                cell.value = 0
    for cell, value in {"L5": 10, "Q5": 20, "L10": 30, "Q10": 40, "M7": 50, "R5": 60}.items():
        sheet[cell] = value
    for cell, value in {"L11": 0, "L12": 1, "L13": 0, "R11": 0, "R12": 0, "R13": 1}.items():
        sheet[cell] = value
    book.save(tmp_path / "book.xlsx")

    digits, test = read_workbook(tmp_path / "book.xlsx", "Data", None, 255)

    images = np.zeros((2, 6, 6))
    images[0, 0, 0], images[0, 0, 5], images[0, 5, 0], images[0, 5, 5] = 10, 20, 30, 40
    images[0, 2, 1], images[1, 0, 0] = 50, 60
    np.testing.assert_array_equal(digits.images * 255, images[:, None])
    assert digits.labels.tolist() == [1, 2]
    assert digits.class_names == ("1", "2", "3")
    assert test is None


def test_the_committed_workbook_has_the_published_layout() -> None:
    book = openpyxl.load_workbook(COMMITTED, read_only=True)
    for sheet_name, digits in zip(("Data", "Test"), read_workbook(COMMITTED), strict=True):
        assert digits is not None
        rows = list(book[sheet_name].iter_rows(min_row=5, max_row=13, values_only=True))
        samples = (len(rows[0]) - 11) // 6
        assert samples == {"Data": 96, "Test": 446}[sheet_name] == len(digits.images)
        for i in (0, 1, samples - 1):
            start = 11 + 6 * i
            pixels = [row[start : start + 6] for row in rows[:6]]
            one_hot = [row[start] for row in rows[6:]]
            np.testing.assert_array_equal(digits.images[i, 0], np.array(pixels, dtype=float) / 255)
            assert digits.labels[i] == one_hot.index(1)
    book.close()


@pytest.mark.parametrize("samples", [1, 2, 7, 120])
def test_any_number_of_samples(samples: int, tmp_path: Path) -> None:
    digits, test = read_workbook(write_workbook(tmp_path / "book.xlsx", samples=samples))
    assert_holds(digits, samples)
    assert_holds(test, samples, place=1)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_any_number_of_classes_that_the_one_hot_rows_declare(classes: int, tmp_path: Path) -> None:
    digits, test = read_workbook(
        write_workbook(tmp_path / "book.xlsx", samples=11, classes=classes)
    )
    assert_holds(digits, 11, classes)
    assert_holds(test, 11, classes, place=1)


def test_a_class_may_have_no_samples(tmp_path: Path) -> None:
    cells = {"L14": 0, "R14": 0, "X14": 0, "AD14": 0, "AJ14": 0, "AP14": 0}
    file = write_workbook(tmp_path / "book.xlsx", sheets=["Data"], cells=cells)
    digits, _ = read_workbook(file, "Data", None, 255)
    assert digits.class_names == ("1", "2", "3", "4")
    assert digits.labels.tolist() == [0, 1, 2, 0, 1, 2]


def test_pixels_of_0_and_1(tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx", pixels={g: g % 2 for g in range(256)})
    digits, _ = read_workbook(file, "Data", "Test", 1)
    np.testing.assert_array_equal(digits.images[:, 0], grays(6) % 2)


def test_pixels_from_0_to_1(tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx", pixels={g: g / 256 for g in range(256)})
    digits, test = read_workbook(file, "Data", "Test", 1)
    assert test is not None
    np.testing.assert_array_equal(digits.images[:, 0], grays(6) / 256)
    np.testing.assert_array_equal(test.images[:, 0], grays(6, place=1) / 256)


def test_a_pixel_of_pixel_max_becomes_one(tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx", pixels={g: g % 17 for g in range(256)})
    digits, _ = read_workbook(file, "Data", "Test", 16)
    assert digits.images.max() == 1.0
    np.testing.assert_array_equal(digits.images[:, 0], (grays(6) % 17) / 16)


def test_the_sheets_are_found_by_name(tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx", sheets=["Test", "Data", "mine", "mine too"])
    digits, test = read_workbook(file)
    assert_holds(digits, place=1)
    assert_holds(test, place=0)
    digits, test = read_workbook(file, "mine", "mine too", 255)
    assert_holds(digits, place=2)
    assert_holds(test, place=3)


@pytest.mark.parametrize("sheets", [["Data"], ["Data", "Test"]])
def test_none_is_no_test_sheet(sheets: list[str], tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx", sheets=sheets)
    digits, test = read_workbook(file, "Data", None, 255)
    assert_holds(digits)
    assert test is None


def test_formatted_blank_cells_are_no_samples(tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx")
    book = openpyxl.load_workbook(file)
    for row in range(1, 30):
        for column in range(12, 12 + 6 * 9):
            book["Data"].cell(row, column).fill = PatternFill("solid", fgColor="FFFF00")
    book.save(file)
    digits, test = read_workbook(file)
    assert_holds(digits)
    assert_holds(test, place=1)


def test_notes_outside_the_pixels_and_labels_are_ignored(tmp_path: Path) -> None:
    beside = {address(row, column): "note" for row in range(1, 20) for column in range(1, 12)}
    above = {address(row, column): "note" for row in range(1, 5) for column in range(12, 60)}
    between = {"M11": "note", "Q12": 1, "AU13": 0.5}  # label rows, but no sample's first column
    below = {"M14": "note", "L16": "note", "R20": 1, "BZ16": "note"}
    file = write_workbook(tmp_path / "book.xlsx", cells=beside | above | between | below)
    digits, test = read_workbook(file)
    assert_holds(digits)
    assert_holds(test, place=1)


def test_formulas_count_as_their_stored_values(tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx")
    patch_cell(file, "M6", '<c r="M6"><f>3*5</f><v>15</v></c>')
    patch_cell(file, "L11", '<c r="L11"><f>1-1</f><v>0</v></c>')
    patch_cell(file, "L12", '<c r="L12"><f>SUM(1,0)</f><v>1</v></c>')
    digits, _ = read_workbook(file)
    assert digits.images[0, 0, 1, 1] == 15 / 255
    assert digits.labels[0] == 1
    np.testing.assert_array_equal(digits.images[1:, 0], grays(6)[1:] / 255)


@pytest.mark.parametrize("declared", ["A1", "A1:XFD1048576", "L5:M6"])
def test_a_wrongly_declared_dimension_does_not_matter(declared: str, tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx")
    patch_sheet(file, r"<dimension [^>]*>", f'<dimension ref="{declared}"/>')
    digits, _ = read_workbook(file)
    assert_holds(digits)


@pytest.mark.parametrize("change", [compute_nothing_on_load, lambda file: file])
def test_a_formula_may_give_0_where_others_of_the_sample_give_more(
    change: Callable[[Path], Path], tmp_path: Path
) -> None:
    file = write_workbook(tmp_path / "book.xlsx")
    patch_cell(file, "M6", '<c r="M6"><f>2-2</f><v>0</v></c>')
    patch_cell(file, "N6", '<c r="N6"><f>2+2</f><v>4</v></c>')
    digits, _ = read_workbook(change(file))
    assert (digits.images[0, 0, 1, 1], digits.images[0, 0, 1, 2]) == (0, 4 / 255)


def test_single_formulas_may_give_0_if_nothing_says_that_they_wait(tmp_path: Path) -> None:
    file = compute_nothing_on_load(write_workbook(tmp_path / "book.xlsx"))
    patch_cell(file, "M6", '<c r="M6"><f>2-2</f><v>0</v></c>')
    assert read_workbook(file)[0].images[0, 0, 1, 1] == 0


def test_what_openpyxl_does_not_know_is_no_reason_to_warn(tmp_path: Path) -> None:
    file = write_workbook(tmp_path / "book.xlsx")
    patch_sheet(file, "</worksheet>", f"{UNKNOWN_EXTENSION}</worksheet>")
    digits, _ = read_workbook(file)  # a warning would be an error here
    assert_holds(digits)


@pytest.mark.parametrize(
    ("first_cell", "height", "width"),
    [("A1", 8, 8), ("C4", 5, 9), ("b12", 1, 1), ("AA100", 2, 1), ("L5", 6, 6)],
)
def test_any_layout(first_cell: str, height: int, width: int, tmp_path: Path) -> None:
    rng = np.random.RandomState(0)
    images = {name: rng.randint(0, 256, (4, height, width)) for name in ("Data", "Test")}
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, digits in images.items():
        sheet = book.create_sheet(name)
        start = sheet[first_cell]
        for i, image in enumerate(digits.tolist()):
            left = start.column + width * i
            for row, pixels in enumerate(image):
                for column, pixel in enumerate(pixels):
                    sheet.cell(start.row + row, left + column, pixel)
            for k in range(2):
                sheet.cell(start.row + height + k, left, int(i % 2 == k))
    book.save(tmp_path / "book.xlsx")
    file = tmp_path / "book.xlsx"
    found = read_workbook(file, first_cell=first_cell, height=height, width=width)
    for sheet_digits, sheet_images in zip(found, images.values(), strict=True):
        assert sheet_digits is not None
        np.testing.assert_array_equal(sheet_digits.images * 255, sheet_images[:, None])
        assert sheet_digits.labels.tolist() == [0, 1, 0, 1]
        assert sheet_digits.class_names == ("1", "2")
