"""tools/tidy_lock.py, that is `make prune`: one line for what DVC cannot read."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.workflow.project import Project
from tests.workflow.test_repro import train


def append(name: str, text: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(text)

    return change


LOCK = "cannot tidy dvc.lock: unable to read: 'dvc.lock', YAML file structure is corrupted"
BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "conflict marks": (append("dvc.lock", "<<<<<<< HEAD\n=======\n>>>>>>> other\n"), LOCK),
    "zero bytes": (lambda folder: (folder / "dvc.lock").write_bytes(bytes(99)), LOCK),
    "another lock": (
        lambda folder: (folder / "dvc.lock").write_text("[1]"),
        "cannot tidy dvc.lock: './dvc.lock' validation failed",
    ),
    "params.yaml": (append("params.yaml", "models: {\n"), "params.yaml: line "),
    "dvc.yaml": (append("dvc.yaml", "stages: {\n"), "cannot tidy dvc.lock: unable to read: 'dvc.y"),
    "no Git": (lambda folder: shutil.rmtree(folder / ".git"), "cannot tidy dvc.lock: "),
    "no DVC": (lambda folder: shutil.rmtree(folder / ".dvc"), "cannot tidy dvc.lock: you are not"),
}


@pytest.mark.parametrize(("spoil", "line"), BROKEN.values(), ids=BROKEN)
def test_what_dvc_cannot_read_is_one_line_and_changes_nothing(
    project: Project, spoil: Callable[[Path], object], line: str
) -> None:
    spoil(project.folder)
    before = (project.folder / "dvc.lock").read_bytes()
    failed = project.run(sys.executable, "tools/tidy_lock.py", check=False)
    assert failed.returncode == 1
    assert failed.stderr.startswith(f"error: {line}")
    assert len(failed.stderr.splitlines()) == 1
    assert (project.folder / "dvc.lock").read_bytes() == before


def test_a_lock_without_stages_is_tidy(project: Project) -> None:
    (project.folder / "dvc.lock").write_text("schema: '2.0'\n")
    assert project.run(sys.executable, "tools/tidy_lock.py").stdout == ""


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
