"""docs/using.md and README: the programs that use a trained network run as they stand."""

import re
from pathlib import Path

import numpy as np
import onnx
import PIL.Image
import pytest

from cnn_from_scratch.experiment.trained import read_trained
from cnn_from_scratch.export.onnx import to_onnx
from tests.docs.test_extending import blocks
from tests.inference.conftest import DATASET, model_folder
from tests.workflow.project import ROOT

__all__ = ["model_folder"]

PAGE = (ROOT / "docs/using.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
IN_PYTHON, WITH_ONNX = blocks("python", PAGE)


@pytest.fixture
def folder(model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a picture of a pole and the runs of a model, as the pages name them."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/S-Adam").symlink_to(model_folder)
    paper = np.pad(np.kron(1 - DATASET.X[1, 0], np.ones((20, 20))), 30, constant_values=1.0)
    PIL.Image.fromarray((255 * paper).astype(np.uint8)).save(tmp_path / "digit.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(program: str) -> None:
    exec(compile(program, "a page", "exec"), {})


def test_the_program_that_classifies(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(IN_PYTHON)
    label, probability, *_ = capsys.readouterr().out.split()
    assert label == "pole"
    assert float(probability) > 0.5


def test_the_two_lines_of_the_readme(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = blocks("python", README)
    assert len(list(filter(None, program.splitlines()))) == 2
    run(program)
    assert "label='pole'" in capsys.readouterr().out


def test_the_program_that_runs_an_onnx_model(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (folder / "runs/S-Adam/2/checkpoint.npz").read_bytes()
    network = read_trained(content, "checkpoint.npz").network
    onnx.save(to_onnx(network, DATASET.class_names, {}), "model.onnx")
    run(WITH_ONNX)
    logits, _ = network.forward(np.zeros((1, 1, 6, 6)))
    assert capsys.readouterr().out == f"{DATASET.class_names[logits.argmax()]}\n"


def test_the_keys_of_the_file(folder: Path) -> None:
    content = (folder / "runs/S-Adam/2/checkpoint.npz").read_bytes()
    description = read_trained(content, "checkpoint.npz").description
    section = PAGE.partition("## What is in the file")[2]
    rows = re.findall(r"^\| (`[^|]+`) \| [^|]* \|$", section, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named | {"shapes"} == {"format", "version", *vars(description)}  # each is its layer's
