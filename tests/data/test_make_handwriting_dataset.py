"""The committed workbook: what the script makes, from the source images, each used once."""

import importlib.util
from collections import Counter
from fractions import Fraction
from math import floor
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from tests.data.test_workbook import read_workbook

FILE = Path(__file__).resolve().parents[2] / "data" / "handwriting_dataset.xlsx"


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "make_handwriting_dataset", FILE.with_name("make_handwriting_dataset.py")
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = load_script()

Cells = dict[str, dict[str, Any]]  # sheet -> cell -> value, without blank cells


def cells_of(book: openpyxl.Workbook) -> Cells:
    return {
        sheet.title: {
            cell.coordinate: cell.value
            for row in sheet.iter_rows()
            for cell in row
            if cell.value is not None
        }
        for sheet in book.worksheets
    }


@pytest.fixture(scope="module")
def committed() -> Cells:
    return cells_of(openpyxl.load_workbook(FILE))


def test_the_committed_cells_equal_what_the_script_builds(committed: Cells) -> None:
    built = cells_of(SCRIPT.build())
    assert list(committed) == list(built) == ["Data", "Test"]
    for sheet in built:
        # 36 pixels and 3 label cells per sample, and four notes
        assert len(built[sheet]) == 39 * {"Data": 96, "Test": 446}[sheet] + 4
        assert committed[sheet] == built[sheet]


def test_the_cells_hold_whole_gray_values_and_one_hot_labels(committed: Cells) -> None:
    for cells in committed.values():
        numbers = {cell: value for cell, value in cells.items() if not isinstance(value, str)}
        assert {type(value) for value in numbers.values()} == {int}
        below = {cell: value for cell, value in numbers.items() if cell[-2:] in ("11", "12", "13")}
        assert set(below.values()) == {0, 1}
        assert (min(numbers.values()), max(numbers.values())) == (0, 255)


def test_the_samples_are_counted_and_shuffled_as_documented() -> None:
    data, test = read_workbook(FILE)
    assert test is not None
    assert Counter(data.labels.tolist()) == {0: 32, 1: 32, 2: 32}
    assert len(test.labels) == 446
    assert (np.diff(data.labels) < 0).sum() > 10


def test_every_source_digit_1_to_3_stands_on_exactly_one_sheet() -> None:
    source = load_digits()
    wanted = np.isin(source.target, (1, 2, 3))
    shrunk = SCRIPT.shrink(source.images[wanted].astype(np.int64)) / 255
    expected = Counter(
        (image.tobytes(), label)
        for image, label in zip(shrunk, (source.target[wanted] - 1).tolist(), strict=True)
    )
    assert max(expected.values()) == 1  # no two source digits look the same after shrinking
    found = Counter(
        (image.tobytes(), label)
        for sheet in read_workbook(FILE)
        if sheet is not None
        for image, label in zip(sheet.images, sheet.labels.tolist(), strict=True)
    )
    assert found == expected


def test_the_choice_does_not_depend_on_the_global_random_state() -> None:
    first = SCRIPT.choose()
    np.random.seed(1)  # noqa: NPY002
    second = SCRIPT.choose()
    for name, (images, labels) in first.items():
        np.testing.assert_array_equal(second[name][0], images)
        np.testing.assert_array_equal(second[name][1], labels)


@pytest.mark.parametrize("value", range(17))
def test_shrink_preserves_a_constant_image(value: int) -> None:
    shrunk = SCRIPT.shrink(np.full((2, 8, 8), value))
    assert shrunk.shape == (2, 6, 6)
    assert set(shrunk.ravel().tolist()) == {floor(Fraction(value * 255, 16) + Fraction(1, 2))}


def exact_area_average(image: list[list[int]]) -> list[list[Fraction]]:
    """Average an 8x8 image over the 36 areas of (4/3)^2 source pixels, in exact arithmetic."""
    side = Fraction(8, 6)

    def shares(target: int) -> list[tuple[int, Fraction]]:
        """Return each source pixel under the target one, and how much of the target it covers."""
        start, stop = target * side, (target + 1) * side
        overlaps = [(p, min(stop, Fraction(p + 1)) - max(start, Fraction(p))) for p in range(8)]
        return [(p, overlap / side) for p, overlap in overlaps if overlap > 0]

    return [
        [
            sum((image[p][q] * a * b for p, a in shares(i) for q, b in shares(j)), Fraction(0))
            for j in range(6)
        ]
        for i in range(6)
    ]


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 16), min_size=8, max_size=8), min_size=8, max_size=8))
def test_shrink_is_the_exact_area_average_rounded_halves_up(image: list[list[int]]) -> None:
    expected = [
        [floor(average * 255 / 16 + Fraction(1, 2)) for average in row]
        for row in exact_area_average(image)
    ]
    shrunk = SCRIPT.shrink(np.array([image]))[0]
    assert shrunk.tolist() == expected
    # Rounding moves a pixel, and so the mean brightness, by half a gray value at most.
    assert abs(shrunk.mean() - np.mean(image) * 255 / 16) <= 0.5 + 1e-9
