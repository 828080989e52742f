"""A temporary copy of this project, and the commands that its users give in it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cnn_from_scratch.experiment.params_file import read_params

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Project:
    """A Git and DVC repository in a folder of its own, with DVC's site cache beside it."""

    folder: Path

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in the folder, in this test's Python environment."""
        result = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(),
            text=True,
            capture_output=True,
            check=False,
        )
        assert not check or result.returncode == 0, result.stdout + result.stderr
        return result

    def dvc(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run dvc."""
        return self.run(sys.executable, "-m", "dvc", *args, check=check)

    def git(self, *args: str) -> str:
        """Run git and return what it prints."""
        return self.run("git", *args).stdout

    def repro(self, *args: str) -> set[str]:
        """Run `dvc repro` and return the stages whose commands ran."""
        return started_stages(self.dvc("repro", *args).stdout)

    def commit(self, message: str) -> None:
        """Commit everything that is not ignored."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def edit_params(self, change: Callable[[Any], None]) -> None:
        """Change params.yaml."""
        file = self.folder / "params.yaml"
        params = read_params(file)
        change(params)
        file.write_text(yaml.safe_dump(params, sort_keys=False))

    def append(self, path: str, text: str) -> None:
        """Add text to the end of a file."""
        with (self.folder / path).open("a") as file:
            file.write(text)

    def clone(self, folder: Path) -> "Project":
        """Return a Git clone: what is committed, and no DVC cache."""
        self.git("clone", "--quiet", str(self.folder), str(folder))
        return configured(Project(folder))

    def copy(self, folder: Path) -> "Project":
        """Return a copy with everything, the DVC cache included."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder)

    def environment(self) -> dict[str, str]:
        """Return the variables of this project's commands."""
        inherited = {key: value for key, value in os.environ.items() if "PYTHONPATH" not in key}
        binaries = str(Path(sys.executable).parent)
        return inherited | {
            "PATH": os.pathsep.join([binaries, inherited["PATH"]]),
            "DVC_SITE_CACHE_DIR": f"{self.folder}-site-cache",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }


def started_stages(output: str) -> set[str]:
    """Return the names of the stages whose commands DVC says it ran."""
    return set(re.findall(r"Running stage '([^']+)'", output))


def copy_of_this_project(folder: Path) -> Project:
    """Return a new repository with this working tree's files, without DVC's lock and results."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    made_by_dvc = ("dvc.lock", "metrics/", "plot_data/", "plots/")
    for name in filter(None, listed.stdout.split("\0")):
        if not name.startswith(made_by_dvc) and (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    project = Project(folder)
    project.git("init", "--quiet")
    return configured(project)


def switch_on_merge_driver(project: Project) -> None:
    """Give the command of docs/pipeline.md, in a project with this test's environment as .venv."""
    python = project.folder / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    page = (ROOT / "docs/pipeline.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^git config merge\..*$", page, re.MULTILINE)
    project.run("sh", "-c", command)


def configured(project: Project) -> Project:
    """Return the project, with a name for its commits."""
    project.git("config", "user.name", "test")
    project.git("config", "user.email", "test@example.org")
    return project
