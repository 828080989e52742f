"""Builds that are disturbed, and what must be there afterwards all the same."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.workflow.project import Project


@dataclass(frozen=True)
class Study:
    """A built and committed study, and how long its build takes."""

    project: Project
    seconds: float

    def untrained(self, folder: Path) -> Project:
        """Return a copy whose runs are all to be trained again."""
        project = self.project.copy(folder)
        forget(project)
        return project


def forget(project: Project) -> None:
    """Delete all runs, and what dvc.lock and DVC's run cache have of them."""
    lock = project.folder / "dvc.lock"
    lock.write_text(re.sub(r"(?ms)^  train@.*?(?=^  \S|\Z)", "", lock.read_text()))
    shutil.rmtree(project.folder / "runs")
    for entry in list((project.folder / ".dvc/cache/runs").glob("*/*/*")):
        if "python stages/train.py" in entry.read_text():
            shutil.rmtree(entry.parent)


@contextmanager
def building(project: Project, *args: str) -> "Iterator[subprocess.Popen[str]]":
    """Start what `make` starts, and give the process of the build."""
    project.run(sys.executable, "tools/mend_locks.py")
    with subprocess.Popen(
        [sys.executable, "tools/build.py", *args],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that a signal reaches it alone
    ) as build:
        try:
            yield build
        finally:
            build.kill()


def finish(project: Project, study: Study, *args: str) -> str:
    """Build, check that all is as it was committed, and return what the build says."""
    with building(project, *args) as build:
        said, errors = build.communicate(timeout=120)
    assert build.returncode == 0, errors
    check_committed(project, study)
    return str(said)


def check_committed(project: Project, study: Study) -> None:
    """Check that all is as it was committed, and nothing is left behind."""
    assert project.git("status", "--porcelain") == ""
    assert _files(project.folder / "runs") == _files(study.project.folder / "runs")
    assert _names(project.folder) == _names(study.project.folder)
    assert kept(project) == 0
    check_quiet(project)


def check_quiet(project: Project) -> None:
    """Check that no process, lock or unfinished file is left."""
    check_no_process(project)
    notes = json.loads((project.folder / ".dvc/tmp/rwlock").read_text())
    assert not any(notes.values())
    assert list(project.folder.rglob("*.partial")) == []


def check_no_process(project: Project) -> None:
    """Check that no process works in the project, or soon will not any more."""
    until = time.monotonic() + 5.0
    while left := processes(project):
        assert time.monotonic() < until, left
        time.sleep(0.1)


def kept(project: Project) -> int:
    """Return how many records are kept for the next build."""
    return len(list((project.folder / ".dvc/tmp/records").glob("*/SHA256SUMS")))


def processes(project: Project) -> list[psutil.Process]:
    """Return the processes that work in the project's folder."""
    found = []
    for process in psutil.process_iter():
        try:
            here = Path(process.cwd()) == project.folder
            if here and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
