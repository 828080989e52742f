"""A study is a DVC project of its own on the same code, and apart from the main one."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cnn_from_scratch.data.sources import resolve_source
from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.params import load_params
from cnn_from_scratch.experiment.params_file import read_params
from tests.cifar10_files import batches, write_folder
from tests.idx_files import write_idx
from tests.workflow.project import ROOT, Project
from tests.workflow.test_dependencies import OF_STUDIES, SPY, STUDIES

FIRST = "logits"  # an edit of what studies share shows in any of them


@pytest.fixture(
    scope="module",
    params=[
        name if name == FIRST else pytest.param(name, marks=pytest.mark.release) for name in STUDIES
    ],
)
def study(request: Any, built: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A study beside the miniature main one, made small: two models, two seeds, two epochs."""
    project = built.copy(tmp_path_factory.mktemp(request.param) / "project")
    small = Project(project.folder / "studies" / request.param)
    if request.param in GENERATED:
        GENERATED[request.param](project.folder / "data")
    small.edit_params(shrink)
    return small


def _digits(folder: Path) -> None:
    """Write what studies/mnist reads: its official test digits, which are its only ones."""
    write_idx(folder / "mnist", samples=10, tests=200, shape=(28, 28))


# The official files that are not in Git, by the study: random samples in the same format.
GENERATED: dict[str, Callable[[Path], object]] = {
    "mnist": _digits,
    "cifar10": lambda folder: write_folder(folder / "cifar-10-batches-bin", batches()),
}


def shrink(params: Any) -> None:
    params["seeds"] = [0, 1]
    params["models"] = dict(list(params["models"].items())[:2])
    if "seed" in params["split"]:
        params["seeds"] = params["split"]["seed"] = [0, 1, 2]  # the fewest of each that it takes
    for train in (params["train"], *(m.get("train", {}) for m in params["models"].values())):
        if "epochs" in train:
            train["epochs"] = 2
        train.pop("backend", None)  # compiling would take longest by far
    for model in params["models"].values():
        if isinstance(model["optimizer"]["lr"], list):
            model["optimizer"]["lr"] = model["optimizer"]["lr"][-2:]
    if "contrasts" in params:
        first, second = params["models"]
        params["contrasts"] = {"both": {first: 1, second: -1}}


def main_project(study: Project) -> Project:
    """Return the main project that a study belongs to."""
    return Project(study.folder.parents[1])


def pipeline(study: Project) -> dict[str, Any]:
    """Return the stages of a study's dvc.yaml."""
    stages: dict[str, Any] = yaml.safe_load((study.folder / "dvc.yaml").read_text())["stages"]
    return stages


def models(study: Project) -> list[str]:
    """Return the names of a study's models."""
    return list(yaml.safe_load((study.folder / "params.yaml").read_text())["models"])


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_has_the_parameters_of_the_main_one(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for where samples come from: it has a section about that if it makes its own dataset."""
    monkeypatch.chdir(ROOT / "studies" / name)
    params = load_params()
    assert resolve_models(params)
    assert (params.convert is not None) == ("convert" in pipeline(Project(Path())))
    if params.convert is not None:
        resolve_source(params)


def test_the_studies_stay_small() -> None:
    """Stages that are not built cost every call of dvc."""
    projects = [Project(ROOT / "studies" / name) for name in STUDIES]
    stages = [len(pipeline(project)) - 1 + len(models(project)) for project in projects]
    assert max(stages) <= 40
    assert sum(stages) <= 135


def test_a_study_is_built_cached_and_apart(study: Project) -> None:
    """A model is one stage; a second build runs nothing; the main project knows nothing of it."""
    trained = {f"train@{model}" for model in models(study)}
    unchanged = {"neighbours"}  # which looks at the dataset alone, and whose results Git holds
    assert study.repro() == trained | set(pipeline(study)) - {"train"} - unchanged
    assert study.repro() == set()
    [metrics] = yaml.safe_load((study.folder / "dvc.yaml").read_text())["metrics"]
    summary = json.loads((study.folder / metrics).read_text())
    assert list(summary) == models(study)
    runs = {entry.get("test_accuracy", entry)["n"] for entry in summary.values()}
    assert runs == {9 if "seed" in read_params(study.folder / "params.yaml")["split"] else 2}
    main = main_project(study)
    assert not re.findall("^studies", main.dvc("stage", "list").stdout, re.MULTILINE)
    assert main.dvc("status").stdout.strip() == "Data and pipelines are up to date."


@pytest.mark.release
def test_a_studys_stages_declare_what_they_import(study: Project) -> None:
    study.repro()
    dataset = "data/dataset.npz" if "convert" in pipeline(study) else "../../data/dataset.npz"
    known = {"model": models(study)[0], "dataset": dataset}
    root = main_project(study).folder.resolve()
    for stage, definition in pipeline(study).items():
        command = [part.format(**known) for part in OF_STUDIES[stage]]
        output = study.run(sys.executable, "-c", SPY, *command).stdout
        imported: dict[str, str | None] = json.loads(output.splitlines()[-1])
        declared = {
            path for dep in definition["deps"] for path in declared_files(study.folder / dep, root)
        }
        files = {Path(file).resolve() for file in imported.values() if file}
        ours = {file for file in files if file.is_relative_to(root)}
        assert ours
        assert ours | {(study.folder / command[0]).resolve()} <= declared, stage


def declared_files(dep: Path, root: Path) -> list[Path]:
    """Return the dependency, and if it is a list of code what it lists."""
    listed = json.loads(dep.read_text()) if dep.name.endswith("_code.json") else {}
    return [dep.resolve(), *(root / name for name in listed)]


@pytest.mark.parametrize("name", STUDIES)
def test_an_edit_of_the_report_trains_nothing(name: str) -> None:
    deps = pipeline(Project(ROOT / "studies" / name))["train"]["deps"]
    assert [dep for dep in deps if dep.endswith("_code.json")] == ["../../src/training_code.json"]
