"""What `dvc repro` must recompute, and what it must not."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.workflow.project import Project

REPORTING = {"aggregate", "plot"}
CHECK = {"check"}  # of params.yaml, whenever it has changed


def train(model: str, *seeds: int) -> set[str]:
    return {f"train@{model}-{seed}" for seed in seeds}


def set_lr(model: str, lr: float) -> Any:
    def change(params: Any) -> None:
        params["models"][model]["optimizer"]["lr"] = lr

    return change


def test_nothing_changed_runs_nothing(project: Project) -> None:
    assert project.repro() == set()
    assert project.git("status", "--porcelain") == ""


def test_a_changed_hyper_parameter_runs_its_model_only_and_back_runs_no_training(
    project: Project,
) -> None:
    project.edit_params(set_lr("S-SGD", 0.5))
    assert project.repro() == train("S-SGD", 0, 1) | CHECK | REPORTING
    project.edit_params(set_lr("S-SGD", 0.9))
    assert project.repro() <= REPORTING
    assert project.git("status", "--porcelain") == ""


@pytest.mark.release
def test_a_new_seed_runs_only_the_new_runs(project: Project) -> None:
    project.edit_params(lambda params: params["seeds"].append(7))
    assert project.repro() == train("S-SGD", 7) | train("E-Adam", 7) | CHECK | REPORTING


@pytest.mark.release
def test_a_new_model_in_params_alone_runs_only_its_runs(project: Project) -> None:
    def add_model(params: Any) -> None:
        params["models"]["free-logits"] = {
            "architecture": {"name": "enhanced", "activate_logits": False},
            "optimizer": {"name": "adam"},
        }

    project.edit_params(add_model)
    assert project.repro() == train("free-logits", 0, 1) | CHECK | REPORTING
    assert "free-logits" in (project.folder / "metrics/results.md").read_text()


@pytest.mark.parametrize("package", ["nn", pytest.param("experiment", marks=pytest.mark.release)])
def test_an_edit_of_the_code_that_trains_runs_all_training(project: Project, package: str) -> None:
    project.append(f"src/cnn_from_scratch/{package}/__init__.py", "\n# more\n")
    assert train("S-SGD", 0, 1) | train("E-Adam", 0, 1) | {"list_code"} <= project.repro()


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("README.md", "\nMore words.\n", set()),
        ("params.yaml", "\n# more\n", CHECK),
        ("stages/check.py", "\n# more\n", CHECK),
        ("tests/workflow/conftest.py", "\n# more\n", set()),
        ("stages/plot.py", "\n# more\n", {"plot"}),
        ("src/cnn_from_scratch/report/tables.py", "\n# more\n", REPORTING | {"list_code"}),
        pytest.param(
            "src/cnn_from_scratch/report/pictures/losses.py",
            "\n# more\n",
            {"plot", "list_code"},
            marks=pytest.mark.release,
        ),
        pytest.param(
            "src/cnn_from_scratch/data/parquet.py",
            "\n# more\n",
            CHECK | {"convert", "aggregate", "list_code"},
            marks=pytest.mark.release,
        ),
    ],
)
def test_edits_away_from_training_run_no_training(
    project: Project, path: str, text: str, expected: set[str]
) -> None:
    project.append(path, text)
    assert project.repro() == expected


@pytest.mark.release
def test_a_removed_model_and_seed_leave_no_trace(project: Project) -> None:
    def remove(params: Any) -> None:
        del params["models"]["S-SGD"]
        params["seeds"].remove(1)

    project.edit_params(remove)
    assert project.repro() == CHECK | REPORTING
    folder = project.folder
    assert sorted(path.name for path in folder.glob("runs/*/*")) == ["0"]
    summary = json.loads((folder / "metrics/summary.json").read_text())
    assert list(summary) == ["E-Adam"]
    assert summary["E-Adam"]["val_accuracy"]["n"] == 1
    runs = pd.read_parquet(folder / "metrics/runs.parquet")
    assert set(zip(runs["model"], runs["seed"], strict=True)) == {("E-Adam", 0)}
    pages = ["metrics/results.md", "metrics/statistics.md", "metrics/statistics.json"]
    for file in [*pages, *(str(f) for f in Path(folder).glob("plot_data/*.json"))]:
        assert "S-SGD" not in (folder / file).read_text()


@pytest.mark.release
def test_a_clean_clone_rebuilds_the_same_files(clone: Project) -> None:
    runs = train("S-SGD", 0, 1) | train("E-Adam", 0, 1)
    everything_that_git_does_not_hold = {"convert", "list_code"} | CHECK | runs
    assert clone.repro() == everything_that_git_does_not_hold
    assert clone.git("status", "--porcelain") == ""
    assert clone.repro("--force") == everything_that_git_does_not_hold | REPORTING
    assert clone.git("status", "--porcelain") == ""


@pytest.mark.release
def test_after_a_failure_mending_the_input_trains_nothing(project: Project) -> None:
    workbook = project.folder / "data/handwriting_dataset.xlsx"
    good = workbook.read_bytes()
    workbook.write_bytes(good[: len(good) // 2])
    failed = project.dvc("repro", check=False)
    assert failed.returncode != 0
    assert "error: data/handwriting_dataset.xlsx: expected an .xlsx workbook" in failed.stderr
    workbook.write_bytes(good)
    assert project.repro() <= REPORTING
    assert project.git("status", "--porcelain") == ""
    assert project.dvc("status").stdout.strip() == "Data and pipelines are up to date."


@pytest.mark.release
def test_a_diverging_model_does_not_stop_the_others(project: Project) -> None:
    project.edit_params(set_lr("E-Adam", 1e308))
    assert project.repro() == train("E-Adam", 0, 1) | CHECK | REPORTING
    summary = json.loads((project.folder / "metrics/summary.json").read_text())
    assert summary["E-Adam"]["diverged"] == 2
    assert summary["S-SGD"]["diverged"] == 0
    table = (project.folder / "metrics/results.md").read_text()
    assert "E-Adam: 2 runs diverged" in table


@pytest.mark.release
def test_a_workbook_without_a_test_sheet_gives_everything_but_test_accuracy(
    project: Project,
) -> None:
    project.edit_params(lambda params: params["convert"]["source"].update(test_sheet=None))
    assert {"convert", *train("S-SGD", 0, 1), *REPORTING} <= project.repro()
    summary = json.loads((project.folder / "metrics/summary.json").read_text())
    assert "val_accuracy" in summary["S-SGD"]
    assert "test_accuracy" not in summary["S-SGD"]
    for page in ("metrics/results.md", "metrics/statistics.md"):
        assert "Test" not in (project.folder / page).read_text()


@pytest.mark.release
def test_under_resubstitution_nothing_is_called_held_out(project: Project) -> None:
    project.edit_params(lambda params: params["split"].update(protocol="resubstitution"))
    project.repro()
    table = (project.folder / "metrics/results.md").read_text()
    assert "Validation = training samples (resubstitution)" in table
    assert "held" not in table
    summary = json.loads((project.folder / "metrics/summary.json").read_text())
    for model in summary.values():
        assert model["val_accuracy"] == model["train_accuracy"]
