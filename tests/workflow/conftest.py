"""The miniature study: two models, two seeds, five epochs."""

from pathlib import Path
from typing import Any

import pytest

from tests.workflow.project import Project, copy_of_this_project

MODELS = ("S-SGD", "E-Adam")
SEEDS = (0, 1)


def shrink(params: Any) -> None:
    """Make the study small."""
    params["seeds"] = list(SEEDS)
    params["train"]["epochs"] = 5
    params["models"] = {name: params["models"][name] for name in MODELS}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The miniature study, built and committed; tests copy or clone it."""
    project = copy_of_this_project(tmp_path_factory.mktemp("built") / "project")
    project.edit_params(shrink)
    project.repro()
    project.commit("The miniature study")
    return project


@pytest.fixture
def project(built: Project, tmp_path: Path) -> Project:
    """A copy of the built study, cache and all, to change at will."""
    return built.copy(tmp_path / "project")


@pytest.fixture
def clone(built: Project, tmp_path: Path) -> Project:
    """A fresh Git clone of the built study: no cache, no remote."""
    return built.clone(tmp_path / "clone")
