"""stages/convert.py as a user runs it: the workbook becomes a tensor and a table, or nothing."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from PIL import Image

from tests.stages.project import Project
from tests.workbooks import UNKNOWN_EXTENSION, grays, labels, patch_sheet, write_workbook

BOOK = Path("data", "handwriting_dataset.xlsx")
CONVERT = "stages/convert.py"
PIXELS = [f"pixel_{row}_{column}" for row in range(6) for column in range(6)]


def arrays(project: Project) -> dict[str, np.ndarray[Any, Any]]:
    with np.load(project.folder / "data" / "dataset.npz", allow_pickle=False) as file:
        return dict(file)


def table(project: Project) -> pd.DataFrame:
    return pd.read_parquet(project.folder / "data" / "dataset.parquet")


def test_the_tensor_of_the_committed_workbook(converted: Project) -> None:
    found = arrays(converted)
    assert set(found) >= {"X", "y", "X_test", "y_test"}
    for images, classes, samples in (("X", "y", 96), ("X_test", "y_test", 446)):
        assert found[images].shape == (samples, 1, 6, 6)
        assert found[images].dtype == np.float64
        assert (found[images].min(), found[images].max()) == (0.0, 1.0)
        assert found[classes].shape == (samples,)
        assert found[classes].dtype == np.int64
        assert set(found[classes].tolist()) == {0, 1, 2}
    assert found["class_names"].tolist() == ["1", "2", "3"]
    assert found["scale"] == 1.0


def test_the_table_equals_the_tensor(converted: Project) -> None:
    found, rows = arrays(converted), table(converted)
    assert list(rows.columns) == ["part", "index", "label", *PIXELS]
    assert len(rows) == 96 + 446
    for part, suffix in (("data", ""), ("test", "_test")):
        some = rows[rows["part"] == part]
        images, classes = found[f"X{suffix}"], found[f"y{suffix}"]
        np.testing.assert_array_equal(some["index"], np.arange(len(images)))
        assert some["label"].tolist() == found["class_names"][classes].tolist()
        np.testing.assert_array_equal(some[PIXELS].to_numpy(), images.reshape(-1, 36))


def test_the_tensor_file_has_fixed_metadata(converted: Project) -> None:
    with zipfile.ZipFile(converted.folder / "data" / "dataset.npz") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.create_system for entry in archive.infolist()} == {3}


def test_the_same_workbook_gives_the_same_bytes(project: Project) -> None:
    before = project.files("data")
    (project.folder / "data" / "dataset.npz").unlink()  # the other one is there to be replaced
    result = project.python(CONVERT)
    assert project.files("data") == before
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "data: 96 samples of 3 classes, 6x6",
        "test: 446 samples of 3 classes, 6x6",
    ]


def test_a_workbook_of_ones_own(project: Project) -> None:
    write_workbook(
        project.folder / BOOK,
        samples=11,
        classes=5,
        sheets=["mine"],
        pixels={g: g % 2 for g in range(256)},
    )
    project.edit_params("convert/source/sheet", "mine")
    project.edit_params("convert/source/test_sheet", None)
    project.edit_params("convert/source/pixel_max", 1)
    result = project.python(CONVERT)
    first, second = result.stdout.splitlines()[:2]
    assert first == "data: 11 samples of 5 classes, 6x6"
    assert second == "no test samples: there will be no test accuracy"
    found, rows = arrays(project), table(project)
    assert not {"X_test", "y_test"} & set(found)
    np.testing.assert_array_equal(found["X"], grays(11)[:, None] % 2)
    np.testing.assert_array_equal(found["y"], labels(11, 5))
    assert set(rows["part"]) == {"data"}
    assert rows["label"].tolist() == [str(k + 1) for k in found["y"]]

    project.edit_params("train/epochs", 1)
    assert "test" not in project.train("E-Adam")  # five logits, and no test accuracy


def test_without_a_test_sheet_asked_for_none_is_missed(project: Project) -> None:
    project.edit_params("convert/source/test_sheet", None)
    result = project.python(CONVERT)
    assert "None" not in result.stdout
    assert result.stdout.startswith("data: 96 samples of 3 classes, 6x6\n")
    assert not {"X_test", "y_test"} & set(arrays(project))
    assert set(table(project)["part"]) == {"data"}


def test_samples_that_stand_in_the_data_twice_are_counted(project: Project) -> None:
    book = openpyxl.load_workbook(project.folder / BOOK)
    copy_of_data = book.copy_worksheet(book["Data"])
    del book["Test"]
    copy_of_data.title = "Test"
    for row in range(5, 14):  # the second sample becomes the first again, on one of the sheets
        for column in range(12, 18):
            book["Data"].cell(row, column + 6).value = book["Data"].cell(row, column).value
    book.save(project.folder / BOOK)
    assert project.python(CONVERT).stdout.splitlines()[2:] == [
        "data: 2 of 96 samples have the same image as another one; a split can part them",
        "test: 95 of 96 samples are in the data, too",
    ]


def _spoil_in_a_way_that_openpyxl_warns_of(file: Path) -> None:
    write_workbook(file, cells={"M6": "dark"})
    patch_sheet(file, "</worksheet>", f"{UNKNOWN_EXTENSION}</worksheet>")


SPOILS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (Path.unlink, ": not found"),
    "truncated": (lambda file: file.write_bytes(file.read_bytes()[:-500]), ": expected an .xlsx"),
    "no test sheet": (
        lambda file: write_workbook(file, sheets=["Data", "test"]),
        ": expected a sheet 'Test' (convert.source.test_sheet), found a sheet 'test'; is that it?",
    ),
    "a pixel": (
        lambda file: write_workbook(file, cells={"Test!AU10": "=1+1"}),
        ", sheet 'Test', cell AU10: expected a pixel",
    ),
    "a warning and a pixel": (
        _spoil_in_a_way_that_openpyxl_warns_of,
        ", sheet 'Data', cell M6: expected a pixel",
    ),
}


@pytest.mark.parametrize(("spoil", "what"), SPOILS.values(), ids=SPOILS)
def test_a_bad_workbook_leaves_the_earlier_outputs(
    spoil: Callable[[Path], object], what: str, project: Project
) -> None:
    spoil(project.folder / BOOK)
    assert project.refusal(CONVERT).startswith(f"{BOOK}{what}")


def test_bad_parameters_leave_the_earlier_outputs(project: Project) -> None:
    project.edit_params("convert/source/pixelmax", 1)
    assert project.refusal(CONVERT).startswith("params.yaml: convert.source.pixelmax: unknown")


def test_a_bad_workbook_makes_no_outputs_either(project: Project) -> None:
    for name in ("dataset.npz", "dataset.parquet"):
        (project.folder / "data" / name).unlink()
    write_workbook(project.folder / BOOK, samples=0)
    assert "expected the first sample" in project.refusal(CONVERT)


def test_a_failure_while_writing_leaves_the_earlier_outputs(project: Project) -> None:
    source = project.folder / "src" / "cnn_from_scratch" / "data" / "table.py"
    source.write_text("def write_dataset_table(path, dataset):\n    raise OSError('disk full')\n")
    write_workbook(project.folder / BOOK)
    before = project.files()
    result = project.python(CONVERT, check=False)
    assert result.returncode == 1
    assert "disk full" in result.stderr
    assert project.files() == before


def test_the_test_sheet_must_not_be_the_one_trained_on(project: Project) -> None:
    project.edit_params("convert/source/test_sheet", "Data")
    assert project.refusal(CONVERT).startswith("params.yaml: convert.source.test_sheet: ")


def test_dim_images_are_asked_about(project: Project) -> None:
    project.edit_params("convert/source/pixel_max", 255 * 20)
    question = (
        "no pixel is above 0.05 of a full one; does convert.source give the right full value?"
    )
    asked = project.python(CONVERT).stdout.splitlines()
    assert [line for line in asked if "?" in line] == [f"data: {question}", f"test: {question}"]


def test_a_folder_of_pictures_and_its_table(project: Project) -> None:
    """The table that comes of pictures is a source of the same samples."""
    rng = np.random.RandomState(0)
    for name in ("cat", "dog", "eel"):
        for i in range(4):
            file = project.folder / "data" / "mine" / name / f"{i}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.randint(0, 256, (9, 7, 3), dtype=np.uint8)).save(file)
    pictures = {"name": "images", "path": "data/mine", "height": 5, "width": 7, "mode": "rgb"}
    project.edit_params("convert/source", pictures)
    project.edit_params("convert/hold_out", {"fraction": 0.25, "seed": 0})
    assert project.python(CONVERT).stdout.splitlines() == [
        "data: 9 samples of 3 classes, 5x7, 3 channels",
        "test: 3 samples of 3 classes, 5x7, 3 channels",
    ]
    first = project.files("data")
    (project.folder / "data/dataset.parquet").rename(project.folder / "data/mine.parquet")
    again = {
        **{"name": "table", "path": "data/mine.parquet", "pixel_max": 255, "test_column": "part"},
        **{"ignore": ["index"], "height": 5, "width": 7, "channels": 3},
    }
    project.edit_params("convert", {"source": again})
    project.python(CONVERT)
    assert project.files("data") == first | {"mine.parquet": first["dataset.parquet"]}
