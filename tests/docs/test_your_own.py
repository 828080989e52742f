"""docs/your-own.md: a folder of pictures becomes a study by what the page says, and no more."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from cnn_from_scratch.data.sources import SOURCES
from tests.docs.test_commands import in_block
from tests.docs.test_extending import blocks
from tests.workflow.project import ROOT, copy_of_this_project

PAGE = (ROOT / "docs/your-own.md").read_text(encoding="utf-8")
CLASSES = ("four", "one", "zero")
PER_CLASS = 20


def write_pictures(folder: Path) -> None:
    """Write digits as dark ink on light paper, half of them as PNG in colour, half as JPEG."""
    digits = load_digits()
    for name, digit in zip(CLASSES, (4, 1, 0), strict=True):
        (folder / name).mkdir(parents=True)
        for i, image in enumerate(digits.images[digits.target == digit][:PER_CLASS]):
            paper = Image.fromarray((255 - 15 * image).astype(np.uint8)).resize((60, 80))
            if i % 2:
                paper.convert("RGB").save(folder / name / f"{i}.png")
            else:
                paper.save(folder / name / f"{i}.jpg")


@pytest.mark.release
def test_a_folder_of_pictures_becomes_a_study(tmp_path: Path) -> None:
    project = copy_of_this_project(tmp_path / "project")
    write_pictures(project.folder / "data/mine")
    (params,) = blocks("yaml", PAGE)
    (project.folder / "params.yaml").write_text(params, encoding="utf-8")
    block, *_ = blocks("console", PAGE)  # the first is that section's
    for command in in_block(block):
        project.run("bash", "-c", command)

    summary = json.loads((project.folder / "metrics/summary.json").read_text())
    assert set(summary) == {"LeNet", "Simple"}
    results = (project.folder / "metrics/results.md").read_text(encoding="utf-8")
    assert "LeNet" in results
    predictions = (project.folder / "runs/LeNet/0/predictions.csv").read_text().splitlines()
    tested = [line.split(",") for line in predictions if line.startswith("test,")]
    assert len(tested) == len(CLASSES) * PER_CLASS // 5
    assert {row[2] for row in tested} == set(CLASSES)
    assert np.mean([row[2] == row[3] for row in tested]) > 0.8
    assert (project.folder / "plots/misclassified.png").exists()

    (project.folder / "data/mine/one/0.jpg").unlink()
    stages = project.repro("convert")
    assert stages == {"check", "convert"}


def test_the_table_of_sources_names_their_keys() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]* \| ([^|]*) \|$", PAGE, flags=re.MULTILINE))
    assert rows
    for name, words in rows.items():
        keys = set(SOURCES[name].__dataclass_fields__) - {"path"}  # type: ignore[attr-defined]
        named = re.sub(r"\([^)]*\)", "", words)
        assert set(re.findall(r"`(\w+)`", named)) == keys
