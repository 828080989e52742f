"""The miniature study: two models, two seeds, five epochs; and a larger one to disturb."""

import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.workflow.builds import Study
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


@pytest.fixture(scope="session")
def study(built: Project, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Twelve runs that take longer, built and committed by an engine that commits all the time."""
    project = built.copy(tmp_path_factory.mktemp("study") / "project")

    def enlarge(params: Any) -> None:
        params["seeds"] = list(range(6))
        params["train"]["epochs"] = 40

    project.edit_params(enlarge)
    engine = project.folder / "tools/engine/building.py"
    text, places = re.subn("(?m)^COMMIT_EVERY = .*$", "COMMIT_EVERY = 0.0", engine.read_text())
    assert places == 1
    engine.write_text(text)
    started = time.monotonic()
    project.run(sys.executable, "tools/build.py")
    project.commit("More runs")
    return Study(project, time.monotonic() - started)


@pytest.fixture
def untrained(study: Study, tmp_path: Path) -> Project:
    """A copy of that study whose runs are all to be trained again."""
    return study.untrained(tmp_path / "project")
