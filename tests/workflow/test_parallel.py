"""make parallel, prune and clean: the same build in several processes, and what may be deleted."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.workflow.project import Project
from tests.workflow.test_repro import train

PARALLEL = (sys.executable, "tools/parallel.py", "--jobs")


def forget(project: Project) -> None:
    """Delete all that is built, and DVC's cache."""
    (project.folder / "dvc.lock").unlink()
    for name in ("runs", ".dvc/cache"):
        shutil.rmtree(project.folder / name)
    for file in (project.folder / "data").glob("dataset.*"):
        file.unlink()


def processes(project: Project) -> list[psutil.Process]:
    """Return the processes that work in the project's folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()) == project.folder and process.pid != os.getpid():
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def is_training(project: Project) -> bool:
    """Return whether a run is under way."""
    return any("stages/train.py" in " ".join(process.cmdline()) for process in processes(project))


@pytest.mark.release
@pytest.mark.parametrize("jobs", [2, 8])
def test_the_lock_is_that_of_the_serial_build(project: Project, jobs: int) -> None:
    serial = (project.folder / "dvc.lock").read_bytes()
    forget(project)
    shown = project.run(*PARALLEL, str(jobs)).stderr
    assert "4/4" in shown
    assert (project.folder / "dvc.lock").read_bytes() == serial
    assert project.git("status", "--porcelain") == ""
    assert project.dvc("status").stdout.strip() == "Data and pipelines are up to date."


@pytest.mark.release
def test_only_what_changed_is_trained(project: Project) -> None:
    def change(params: Any) -> None:
        params["models"]["S-SGD"]["optimizer"]["lr"] = 0.5

    project.edit_params(change)
    assert "2/2" in project.run(*PARALLEL, "2").stderr
    assert project.repro() == set()
    assert "training" not in project.run(*PARALLEL, "2").stderr


@pytest.mark.release
def test_an_edit_of_the_code_is_noticed(project: Project) -> None:
    project.append("src/cnn_from_scratch/nn/__init__.py", "\n# more\n")
    assert "4/4" in project.run(*PARALLEL, "2").stderr
    assert project.repro() == set()


def test_a_run_that_fails_is_named_and_stops_the_build(project: Project) -> None:
    def change(params: Any) -> None:
        stack = [{"name": "flatten"}]
        params["models"]["S-SGD"]["architecture"] = {"name": "stack", "stack": stack}

    project.edit_params(change)
    failed = project.run(*PARALLEL, "2", check=False)
    assert failed.returncode == 1
    assert "not into 3 logits" in failed.stderr  # what the run said
    last = failed.stderr.splitlines()[-1]
    assert last.startswith("error: train@S-SGD-")
    assert processes(project) == []


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.release)]
)
def test_ctrl_c_ends_all_processes_and_the_next_build_goes_on(
    project: Project, number: signal.Signals
) -> None:
    def change(params: Any) -> None:
        params["train"]["epochs"] = 10**6

    before = (project.folder / "params.yaml").read_bytes()
    project.edit_params(change)
    with subprocess.Popen(
        [*PARALLEL, "2"],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that the signal reaches the parent alone
    ) as build:
        while not is_training(project):
            assert build.poll() is None
            time.sleep(0.1)
        build.send_signal(number)
        _, errors = build.communicate(timeout=60)
    assert build.returncode == 1
    assert errors.splitlines()[-1] == "stopped; what is finished is kept"
    assert processes(project) == []
    (project.folder / "params.yaml").write_bytes(before)
    assert project.repro() <= {"aggregate", "plot"}


def test_no_job_is_an_error(project: Project) -> None:
    refused = project.run(*PARALLEL, "0", check=False)
    assert refused.returncode == 1
    assert refused.stderr == "error: --jobs: expected at least 1, got 0\n"


@pytest.mark.release
def test_pruning_deletes_the_stages_that_are_gone(project: Project) -> None:
    def change(params: Any) -> None:
        params["seeds"] = [0]

    project.edit_params(change)
    project.repro()
    lock = project.folder / "dvc.lock"
    assert "train@S-SGD-1" in lock.read_text()
    printed = project.run(sys.executable, "tools/tidy_lock.py").stdout.splitlines()
    assert {line.split(": ")[1] for line in printed} == train("S-SGD", 1) | train("E-Adam", 1)
    assert "train@S-SGD-1" not in lock.read_text()
    assert project.repro() == set()
    tidy = lock.read_bytes()
    assert project.run(sys.executable, "tools/tidy_lock.py").stdout == ""
    assert lock.read_bytes() == tidy


def test_clean_leaves_what_git_holds_and_the_cache_restores_the_rest(project: Project) -> None:
    (project.folder / "scratch").mkdir()
    project.run("make", "clean")
    assert not (project.folder / "runs").exists()
    assert not (project.folder / "data/dataset.npz").exists()
    assert not (project.folder / "scratch").exists()
    assert project.git("status", "--porcelain") == ""
    assert project.repro() == set()
    assert (project.folder / "runs/S-SGD/0/result.json").exists()


def test_distclean_leaves_a_fresh_clone(project: Project) -> None:
    (project.folder / "src/cnn_from_scratch/__pycache__").mkdir(exist_ok=True)
    project.run("make", "distclean")
    assert project.git("status", "--porcelain", "--ignored") == ""
