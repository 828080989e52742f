"""What one clone has trained and pushed, another gets, whatever the remote is, and trains nothing.

`sign` adds to every record a file that no training leaves: a run with it came from the remote.
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.workflow import remotes
from tests.workflow.project import Project, started_stages
from tests.workflow.remotes import Remote
from tests.workflow.test_check_cache import STAGE, cached, check, flip
from tests.workflow.test_studies import FIRST
from tests.workflow.test_studies import shrink as shrink_study

pytestmark = pytest.mark.release

WAYS = [
    ("-m", "dvc", "pull"),
    ("-m", "dvc", "repro", "--pull"),
    ("tools/build.py", "--pull"),
]
WAYS_THAT_BUILD = [way for way in WAYS if way[-1] == "--pull"]
REMOTES = {"folder": remotes.folder, "S3": remotes.s3, "ssh": remotes.ssh}


class Team(NamedTuple):
    """The clone that has pushed, and the remote."""

    first: Project
    remote: Remote

    def join(self, folder: Path) -> Project:
        """Return another member's clone."""
        clone = self.first.clone(folder)
        self.remote.set_up(clone)
        return clone


def share(first: Project, remote: Remote) -> Team:
    """Push all that a clone has made."""
    first.dvc("remote", "add", "--default", "team", remote.url)
    first.commit("Name the remote")
    remote.set_up(first)
    first.dvc("push", "--run-cache")
    return Team(first, remote)


def sign(project: Project) -> None:
    for run in project.folder.glob("runs/*/*"):
        (run / ".signed").write_text("not trained here\n")
    shutil.rmtree(project.folder / ".dvc/cache/runs")
    project.dvc("commit", "--force")
    project.commit("Sign the runs")


def records(project: Project) -> dict[Path, bytes]:
    """Return all files in runs/."""
    files = (path for path in (project.folder / "runs").rglob("*") if path.is_file())
    return {path.relative_to(project.folder): path.read_bytes() for path in files}


def locked(project: Project) -> dict[str, Any]:
    """Return the stages in dvc.lock."""
    stages: dict[str, Any] = yaml.safe_load((project.folder / "dvc.lock").read_text())["stages"]
    return stages


def forget(project: Project, *names: str) -> None:
    """Delete stages from dvc.lock."""
    stages = locked(project)
    for name in names:
        del stages[name]
    text = yaml.safe_dump({"schema": "2.0", "stages": stages})
    (project.folder / "dvc.lock").write_text(text)


def spell(way: tuple[str, ...]) -> str:
    return " ".join(way[-2:])


@pytest.fixture(scope="module", params=REMOTES)
def team(built: Project, request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """A team whose first member has pushed signed runs to each kind of remote."""
    home = tmp_path_factory.mktemp("team")
    with REMOTES[request.param](home) as remote:
        first = built.copy(home / "first")
        sign(first)
        yield share(first, remote)


@pytest.fixture
def pair(project: Project, tmp_path: Path) -> Team:
    """A team of one folder, whose runs are not signed."""
    return share(project, Remote(str(tmp_path / "shared")))


def in_remote(team: Team, name: str) -> Path:
    """Return the remote's object of a file of STAGE's run, or of the run's folder."""
    own = cached(team.first, name).relative_to(team.first.folder / ".dvc/cache")
    return Path(team.remote.url) / own


@pytest.mark.parametrize("way", WAYS, ids=spell)
def test_a_second_clone_gets_everything_and_trains_nothing(
    team: Team, way: tuple[str, ...], tmp_path: Path
) -> None:
    clone = team.join(tmp_path / "clone")
    assert started_stages(clone.run(sys.executable, *way).stdout) == set()
    assert records(clone) == records(team.first)
    assert clone.repro() == set()
    assert clone.git("status", "--porcelain") == ""


@pytest.mark.parametrize("way", WAYS_THAT_BUILD, ids=spell)
def test_runs_that_the_lock_lacks_come_from_the_run_cache(
    team: Team, way: tuple[str, ...], tmp_path: Path
) -> None:
    """As when another has pushed the runs of a model, and has not committed them yet."""
    clone = team.join(tmp_path / "clone")
    forget(clone, "train@E-Adam-0", "train@E-Adam-1")
    assert started_stages(clone.run(sys.executable, *way).stdout) == set()
    assert records(clone) == records(team.first)
    assert locked(clone) == locked(team.first)
    assert clone.repro() == set()


def test_a_run_of_which_the_remote_has_but_a_note_is_trained(pair: Team, tmp_path: Path) -> None:
    """As of settings that somebody tried and left before the push."""
    in_remote(pair, ".dir").unlink()
    clone = pair.join(tmp_path / "clone")
    forget(clone, STAGE)
    assert clone.repro("--pull") == {STAGE}
    assert records(clone) == records(pair.first)
    assert locked(clone) == locked(pair.first)


@pytest.mark.parametrize("name", ["history.csv", ".dir"])
def test_what_the_remote_has_lost_is_trained_and_nothing_else(
    pair: Team, name: str, tmp_path: Path
) -> None:
    in_remote(pair, name).unlink()
    clone = pair.join(tmp_path / "clone")
    failed = clone.dvc("pull", check=False)
    assert failed.returncode == 1
    assert "failed to pull data from the cloud" in failed.stderr
    assert clone.repro() == {STAGE}
    assert records(clone) == records(pair.first)
    assert clone.git("status", "--porcelain") == ""


def test_repro_stops_at_a_run_of_which_a_file_is_lost(pair: Team, tmp_path: Path) -> None:
    """A limit of DVC's, which its `pull` does not have."""
    in_remote(pair, "history.csv").unlink()
    failed = pair.join(tmp_path / "clone").dvc("repro", "--pull", check=False)
    assert failed.returncode != 0
    assert f"failed to reproduce '{STAGE}': " in failed.stderr
    assert "failed to download" in failed.stderr


def test_what_is_rotten_in_the_remote_is_trained_if_it_is_verified(
    pair: Team, tmp_path: Path
) -> None:
    flip(in_remote(pair, "history.csv"))
    clone = pair.join(tmp_path / "clone")
    clone.dvc("remote", "modify", "--local", "team", "verify", "true")
    assert clone.repro("--pull") == {STAGE}
    assert records(clone) == records(pair.first)
    assert clone.git("status", "--porcelain") == ""


def test_what_is_rotten_in_the_remote_is_found_afterwards_if_it_is_not_verified(
    pair: Team, tmp_path: Path
) -> None:
    flip(in_remote(pair, "history.csv"))
    clone = pair.join(tmp_path / "clone")
    clone.dvc("pull")
    assert f"{cached(clone, 'history.csv')}: rotten, removed" in check(clone)
    assert clone.repro() == {STAGE}
    assert records(clone) == records(pair.first)


@pytest.mark.parametrize("way", WAYS, ids=spell)
def test_without_a_remote_it_says_so(clone: Project, way: tuple[str, ...]) -> None:
    failed = clone.run(sys.executable, *way, check=False)
    assert failed.returncode != 0
    assert "no remote" in failed.stderr.lower()


def test_a_study_is_shared_as_the_main_project_is(project: Project, tmp_path: Path) -> None:
    remote, study = Remote(str(tmp_path / "shared")), Path("studies", FIRST)
    first = Project(project.folder / study)
    first.edit_params(shrink_study)
    assert first.repro()
    project.commit("The study")
    share(first, remote)
    main = share(project, remote).join(tmp_path / "clone")
    main.dvc("repro", "--pull")
    clone = Project(main.folder / study)
    assert clone.repro("--pull") == set()
    assert records(clone) == records(first)
