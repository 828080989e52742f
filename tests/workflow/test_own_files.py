"""What is one's own is never lost by a build that `make` starts."""

import sys
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from tests.workflow.project import Project


def check(folder: Path, project: Project) -> str:
    """Return the error of the check that make runs in a project's folder."""
    script = str(project.folder / "stages/check.py")
    result = Project(folder).run(sys.executable, script, "--study", check=False)
    assert result.stdout == ""
    assert (result.returncode == 0) == (result.stderr == "")
    return result.stderr


@pytest.mark.release
def test_a_build_deletes_the_records_that_are_gone_and_nothing_else(project: Project) -> None:
    runs = project.folder / "runs"
    project.run("cp", "-r", "runs/S-SGD", "runs/S-SGD-before")
    (runs / "S-SGD/notes.md").write_text("mine")
    (runs / "notes").mkdir()
    (runs / "notes/1.md").write_text("mine")
    copied = sorted(path.name for path in (runs / "S-SGD-before/0").iterdir())
    assert check(project.folder, project) == ""
    project.edit_params(lambda params: params["models"].pop("S-SGD"))
    output = project.dvc("repro").stdout
    for seed in (0, 1):
        place = Path("runs/S-SGD", str(seed))
        assert f"{place}: no longer named in params.yaml, deleted" in output.splitlines()
    assert sorted(path.name for path in (runs / "S-SGD").iterdir()) == ["notes.md"]
    assert sorted(path.name for path in (runs / "S-SGD-before/0").iterdir()) == copied
    assert (runs / "notes/1.md").read_text() == "mine"
    for name in ("S-SGD", "S-SGD-before", "notes"):
        line = (
            f"{Path('runs', name)}: is no run of params.yaml's, nor a record to delete; left alone"
        )
        assert line in output.splitlines()


@pytest.mark.parametrize("name", ["notes.md", "notes/1.md"])
def test_make_stops_before_dvc_deletes_what_lies_in_a_runs_folder(
    project: Project, name: str
) -> None:
    file = project.folder / "runs/S-SGD/0" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine")
    expected = f"error: {Path('runs/S-SGD/0', name)}: DVC deletes this with the run beside it"
    assert check(project.folder, project).startswith(expected)
    project.dvc("repro", "train@S-SGD-0")  # with nothing changed for the stage that checks
    assert not file.exists()  # so it was right to stop


def brighten_l5(project: Project) -> None:
    file = project.folder / "data/handwriting_dataset.xlsx"
    book = openpyxl.load_workbook(file)
    book["Data"]["L5"] = 77
    book.save(file)


@pytest.mark.parametrize(
    "change",
    [
        lambda project: project.edit_params(lambda params: params["train"].update(epochs=4)),
        brighten_l5,
    ],
    ids=["parameters", "data"],
)
def test_dvc_itself_stops_where_parameters_or_data_have_changed(
    project: Project, change: Callable[[Project], None]
) -> None:
    file = project.folder / "runs/S-SGD/0/notes.md"
    file.write_text("mine")
    change(project)
    failed = project.dvc("repro", check=False)
    assert failed.returncode != 0
    assert f"error: {Path('runs/S-SGD/0/notes.md')}: DVC deletes this" in failed.stderr
    assert file.read_text() == "mine"


def test_what_a_study_keeps_beside_its_seeds_is_in_dvcs_way(project: Project) -> None:
    study = project.folder / "studies/logits"
    (study / "dvc.lock").write_text("stages:\n  train@A:\n    outs:\n    - path: runs/A\n")
    for name in ("A/0/result.json", "A/0.1/0/SHA256SUMS", "A/.DS_Store", "notes.md"):
        (study / "runs" / name).parent.mkdir(parents=True, exist_ok=True)
        (study / "runs" / name).touch()
    assert check(study, project) == ""
    for name in ("A/notes.md", "A/0-before/result.json"):  # notes, and a copy of a run
        file = study / "runs" / name
        file.parent.mkdir(exist_ok=True)
        file.touch()
        assert check(study, project).startswith(f"error: {Path('runs', name)}: DVC deletes this")
        file.unlink()


@pytest.mark.release
def test_what_lies_beside_the_results_outlives_every_build_of_them(project: Project) -> None:
    """Also where the stage that checks has nothing to do."""
    mine = [project.folder / folder / "mine.md" for folder in ("metrics", "plot_data", "plots")]
    for file in mine:
        file.write_text("mine")
    assert check(project.folder, project) == ""
    assert project.repro() == {"aggregate", "plot"}  # as their outputs have changed
    assert project.repro() == set()
    project.append("stages/aggregate.py", "\n# more\n")
    project.append("stages/plot.py", "\n# more\n")
    assert project.repro() == {"aggregate", "plot"}
    assert "aggregate" in project.repro("--force")
    assert [file.read_text() for file in mine] == ["mine"] * 3


def test_before_a_first_build_there_is_nothing_to_lose(project: Project) -> None:
    (project.folder / "dvc.lock").unlink()
    assert check(project.folder, project) == ""
