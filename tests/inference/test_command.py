"""cnn-predict as a user runs it, on samples of every kind."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import PIL.Image
import pytest

from cnn_from_scratch.inference.classifier import load
from tests.idx_files import idx_bytes
from tests.inference.conftest import DATASET
from tests.workbooks import sheet_of_images
from tests.workflow.project import ROOT

IMAGES = DATASET.X[:6]
LABELS = DATASET.names(DATASET.y[:6])
SCRIPT = "from cnn_from_scratch.inference.command import main; main()"


def run(*args: object, check: bool = True) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, args)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=check,
    )


def refusal(*args: object) -> str:
    """Return the one line of a command that fails, without its beginning."""
    failed = run(*args, check=False)
    assert failed.returncode == 1
    assert failed.stdout == ""
    (line,) = failed.stderr.splitlines()
    assert line.startswith("error: ")
    return line.removeprefix("error: ")


def given(*args: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(*args, "--json").stdout)
    return found


def check(found: list[dict[str, Any]], model_folder: Path, atol: float = 1e-12) -> None:
    """Check that the answers are those for IMAGES."""
    expected = load(model_folder).probabilities(IMAGES)
    assert [list(row["probabilities"]) for row in found] == [["bar", "pole", "dot"]] * 6
    actual = [list(row["probabilities"].values()) for row in found]
    np.testing.assert_allclose(actual, expected, rtol=0, atol=atol)
    assert [row["class"] for row in found] == LABELS
    assert [row["probability"] for row in found] == [max(row) for row in actual]


def test_a_table(model_folder: Path, tmp_path: Path) -> None:
    rows = pd.DataFrame(IMAGES.reshape(6, -1)).add_prefix("pixel")
    rows.to_csv(tmp_path / "plain.csv", index=False)
    found = given(model_folder, tmp_path / "plain.csv")
    check(found, model_folder)
    assert found[0]["sample"] == f"{tmp_path / 'plain.csv'}, line 2"
    assert {row["agreeing"] for row in found} <= {1, 2}
    rows = (255 * rows).assign(label="?", writer=3)
    rows.to_parquet(tmp_path / "labelled.parquet")
    options = ("--ignore", "writer", "--pixel-max", "255")
    check(given(model_folder, tmp_path / "labelled.parquet", *options), model_folder)


def test_idx(model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "images").write_bytes(idx_bytes(IMAGES[:, 0]))
    found = given(model_folder, tmp_path / "images")
    check(found, model_folder)
    assert found[5]["sample"] == f"{tmp_path / 'images'}, image 5"


def test_a_workbook_with_and_without_labels(model_folder: Path, tmp_path: Path) -> None:
    for labels in (None, DATASET.y[:6].tolist()):
        sheet_of_images(tmp_path / "new.xlsx", "Mine", IMAGES * 255, labels)
        found = given(model_folder, tmp_path / "new.xlsx", "--sheet", "Mine")
        check(found, model_folder)
    assert found[1]["sample"] == f"{tmp_path / 'new.xlsx'}, sheet 'Mine', cell R5"


def picture(file: Path, image: Any) -> Path:
    """Write an image as ink on white paper, 20 pixels for one."""
    paper = np.pad(np.kron(1 - image, np.ones((20, 20))), 30, constant_values=1.0)
    PIL.Image.fromarray((255 * paper).astype(np.uint8)).save(file)
    return file


def test_pictures_and_a_folder_of_them(model_folder: Path, tmp_path: Path) -> None:
    bars_and_poles = (0, 1, 3)  # a dot would be enlarged
    files = [picture(tmp_path / f"{i}.png", IMAGES[i, 0]) for i in bars_and_poles]
    printed = run(model_folder / "2", tmp_path)
    assert printed.stderr.splitlines() == [
        f"{file}: inverted: its ground is light, that of the samples dark" for file in files
    ]
    header, *rows = printed.stdout.splitlines()
    assert header.split() == ["sample", "class", "probability", "next"]
    assert [row.split()[:2] for row in rows] == [
        [str(file), LABELS[i]] for file, i in zip(files, bars_and_poles, strict=True)
    ]
    assert run(model_folder / "2", *files).stdout == printed.stdout


def test_the_table_of_an_ensemble(model_folder: Path, tmp_path: Path) -> None:
    with (tmp_path / "one.csv").open("w", newline="") as file:
        csv.writer(file).writerows([[f"p{i}" for i in range(36)], IMAGES[0].ravel().tolist()])
    header, row = run(model_folder, tmp_path / "one.csv").stdout.splitlines()
    assert header.split()[-1] == "seeds"
    assert row.split()[-3:] == ["2", "of", "2"]
    (answer,) = given(model_folder, tmp_path / "one.csv")
    assert f"{answer['probability']:.1%}" in row


@pytest.mark.parametrize("how", ["occlusion", "gradient"])
def test_explaining_draws_each_sample(how: str, model_folder: Path, tmp_path: Path) -> None:
    files = [picture(tmp_path / f"{i}.png", IMAGES[i, 0]) for i in range(2)]
    out = tmp_path / "out"
    run(model_folder, *files, "--explain", how, "--explain-to", out)
    assert sorted(file.name for file in out.iterdir()) == ["0001.png", "0002.png"]
    for file in out.iterdir():
        pixels = np.asarray(PIL.Image.open(file).convert("RGB")).reshape(-1, 3).tolist()
        assert [178, 24, 43] in pixels or [33, 102, 172] in pixels  # the strongest


@pytest.mark.release
def test_mistakes_are_one_line(model_folder: Path, tmp_path: Path) -> None:
    network = model_folder / "2"
    (tmp_path / "bad.png").write_bytes(b"no picture")
    assert refusal(network, tmp_path / "none.png") == f"{tmp_path / 'none.png'}: not found"
    assert "expected a PNG or JPEG picture" in refusal(network, tmp_path / "bad.png")
    blank = picture(tmp_path / "blank.png", np.zeros((6, 6)))
    assert refusal(network, blank) == f"{blank}: expected ink on a plain ground, found none"
    (tmp_path / "large").write_bytes(idx_bytes(np.zeros((2, 7, 7))))
    assert refusal(network, tmp_path / "large") == (
        f"{tmp_path / 'large'}: expected images of 1x6x6 for this network, got 1x7x7"
    )
    sheet_of_images(tmp_path / "new.xlsx", "Mine", IMAGES * 255, None)
    assert "(--sheet), found 'Mine'" in refusal(network, tmp_path / "new.xlsx")
    assert "(--pixel-max), found" in refusal(
        network, tmp_path / "new.xlsx", "--sheet", "Mine", "--pixel-max", 100
    )
    assert refusal(network, tmp_path / "new.xlsx", "--first-cell", "?").startswith(
        "--first-cell: expected a cell such as L5"
    )
    for wrong in ("-1", "much"):
        assert refusal(network, blank, "--pixel-max", wrong) == (
            f"argument --pixel-max: expected a number above 0, got '{wrong}'"
        )
    (tmp_path / "folder").mkdir()
    assert refusal(network, tmp_path / "folder").endswith("folder: expected pictures, found none")
    (tmp_path / "folder/sub").mkdir()
    assert refusal(network, tmp_path / "folder") == (
        f"{tmp_path / 'folder/sub'}: expected pictures alone in {tmp_path / 'folder'}, found a"
        " folder"
    )
    assert "none: not found" in refusal(tmp_path / "none", blank)
