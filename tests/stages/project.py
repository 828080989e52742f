"""A temporary copy of the scripts and their source, and the commands that a user gives in it."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cnn_from_scratch.experiment.params_file import read_params

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Project:
    """A folder with src/, stages/, params.yaml and data/."""

    folder: Path

    def copy(self, folder: Path) -> "Project":
        """Return a copy, to change at will."""
        shutil.copytree(self.folder, folder)
        return Project(folder)

    def python(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run this test's Python interpreter in the folder."""
        result = subprocess.run(
            [sys.executable, *args],
            cwd=self.folder,
            env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert not check or result.returncode == 0, result.stdout + result.stderr
        return result

    def train(self, model: str = "S-Adam", seed: int = 0, *args: str) -> str:
        """Train for two epochs, if `args` do not say otherwise; return what it prints."""
        command = ("stages/train.py", "--model", model, "--seed", str(seed), "--epochs", "2")
        return self.python(*command, *args).stdout

    def refusal(self, *args: str) -> str:
        """Run what must fail; return its one line, without the leading 'error: '.

        Checks too that nothing was printed as a result, and that no file changed.
        """
        before = self.files()
        result = self.python(*args, check=False)
        assert result.returncode == 1, result.stdout + result.stderr
        assert result.stdout == ""
        assert len(result.stderr.splitlines()) == 1, result.stderr
        assert result.stderr.startswith("error: ")
        assert self.files() == before
        return result.stderr.removeprefix("error: ").rstrip("\n")

    def files(self, below: str = ".") -> dict[str, bytes]:
        """Return every file under a folder, by its path from there; folders count as b'folder'."""
        top = self.folder / below
        return {
            path.relative_to(top).as_posix(): b"folder" if path.is_dir() else path.read_bytes()
            for path in top.rglob("*")
            if "__pycache__" not in path.parts
        }

    def edit_params(self, path: str, value: Any) -> None:
        """Change params.yaml at a path like 'split/protocol'."""
        file = self.folder / "params.yaml"
        params = read_params(file)
        *parents, key = path.split("/")
        node = params
        for parent in parents:
            node = node[parent]
        node[key] = value
        file.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
