"""The registry of pictures: each is drawn from what its row takes, and from nothing else."""

import re
from functools import cached_property
from pathlib import Path
from unittest.mock import MagicMock

import pytest
import yaml
from matplotlib.figure import Figure

from cnn_from_scratch.report.outputs import Outputs
from cnn_from_scratch.report.pictures import registry
from cnn_from_scratch.report.pictures.registry import PICTURES
from tests.workflow.project import ROOT

PROJECTS = [file.parent for file in (ROOT / "dvc.yaml", *ROOT.glob("studies/*/dvc.yaml"))]
# What each of the outputs is read from, as a stage's dependencies name it.
FILES = {
    "dataset": {"data/dataset.npz"},
    "scores": {"metrics/runs.parquet"},
    "statistics": {"metrics/statistics.json"},
    "class_names": {"plot_data"},
    "train_loss": {"plot_data"},
    "confusion": {"plot_data"},
    "misclassified": {"plot_data"},
    "reliability": {"plot_data"},
    "best_network": {"runs", "data/dataset.npz", "metrics/runs.parquet"},
}


class Spied(Outputs):
    """Outputs that read nothing, and note what is asked for."""

    def __init__(self) -> None:
        super().__init__(Path("data/dataset.npz"))
        self.asked: set[str] = set()

    def __getattribute__(self, name: str) -> object:
        if name not in FILES:
            return super().__getattribute__(name)
        self.asked.add(name)
        return MagicMock()


def test_the_outputs_have_files() -> None:
    cached = {n for n, v in vars(Outputs).items() if isinstance(v, cached_property)}
    assert cached == FILES.keys()


def drawn_by(project: Path) -> tuple[list[str], set[str]]:
    """Return the pictures that a project's stage draws, and what the stage depends on."""
    stages = yaml.safe_load((project / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    if "plot" not in stages:  # it draws pictures of its own alone
        return [], set()
    stage = stages["plot"]
    names = re.split(r"stages/plot\.py", stage["cmd"])[1].split()
    return names, {dep.removeprefix("../../") for dep in stage["deps"]}


def test_every_picture_is_drawn_somewhere() -> None:
    assert {name for project in PROJECTS for name in drawn_by(project)[0]} == PICTURES.keys()


@pytest.mark.parametrize("name", PICTURES)
def test_whoever_draws_a_picture_depends_on_what_it_is_drawn_from(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for figure in [figure for figure in vars(registry) if figure.endswith("_figure")]:
        monkeypatch.setattr(registry, figure, lambda *_: Figure())
    outputs = Spied()
    PICTURES[name](outputs)
    read = {file for asked in outputs.asked for file in FILES[asked]}
    assert read
    for project in PROJECTS:
        names, deps = drawn_by(project)
        assert name not in names or read <= deps, project
