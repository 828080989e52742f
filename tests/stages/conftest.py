"""The project that the tests of the scripts work in."""

import shutil
from pathlib import Path

import pytest

from tests.stages.project import ROOT, Project


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose workbook is converted; to look at or to copy, never to change."""
    folder = tmp_path_factory.mktemp("converted") / "project"
    for name in ("src", "stages", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "params.yaml", folder)
    (folder / "data").mkdir()
    shutil.copy(ROOT / "data" / "handwriting_dataset.xlsx", folder / "data")
    project = Project(folder)
    project.python("stages/convert.py")
    return project


@pytest.fixture
def project(converted: Project, tmp_path: Path) -> Project:
    """A converted project, to change at will."""
    return converted.copy(tmp_path / "project")
