"""What rots in the cache or in the workspace is found, named, and made anew."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.workflow.project import Project

pytestmark = pytest.mark.release  # the guard of a cache

RUN = Path("runs/S-SGD/0")
STAGE = "train@S-SGD-0"


def flip(file: Path) -> None:
    """Change a byte; size, time and mode stay."""
    status = file.stat()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)
    file.chmod(status.st_mode)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def cached(project: Project, name: str) -> Path:
    """Return the object of a file of the run, or of the run's folder."""
    objects = project.folder / ".dvc/cache/files/md5"
    lock = yaml.safe_load((project.folder / "dvc.lock").read_text())
    [out] = lock["stages"][STAGE]["outs"]
    folder = objects / out["md5"][:2] / out["md5"][2:]
    if name == ".dir":
        return folder
    [digest] = [e["md5"] for e in json.loads(folder.read_bytes()) if e["relpath"] == name]
    return objects / digest[:2] / digest[2:]


def check(project: Project) -> list[str]:
    return project.run(sys.executable, "tools/check_cache.py").stdout.splitlines()


@pytest.fixture
def right(project: Project) -> Iterator[Project]:
    """The built project, which must be as it was when the test is over."""
    summary = (project.folder / "metrics/summary.json").read_bytes()
    record = {path.name: path.read_bytes() for path in (project.folder / RUN).iterdir()}
    yield project
    assert (project.folder / "metrics/summary.json").read_bytes() == summary
    assert {path.name: path.read_bytes() for path in (project.folder / RUN).iterdir()} == record
    assert project.git("status", "--porcelain") == ""
    assert check(project) == []


@pytest.mark.release
def test_a_good_cache_is_left_alone(right: Project) -> None:
    assert check(right) == []
    assert right.repro() == set()


@pytest.mark.parametrize("name", ["history.csv", pytest.param(".dir", marks=pytest.mark.release)])
def test_a_rotten_object_is_removed_and_made_anew(right: Project, name: str) -> None:
    rotten = cached(right, name)
    assert rotten.stat().st_mode & 0o777 == 0o444
    flip(rotten)
    first, *others = check(right)
    assert first == f"{rotten}: rotten, removed"
    assert [line.split(":")[0] for line in others] == [str(RUN)]
    assert not rotten.exists()
    assert right.repro() == {STAGE}
    assert rotten.exists()


@pytest.mark.release
def test_a_restored_rotten_object_gives_no_figure(right: Project) -> None:
    """DVC trusts it, as it is read-only; the stages that read it do not."""
    rotten = cached(right, "predictions.csv")
    flip(rotten)
    right.run("rm", "-r", str(RUN))
    right.dvc("checkout", "--force", str(RUN), check=False)
    right.append("stages/aggregate.py", "\n# more\n")
    failed = right.dvc("repro", check=False)
    assert failed.returncode != 0
    assert (
        f"error: {RUN / 'predictions.csv'}: damaged; 'make check-cache', then 'dvc repro' makes it"
        " anew" in failed.stderr.splitlines()
    )
    right.git("restore", "stages/aggregate.py")
    assert f"{rotten}: rotten, removed" in check(right)
    assert {STAGE} <= right.repro() <= {STAGE, "aggregate", "plot"}


@pytest.mark.parametrize("path", [RUN / "history.csv", Path("metrics/summary.json")])
@pytest.mark.release
def test_a_byte_changed_in_the_workspace_with_size_and_time_kept(
    right: Project, path: Path
) -> None:
    right.dvc("status")
    flip(right.folder / path)
    if path.is_relative_to(RUN):
        failed = right.run(sys.executable, "stages/aggregate.py", check=False)
        assert failed.stderr.startswith(f"error: {path}: damaged; 'make check-cache', then 'dvc")
    [line] = check(right)
    output = RUN if path.is_relative_to(RUN) else path.parent
    assert line == f"{output}: modified; 'dvc repro' makes it anew"
    assert right.repro() <= {"aggregate"}  # the cache has the run


def test_a_run_of_other_settings_gives_no_figure(right: Project) -> None:
    """As an orphaned training of old would have left it."""
    command = ("stages/train.py", "--model", "S-SGD", "--seed", "0", "--epochs", "3")
    right.run(sys.executable, *command, "--out", str(RUN))
    failed = right.run(sys.executable, "stages/aggregate.py", check=False)
    assert failed.returncode == 1
    assert failed.stderr.startswith(f"error: {RUN / 'result.json'}: of other settings, another")
    assert right.repro() == set()


@pytest.mark.release
@pytest.mark.skipif(os.name == "nt", reason="only some users may link there")
def test_a_link_to_a_rotten_object_goes_and_links_of_ones_own_stay(right: Project) -> None:
    own = right.folder / "data/own"
    right.dvc("config", "--local", "cache.type", "symlink")
    right.dvc("checkout", "--relink", STAGE)
    link = right.folder / RUN / "history.csv"
    assert link.is_symlink()
    own.symlink_to("nowhere")
    rotten = cached(right, "history.csv")
    flip(rotten)
    first, second, *_ = check(right)
    assert first == f"{rotten}: rotten, removed"
    assert (
        second
        == f"{RUN / 'history.csv'}: linked to what is gone, removed; 'dvc repro' makes it anew"
    )
    assert not link.is_symlink()
    assert own.is_symlink()
    own.unlink()
    assert right.repro() == {STAGE}
    assert link.read_bytes()
