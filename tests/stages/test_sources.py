"""The binary sources through all stages, as a user runs them; a bad one changes nothing."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cifar10_files import FOLDER, batches, write_archive
from tests.idx_files import NAMES, write_idx
from tests.stages.project import Project

CONVERT = "stages/convert.py"
MODEL = {
    "architecture": {
        "name": "stack",
        "stack": [
            {"name": "conv2d", "out_channels": 2, "kernel_size": 3},
            {"name": "flatten"},
            {"name": "dense", "out_features": 10},
        ],
    },
    "optimizer": {"name": "adam"},
}
CLASSES = {
    "idx": [*"0123456789"],
    "cifar10": [
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ],
}


PATHS = {"idx": "data/digits", "cifar10": "data/cifar-10-binary.tar.gz"}


def take(project: Project, name: str) -> None:
    """Make a small study of the source."""
    path = project.folder / PATHS[name]
    if name == "idx":
        write_idx(path, samples=40, tests=20)
    else:
        write_archive(path, batches())
    project.edit_params("convert/source", {"name": name, "path": PATHS[name]})
    project.edit_params("models", {"net": MODEL})
    project.edit_params("seeds", [0])
    project.edit_params("train/epochs", 1)


@pytest.mark.parametrize("name", ["idx", pytest.param("cifar10", marks=pytest.mark.release)])
def test_from_the_files_to_the_pictures(project: Project, name: str) -> None:
    take(project, name)
    printed = project.python(CONVERT).stdout
    shape = "6x6" if name == "idx" else "32x32, 3 channels"
    assert f"samples of 10 classes, {shape}\n" in printed
    project.python("stages/train_seeds.py", "--dataset", "data/dataset.npz", "--model", "net")
    predictions = (project.folder / "runs/net/0/predictions.csv").read_text(encoding="utf-8")
    assert {row.split(",")[2] for row in predictions.splitlines()[1:]} == set(CLASSES[name])
    project.python("stages/aggregate.py")
    scores = json.loads((project.folder / "metrics/summary.json").read_text(encoding="utf-8"))
    assert scores["net"]["test_accuracy"]["n"] == 1
    project.python("stages/plot.py", "confusion", "dataset", "misclassified")
    assert (project.folder / "plots/dataset.png").stat().st_size > 1000


SPOILS: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "an IDX file": (
        "idx",
        lambda path: (path / f"{NAMES['labels']}.gz").write_bytes(b"<html>"),
        f"{NAMES['labels']}.gz: expected an IDX file",
    ),
    "an archive": (
        "cifar10",
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        "cifar-10-binary.tar.gz: cannot be read on from byte",
    ),
    "a batch": (
        "cifar10",
        lambda path: write_archive(path, batches() | {"test_batch.bin": b"\x0a" * 3073}),
        f"{FOLDER}/test_batch.bin, byte 0: expected a label from 0 to 9, found 10",
    ),
}


@pytest.mark.parametrize(("name", "spoil", "expected"), SPOILS.values(), ids=SPOILS)
def test_a_bad_source_leaves_the_earlier_outputs(
    project: Project, name: str, spoil: Callable[[Path], object], expected: str
) -> None:
    take(project, name)
    project.python(CONVERT)
    spoil(project.folder / PATHS[name])
    assert expected in project.refusal(CONVERT)
