"""The other DVC commands that users reach for: experiments, and what they show."""

import json
import re
import shlex
import time

import pytest

from tests.experiment.params_files import COMMITTED
from tests.workflow.project import ROOT, Project, started_stages

S_SGD = {"train@S-SGD-0", "train@S-SGD-1"}
PATIENCE = 120  # seconds that a queued experiment may take
REPORTING = {"aggregate", "plot"}
CHECK = {"check"}  # of the changed params.yaml


def summary_of(project: Project, revision: str) -> dict[str, dict[str, dict[str, float]]]:
    result: dict[str, dict[str, dict[str, float]]] = json.loads(
        project.git("show", f"{revision}:metrics/summary.json")
    )
    return result


def experiment(project: Project, name: str) -> str:
    """Return the Git revision of an experiment."""
    return project.git("for-each-ref", "--format=%(objectname)", f"refs/exps/**/{name}").strip()


@pytest.mark.release
def test_an_experiment_runs_what_its_setting_changes(project: Project) -> None:
    output = project.dvc("exp", "run", "-n", "lr", "-S", "models.S-SGD.optimizer.lr=0.5").stdout
    assert started_stages(output) == S_SGD | CHECK | REPORTING
    metrics = project.dvc("metrics", "diff").stdout
    assert "S-SGD.train_loss.mean" in metrics
    assert "E-Adam" not in metrics
    params = project.dvc("params", "diff").stdout
    assert "models.S-SGD.optimizer.lr" in params
    assert "0.5" in params


@pytest.mark.release
def test_experiments_on_epochs_and_seeds(project: Project) -> None:
    project.dvc("exp", "run", "-n", "short", "-S", "train.epochs=2")
    assert summary_of(project, experiment(project, "short"))["S-SGD"]["val_loss"]["n"] == 2
    project.dvc("exp", "run", "-n", "seeds", "-S", "seeds=[0,1,2]")
    assert summary_of(project, experiment(project, "seeds"))["S-SGD"]["val_loss"]["n"] == 3
    shown = project.dvc("exp", "show", "--md").stdout
    assert "short" in shown
    assert "seeds" in shown


@pytest.mark.release
def test_an_experiment_in_a_temporary_folder_runs_the_code_of_its_folder(project: Project) -> None:
    """An editable install points elsewhere; the stages must not follow it."""
    initializers = project.folder / "src/cnn_from_scratch/nn/initializers.py"
    changed = initializers.read_text().replace("np.sqrt(1.0 / fan_in)", "0.0")
    assert changed != initializers.read_text()
    initializers.write_text(changed)
    project.dvc("exp", "run", "--temp", "-n", "zeros")
    before = summary_of(project, "HEAD")
    after = summary_of(project, experiment(project, "zeros"))
    assert before["E-Adam"]["train_loss"]["population_sd"] > 1e-3
    # With every weight 0, all samples get the same logits whatever the seed.
    assert after["E-Adam"]["train_loss"]["population_sd"] < 1e-3


@pytest.mark.release
def test_a_sweep_is_queued_run_compared_and_kept(project: Project) -> None:
    """The life of an experiment: from a sweep to a branch."""
    sweep = ("-S", "models.S-SGD.optimizer.lr=0.3,0.6")
    queued = project.dvc("exp", "run", "--queue", *sweep).stdout
    names = re.findall(r"Queued experiment '(\S+)' for future execution", queued)
    project.dvc("exp", "run", "--run-all", "--jobs", "2")
    params = [project.git("show", f"{experiment(project, name)}:params.yaml") for name in names]
    first, second = (
        names[["lr: 0.3" in text for text in params].index(low)] for low in (True, False)
    )
    assert ["lr: 0.6" in text for text in params].count(True) == 1

    difference = project.dvc("exp", "diff", first, second).stdout
    assert "S-SGD.train_loss.mean" in difference
    assert "models.S-SGD.optimizer.lr" in difference

    project.dvc("exp", "apply", second)
    assert "lr: 0.6" in (project.folder / "params.yaml").read_text()
    assert project.dvc("status").stdout.strip() == "Data and pipelines are up to date."
    project.git("restore", ".")

    project.dvc("exp", "branch", second, "kept")
    assert summary_of(project, "kept") == summary_of(project, experiment(project, second))

    project.dvc("exp", "remove", *names)
    assert not experiment(project, first)


@pytest.mark.release
def test_a_queue_is_worked_off_in_the_background(project: Project) -> None:
    project.dvc("exp", "run", "--queue", "-n", "queued", "-S", "models.S-SGD.optimizer.lr=0.3")
    project.dvc("queue", "start", "--jobs", "2")
    try:
        deadline = time.monotonic() + PATIENCE
        while not experiment(project, "queued"):
            status = project.dvc("queue", "status").stdout
            assert "Failed" not in status and time.monotonic() < deadline, status
            time.sleep(1.0)
    finally:
        project.dvc("queue", "stop", "--kill", check=False)
    assert "lr: 0.3" in project.git("show", f"{experiment(project, 'queued')}:params.yaml")
    assert project.git("status", "--porcelain") == ""  # the workspace was left alone


@pytest.mark.release
def test_the_workspace_can_be_saved_as_an_experiment(project: Project) -> None:
    project.edit_params(lambda params: params["train"].update(epochs=2))
    project.repro()
    project.dvc("exp", "save", "-n", "saved")
    assert summary_of(project, experiment(project, "saved")) != summary_of(project, "HEAD")


def test_the_comments_of_the_parameters_survive_an_experiment(clone: Project) -> None:
    file = clone.folder / "params.yaml"
    text = COMMITTED.read_text(encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    clone.commit("The parameters with their comments")
    clone.dvc("exp", "run", "--queue", "-n", "commented", "-S", "models.S-SGD.optimizer.lr=0.5")
    queued = clone.git("show", "refs/exps/celery/stash:params.yaml")
    assert "lr: 0.5" in queued
    comments = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert comments
    assert [line for line in comments if line not in queued.splitlines()] == []


@pytest.mark.release
def test_what_git_holds_is_enough_to_look_at_the_results(clone: Project) -> None:
    assert "val_accuracy.mean" in clone.dvc("metrics", "show").stdout
    plots = clone.dvc("plots", "show").stdout
    page = (clone.folder / plots.strip().removeprefix("file://")).read_text()
    for shown in ("Training loss", "Validation accuracy", "S-SGD", "confusion.png"):
        assert shown in page

    def lower_lr(params: dict[str, dict[str, dict[str, dict[str, float]]]]) -> None:
        params["models"]["S-SGD"]["optimizer"]["lr"] = 0.5

    clone.edit_params(lower_lr)
    clone.repro()
    clone.commit("A lower learning rate")
    again = clone.clone(clone.folder.parent / "again")
    assert "S-SGD.train_loss.mean" in again.dvc("metrics", "diff", "HEAD~1").stdout
    assert "models.S-SGD.optimizer.lr" in again.dvc("params", "diff", "HEAD~1").stdout
    assert "S-SGD" in again.dvc("exp", "show", "--md", "-n", "2").stdout
    plots = again.dvc("plots", "diff", "HEAD~1").stdout
    page = (again.folder / plots.strip().removeprefix("file://")).read_text()
    assert '"rev": "HEAD~1"' in page
    assert '"rev": "workspace"' in page


@pytest.mark.release
def test_every_part_of_the_library_is_a_setting(project: Project) -> None:
    settings = (
        "+models.S-SGD.architecture.batch_norm=true",
        "+models.S-SGD.architecture.dropout=0.1",
        "+models.S-SGD.architecture.init=he",
        "models.S-SGD.optimizer.name=nag",
        "+models.S-SGD.schedule.name=cosine",
        "+train.augment.shift=1",
        "+train.best_checkpoint=true",
    )
    output = project.dvc("exp", "run", *(arg for s in settings for arg in ("-S", s))).stdout
    assert started_stages(output) > S_SGD
    table = (project.folder / "metrics/results.md").read_text()
    assert "NAG lr 0.9, momentum 0.9; Cosine schedule" in table
    assert "Validation (used to select the network)" in table
    assert "held" not in table


@pytest.mark.release
def test_leftovers_of_an_override_are_named_with_the_way_to_remove_them(project: Project) -> None:
    to_sgd = ("-S", "models.E-Adam.optimizer.name=sgd")
    failed = project.dvc("exp", "run", *to_sgd, check=False)
    assert failed.returncode != 0
    assert (
        "error: params.yaml: models.E-Adam.optimizer.beta1: unknown; 'sgd' knows lr, weight_decay"
        " (to remove it: -S '~models.E-Adam.optimizer.beta1')" in failed.stderr
    )
    project.git("restore", ".")
    leftovers = ("beta1", "beta2")
    removals = (arg for key in leftovers for arg in ("-S", f"~models.E-Adam.optimizer.{key}"))
    output = project.dvc("exp", "run", *to_sgd, *removals).stdout
    assert {"train@E-Adam-0", "train@E-Adam-1"} <= started_stages(output)


@pytest.mark.release
def test_experiments_are_listed_narrowly_by_the_command_in_the_docs(project: Project) -> None:
    page = (ROOT / "docs/experiments.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^dvc (exp show .*)$", page, flags=re.MULTILINE)
    project.dvc("exp", "run", "-n", "slow", "-S", "models.S-SGD.optimizer.lr=1e-3")
    header, *rows = project.dvc(*shlex.split(command), "--md").stdout.splitlines()
    columns = [cell.strip() for cell in header.strip("|").split("|")]
    assert "models.S-SGD.optimizer.lr" in columns
    kinds = ("Experiment", "Created", "S-SGD.test_accuracy.mean", "models.S-SGD.optimizer.lr")
    assert set(columns) <= set(kinds)
    assert any("slow" in row and "0.001" in row for row in rows)
    assert max(map(len, rows)) < 120


def test_every_figure_has_a_row_of_its_own(clone: Project) -> None:
    lines = clone.dvc("metrics", "diff", "--all").stdout.splitlines()
    assert sum("E-Adam.test_accuracy.mean" in line for line in lines) == 1
    assert max(map(len, lines)) < 100
