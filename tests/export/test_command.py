"""cnn-export as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from cnn_from_scratch.inference.classifier import load
from tests.export.runtime import outputs
from tests.inference.conftest import DATASET, model_folder
from tests.workflow.project import ROOT

__all__ = ["model_folder"]

SCRIPT = "from cnn_from_scratch.export.command import main; main()"


def run(*args: object, script: str = SCRIPT) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, args)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("network", ["2", "10/checkpoint.npz"])
def test_the_file_gives_the_networks_probabilities(
    network: str, model_folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "model.onnx"
    done = run(model_folder / network, file)
    assert done.stdout == f"{file}: images N x 1x6x6 of float64, pixels in 0..1\n"
    model = onnx.load(file)
    _, probabilities = outputs(model, DATASET.X)
    expected = load(model_folder / network).probabilities(DATASET.X)
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-5)  # of portable numerics
    texts = {prop.key: json.loads(prop.value) for prop in model.metadata_props}
    assert texts["class_names"] == ["bar", "pole", "dot"]
    assert texts["architecture"]["name"] == "simple"
    assert texts["preparation"]["ground"] == 0.0


def test_mistakes_are_one_line(model_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    failed = run(model_folder, file)
    assert failed.returncode == 1
    assert failed.stderr == (
        f"error: {model_folder}: expected one run, found a model's 2; choose one of them\n"
    )
    without = "import sys; sys.modules['onnx'] = None; " + SCRIPT
    failed = run(model_folder / "2", file, script=without)
    assert failed.returncode == 1
    assert failed.stderr == (
        "error: ONNX needs onnx, which is not installed: pip install -e '.[onnx]'\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_not_replaced(model_folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "mine/kept"
    kept.parent.mkdir()
    kept.write_text("precious")
    failed = run(model_folder / "2", kept.parent)
    assert failed.returncode == 1
    assert failed.stderr == (
        f"error: {kept.parent}: is there and is no file; expected a file's name\n"
    )
    assert list(tmp_path.iterdir()) == [kept.parent]
    assert kept.read_text() == "precious"
