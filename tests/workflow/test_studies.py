"""A study is a DVC project of its own on the same code, and apart from the main one."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.params import load_params
from tests.workflow.project import ROOT, Project
from tests.workflow.test_dependencies import OF_STUDIES, SPY, STUDIES

all_studies = pytest.mark.parametrize("name", STUDIES)


@pytest.fixture(scope="module")
def main_project(built: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The miniature main study with its runs, of whose dataset the studies make use."""
    return built.copy(tmp_path_factory.mktemp("studies") / "project")


def shrunk(project: Project, name: str) -> Project:
    """Return a study in the project, made small."""
    study = Project(project.folder / "studies" / name)

    def shrink(params: Any) -> None:
        params["seeds"] = [0, 1]
        params["train"]["epochs"] = 3

    study.edit_params(shrink)
    return study


@all_studies
def test_a_study_has_the_parameters_of_the_main_one(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as they are about the data: its dataset is that of the main study."""
    monkeypatch.chdir(ROOT / "studies" / name)
    params = load_params()
    assert resolve_models(params)
    assert params.convert == load_params(ROOT / "params.yaml").convert


@all_studies
def test_a_study_is_built_cached_and_apart(name: str, main_project: Project) -> None:
    """A model is one stage; a second build runs nothing; the main project knows nothing of it."""
    study = shrunk(main_project, name)
    models = set(yaml.safe_load((study.folder / "params.yaml").read_text())["models"])
    ran = study.repro()
    assert {f"train@{model}" for model in models} < ran
    assert len(ran) <= 40
    assert study.repro() == set()
    summary = json.loads((study.folder / "metrics/summary.json").read_text())
    assert set(summary) == models
    assert {entry["test_accuracy"]["n"] for entry in summary.values()} == {2}
    assert not re.findall("^studies", main_project.dvc("stage", "list").stdout, re.MULTILINE)
    assert main_project.dvc("status").stdout.strip() == "Data and pipelines are up to date."

    study.append("../../src/cnn_from_scratch/report/tables.py", "# an edit\n")
    main_project.repro("code")
    ran = study.repro()
    assert ran
    assert not {stage for stage in ran if stage.startswith("train")}


def declared_files(dep: Path, root: Path) -> list[Path]:
    """Return the dependency, and if it is a list of code what it lists."""
    listed = json.loads(dep.read_text()) if dep.name.endswith("_code.json") else {}
    return [dep.resolve(), *(root / name for name in listed)]


@all_studies
@pytest.mark.parametrize("stage", OF_STUDIES)
def test_a_studys_stage_declares_what_it_imports(
    name: str, stage: str, main_project: Project
) -> None:
    study = shrunk(main_project, name)
    pipeline = yaml.safe_load((study.folder / "dvc.yaml").read_text())["stages"]
    if stage not in pipeline:
        pytest.skip(f"{name} has no stage {stage}")
    if not (study.folder / "runs").exists():
        study.repro()
    model = next(iter(yaml.safe_load((study.folder / "params.yaml").read_text())["models"]))
    known = {"model": model, "dataset": "../../data/dataset.npz"}
    command = [part.format(**known) for part in OF_STUDIES[stage]]
    output = study.run(sys.executable, "-c", SPY, *command).stdout
    modules: dict[str, str | None] = json.loads(output.splitlines()[-1])
    root = main_project.folder.resolve()
    declared = [
        path for dep in pipeline[stage]["deps"] for path in declared_files(study.folder / dep, root)
    ]
    ours = [
        Path(f).resolve() for f in modules.values() if f and Path(f).resolve().is_relative_to(root)
    ]
    assert ours
    for path in [*ours, (study.folder / command[0]).resolve()]:
        assert any(path.is_relative_to(dep) for dep in declared), f"{path} is not declared"
