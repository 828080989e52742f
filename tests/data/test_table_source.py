"""Tables of samples: what people export is read, and mistakes are found by row and column."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.data import frames
from cnn_from_scratch.data.parquet import write_parquet
from cnn_from_scratch.data.table import write_dataset_table
from cnn_from_scratch.data.table_source import SampleTable
from cnn_from_scratch.experiment.dataset import Dataset, check_dataset
from tests.data.pictures import noise

KAGGLE = "label,pixel0,pixel1,pixel2,pixel3\n1,0,255,7,9\n0,1,2,3,4\n10,9,8,7,6\n1,0,0,0,255\n"


def read(path: Path, pixel_max: float = 255, **keys: Any) -> Dataset:
    dataset = SampleTable(str(path), pixel_max, **keys).read()
    check_dataset(dataset)
    assert dataset.scale == pixel_max
    return dataset


def csv(folder: Path, text: str = KAGGLE, name: str = "mine.csv") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def refusal(path: Path, **keys: Any) -> str:
    """Return the message with which a table is refused, after the path."""
    with pytest.raises(InputError) as caught:
        read(path, **keys)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


@pytest.mark.parametrize("values", [1, 2**22])  # of a piece: one row, or all
def test_a_csv_as_notebooks_export_it(
    values: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "_VALUES", values)
    dataset = read(csv(tmp_path))
    assert dataset.X.dtype == np.uint8
    assert dataset.X.tolist()[0] == [[[0, 255], [7, 9]]]
    assert dataset.X.shape == (4, 1, 2, 2)
    assert dataset.class_names == ("0", "1", "10")
    assert dataset.y.tolist() == [1, 0, 2, 1]
    assert dataset.X_test is None


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + KAGGLE,
        KAGGLE.replace("\n", "\r\n"),
        KAGGLE.rstrip("\n"),
        KAGGLE.replace("10,9", "10.0,9").replace("\n1,", "\n1.0,").replace("\n0,", "\n0.00,"),
    ],
    ids=["with a mark", "from Windows", "without a last break", "with points"],
)
def test_spellings_of_a_csv(text: str, tmp_path: Path) -> None:
    dataset, expected = read(csv(tmp_path, text)), read(csv(tmp_path, name="plain.csv"))
    np.testing.assert_array_equal(dataset.X, expected.X)
    assert dataset.class_names == expected.class_names
    assert dataset.y.tolist() == expected.y.tolist()


def test_names_that_look_like_nothing_are_names(tmp_path: Path) -> None:
    dataset = read(csv(tmp_path, 'label,p\nNA,1\nnull,2\nTrue,3\n"a, b",4\n'))
    assert dataset.class_names == ("NA", "True", "a, b", "null")
    assert dataset.y.tolist() == [0, 3, 1, 2]


@pytest.mark.parametrize(
    ("pixels", "pixel_max", "dtype"),
    [
        (["0", "255"], 255, np.uint8),
        (["0", "16"], 16, np.uint8),
        (["0", "1"], 1, np.uint8),
        (["True", "False"], 1, np.uint8),
        (["0", "256"], 65535, np.float64),
        (["0.0", "255.0"], 255, np.float64),
        (["0", "0.5"], 1, np.float64),
    ],
)
def test_the_type_of_pixels_is_that_of_the_table(
    pixels: list[str], pixel_max: float, dtype: Any, tmp_path: Path
) -> None:
    rows = [f"{label},{pixel}" for label, pixel in zip("ab", pixels, strict=True)]
    dataset = read(csv(tmp_path, "\n".join(["label,p", *rows])), pixel_max)
    assert dataset.X.dtype == dtype
    numbers = [float({"True": 1, "False": 0}.get(pixel, pixel)) for pixel in pixels]
    assert dataset.X.ravel().tolist() == numbers


def test_other_columns_and_shapes(tmp_path: Path) -> None:
    text = "id,y,a,b,c,d,e,f\n7,x,1,2,3,4,5,6\n8,z,6,5,4,3,2,1\n"
    keys: dict[str, Any] = {"label": "y", "ignore": ("id",)}
    assert read(csv(tmp_path, text), height=2, width=3, **keys).X.shape == (2, 1, 2, 3)
    dataset = read(csv(tmp_path, text), height=1, width=2, channels=3, **keys)
    assert dataset.X[0].tolist() == [[[1, 2]], [[3, 4]], [[5, 6]]]


def test_test_rows_by_a_column(tmp_path: Path) -> None:
    text = "split,label,p\ntrain,a,1\ntest,b,2\nval,b,3\ntest,a,4\n"
    dataset = read(csv(tmp_path, text), test_column="split")
    assert dataset.X.ravel().tolist() == [1, 3]
    assert dataset.X_test is not None and dataset.X_test.ravel().tolist() == [2, 4]
    assert dataset.y_test is not None and dataset.y_test.tolist() == [1, 0]
    other = read(csv(tmp_path, text + "val,a,5\n"), test_column="split", test_value="val")
    assert other.X_test is not None and other.X_test.ravel().tolist() == [3, 5]


def test_a_test_file_of_its_own(tmp_path: Path) -> None:
    csv(tmp_path, "label,p\na,1\nb,2\n", "train.csv")
    csv(tmp_path, "label,p\nb,0.5\n", "test.csv")
    dataset = read(tmp_path, train="train.csv", test="test.csv")
    assert dataset.X.dtype == np.float64
    assert dataset.X_test is not None and dataset.X_test.ravel().tolist() == [0.5]
    csv(tmp_path, "label,q\nb,3\n", "test.csv")
    assert refusal(tmp_path, train="train.csv", test="test.csv").startswith(
        "/test.csv: expected the same pixel columns as in "
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("has_test", [True, False])
def test_the_table_of_a_dataset_is_that_dataset(
    dtype: Any, channels: int, has_test: bool, tmp_path: Path
) -> None:
    scale = 255.0 if dtype == np.uint8 else 1.0
    grays, y = noise(12, channels, 3, 4), np.arange(12) % 11
    images = grays if dtype == np.uint8 else (grays / 255).astype(dtype)
    names = tuple(
        map(str, reversed(range(13)))
    )  # in no order of their own, and two without samples
    dataset = Dataset(images, y, names, scale=scale)
    if has_test:
        dataset = replace(dataset, X_test=images[5:], y_test=y[5:])
    write_dataset_table(tmp_path / "mine.parquet", dataset)
    found = read(
        tmp_path / "mine.parquet",
        scale,
        test_column="part" if has_test else None,
        ignore=("index",) if has_test else ("part", "index"),
        height=3,
        width=4,
        channels=channels,
    )
    assert found.digest == dataset.digest


def test_categories_keep_their_order(tmp_path: Path) -> None:
    labels = pd.Categorical(["z", "a", "z"], categories=["z", "a", "unused"])
    write_parquet(tmp_path / "mine.parquet", pd.DataFrame({"label": labels, "p": [1, 2, 3]}))
    dataset = read(tmp_path / "mine.parquet")
    assert dataset.class_names == ("z", "a", "unused")
    assert dataset.y.tolist() == [0, 1, 0]


@pytest.mark.parametrize("labels", [[3, 1, 3], [3.0, 1.0, 3.0], ["3", "1", "3"]])
def test_labels_of_any_type_in_parquet(labels: Any, tmp_path: Path) -> None:
    write_parquet(tmp_path / "mine.parquet", pd.DataFrame({"label": labels, "p": [1, 2, 3]}))
    dataset = read(tmp_path / "mine.parquet")
    assert dataset.class_names == ("1", "3")
    assert dataset.y.tolist() == [1, 0, 1]


PIXEL = "expected a pixel from 0 to 255 (convert.source.pixel_max), found"
MISTAKES: dict[str, tuple[str, dict[str, Any], str]] = {
    "empty": ("", {}, ": expected columns, each name once, found '' 0 times"),
    "no rows": ("label,p\n", {}, ": expected a row for each sample, found none"),
    "no header": ("1,2,3\n2,3,4\n", {}, ": expected a column 'label', found '1', '2', '3'"),
    "semicolons": ("label;p\na;1\n", {}, ": expected a column 'label', found 'label;p'"),
    "a column twice": ("label,p,p\n", {}, ": expected columns, each name once, found 'p' 2 times"),
    "no such column": (KAGGLE, {"ignore": ("id",)}, ": expected a column 'id', found 'label', "),
    "no square": (
        "label,a,b\nx,1,2\n",
        {},
        ": expected as many as images of the same height and width have pixel columns, found 2:"
        " 'a', 'b'; convert.source.ignore names columns that are no pixels",
    ),
    "another size": (KAGGLE, {"height": 1, "width": 5}, ": expected 5 pixel columns, found 4: "),
    "no pixels": ("label\na\n", {}, ": expected as many as"),
    "text": ("label,p\na,1\nb,dark\n", {}, f", line 3, column 'p': {PIXEL} 'dark'"),
    "blank": ("label,p\na,1\nb,\n", {}, f", line 3, column 'p': {PIXEL} ''"),
    "a short row": ("label,p\na,1\nb\n", {}, ", line 3, column 'p': expected a pixel"),
    "NaN": ("label,p\na,1\nb,nan\n", {}, f", line 3, column 'p': {PIXEL} 'nan'"),
    "negative": ("label,p\na,1\nb,-1\n", {}, f", line 3, column 'p': {PIXEL} -1"),
    "too large": ("label,p\na,1\nb,255.5\n", {}, f", line 3, column 'p': {PIXEL} 255.5"),
    "much too large": ("label,p\na,1\nb,1e999\n", {}, f", line 3, column 'p': {PIXEL} inf"),
    "a long row": ("label,p\na,1\nb,2,3\n", {}, ": cannot read the table: "),
    "no label": ("label,p\na,1\n,2\n", {}, ", line 3, column 'label': expected the name of a"),
    "a label of two lines": ('label,p\na,1\n"b\nc",2\n', {}, ", line 3, column 'label': expected"),
    "one class": ("label,p\na,1\na,2\n", {}, ": expected at least 2 classes, found 1"),
    "no test rows": (
        "part,label,p\ndata,a,1\ndata,b,2\n",
        {"test_column": "part"},
        ": expected rows that have, in column 'part', the text 'test'",
    ),
    "only test rows": (
        "part,label,p\ntest,a,1\ntest,b,2\n",
        {"test_column": "part"},
        ": expected rows that have, in column 'part', another text than 'test'",
    ),
    "a class that is only tested": (
        "part,label,p\ndata,a,1\ndata,b,2\ntest,a,3\ntest,c,4\n",
        {"test_column": "part"},
        ", line 5: expected one of the classes to train on, 'a', 'b', found 'c'",
    ),
}


@pytest.mark.parametrize(("text", "keys", "what"), MISTAKES.values(), ids=MISTAKES)
@pytest.mark.parametrize("values", [1, 2**22])
def test_mistakes(
    values: int,
    text: str,
    keys: dict[str, Any],
    what: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frames, "_VALUES", values)
    assert refusal(csv(tmp_path, text), **keys).startswith(what)


PARQUETS: dict[str, tuple[dict[str, Any], str]] = {
    "a missing pixel": (
        {"label": ["a", "b"], "p": [1, None]},
        f", row 1 (from 0), column 'p': {PIXEL} nan",
    ),
    "a missing label": (
        {"label": ["a", None], "p": [1, 2]},
        ", row 1 (from 0), column 'label': exp",
    ),
    "lists": (
        {"label": ["a", "b"], "p": [[1], [2]]},
        ", row 0 (from 0), column 'p': expected a pix",
    ),
    "dates": (
        {"label": ["a", "b"], "p": pd.to_datetime(["2024-05-06", "2024-05-07"])},
        ", row 0 (from 0), column 'p': expected a pixel",
    ),
}


@pytest.mark.parametrize(("columns", "what"), PARQUETS.values(), ids=PARQUETS)
def test_mistakes_in_parquet(columns: dict[str, Any], what: str, tmp_path: Path) -> None:
    write_parquet(tmp_path / "mine.parquet", pd.DataFrame(columns))
    assert refusal(tmp_path / "mine.parquet").startswith(what)


def test_files_that_are_no_table(tmp_path: Path) -> None:
    assert refusal(tmp_path / "mine.csv") == ": not found"
    assert refusal(tmp_path).startswith(": expected a file; convert.source.train and .test name")
    (tmp_path / "mine.parquet").write_bytes(b"PAR1 no")
    assert refusal(tmp_path / "mine.parquet").startswith(": cannot read the table: ")
    (tmp_path / "mine.csv").write_bytes(b"label,p\na,\xff\n")
    assert refusal(tmp_path / "mine.csv").startswith(": cannot read the table: ")
    (tmp_path / "mine.txt").touch()
    assert refusal(tmp_path / "mine.txt") == ": expected a name that ends in .csv or .parquet"


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ({"pixel_max": 0}, "pixel_max: expected a number above 0"),
        ({"height": 3}, "height: expected height and width, or neither"),
        ({"test": "b.csv"}, "test: expected train to name another file in path"),
        ({"train": "a.csv", "test": "a.csv"}, "test: expected train to name another file in path"),
        (
            {"train": "a.csv", "test": "b.csv", "test_column": "part"},
            "test_column: expected null, as test names a file",
        ),
    ],
)
def test_keys_that_are_wrong(keys: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError) as caught:
        SampleTable(**{"path": "mine.csv", "pixel_max": 255, **keys})
    assert str(caught.value).startswith(what)
