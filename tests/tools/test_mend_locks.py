"""What a killed DVC leaves locked is mended; what belongs to a living process stays."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.workflow.project import ROOT

TOOL = str(ROOT / "tools/mend_locks.py")
RWLOCK = Path(".dvc/tmp/rwlock")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an rwlock, and a study with one."""
    for project in (tmp_path, tmp_path / "studies" / "a"):
        (project / ".dvc/tmp").mkdir(parents=True)
        (project / "dvc.yaml").touch()
        (project / RWLOCK).write_text("{}")
    return tmp_path


def mend(folder: Path) -> str:
    result = subprocess.run(
        [sys.executable, TOOL], cwd=folder, capture_output=True, text=True, check=True
    )
    return result.stdout


@pytest.fixture(params=["dvc", "build.py"])
def dvc_at_work(request: Any, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that looks like DVC, or like a build, at work in the folder."""
    script = folder / "bin" / request.param
    script.parent.mkdir()
    script.write_text("import time; time.sleep(600)")
    process = subprocess.Popen([sys.executable, str(script), "repro"], cwd=folder)
    yield process
    process.kill()
    process.wait()


def dead() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def notes(*processes: int) -> dict[str, Any]:
    """Return notes of processes that read the same file, the first of which writes another."""
    known = [{"pid": pid, "cmd": "dvc repro"} for pid in processes]
    return {"write": {"/runs": known[0]}, "read": {"/data": known}}


@pytest.mark.parametrize("content", ["{}", '{"read": {}}', '{"write": {}, "read": {}}'])
def test_nothing_to_mend(folder: Path, content: str) -> None:
    (folder / RWLOCK).write_text(content)
    assert mend(folder) == ""
    assert (folder / RWLOCK).read_text() == content


def test_no_lock_at_all(tmp_path: Path) -> None:
    assert mend(tmp_path) == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", '{"read": {"/da', "\0" * 90, "[]", '{"read": {"a": 1}}'])
@pytest.mark.parametrize("project", ["", "studies/a"])
def test_a_damaged_lock_is_mended(folder: Path, project: str, content: str) -> None:
    file = Path(project) / RWLOCK
    (folder / file).write_text(content)
    assert mend(folder) == f"{file}: damaged, as DVC was killed while it wrote it; mended\n"
    assert json.loads((folder / file).read_text()) == {}
    assert mend(folder) == ""


def test_a_damaged_lock_is_left_to_a_dvc_at_work(
    folder: Path, dvc_at_work: subprocess.Popen[bytes]
) -> None:
    (folder / RWLOCK).write_text("")
    assert mend(folder) == (
        f"{RWLOCK}: damaged; left alone, as DVC is at work here: process {dvc_at_work.pid}\n"
    )
    assert (folder / RWLOCK).read_text() == ""


def test_locks_of_processes_that_are_gone_are_removed(
    folder: Path, dvc_at_work: subprocess.Popen[bytes]
) -> None:
    gone = dead()
    (folder / RWLOCK).write_text(json.dumps(notes(gone, dvc_at_work.pid, os.getpid())))
    line = f"{RWLOCK}: process {gone} is gone (dvc repro); its locks are removed"
    assert mend(folder).splitlines() == [line]
    left = json.loads((folder / RWLOCK).read_text())
    assert left["write"] == {}
    assert [process["pid"] for process in left["read"]["/data"]] == [dvc_at_work.pid, os.getpid()]
    assert mend(folder) == ""


def test_a_number_that_another_process_has_by_now_is_gone(folder: Path) -> None:
    (folder / RWLOCK).write_text(json.dumps(notes(os.getpid())))
    os.utime(folder / RWLOCK, (1.0, 1.0))  # long before this process began
    assert f"process {os.getpid()} is gone" in mend(folder)
    assert json.loads((folder / RWLOCK).read_text()) == {"write": {}, "read": {}}


def test_who_edits_dvcs_files_is_no_dvc_at_work(folder: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(600)", "dvc.yaml"]
    with subprocess.Popen(command, cwd=folder) as editor:
        (folder / RWLOCK).write_text("")
        assert "mended" in mend(folder)
        editor.kill()


def test_locks_of_a_dvc_at_work_stay(folder: Path, dvc_at_work: subprocess.Popen[bytes]) -> None:
    text = json.dumps(notes(dvc_at_work.pid))
    (folder / RWLOCK).write_text(text)
    assert mend(folder) == ""
    assert (folder / RWLOCK).read_text() == text


@pytest.mark.parametrize("left", [[], ["Eai_Gxx0.tmp"]])
def test_what_dvc_had_begun_to_note_in_its_run_cache_is_removed(
    folder: Path, left: list[str]
) -> None:
    whole, begun = (folder / ".dvc/cache/runs/ab" / name for name in ("abc", "abd"))
    for note in (whole, begun):
        note.mkdir(parents=True)
    (whole / "cba").touch()
    for name in left:
        (begun / name).touch()
    assert mend(folder) == (
        f"{begun.relative_to(folder)}: begun by a DVC that was killed; removed\n"
    )
    assert (whole / "cba").exists()
    assert not begun.exists()
    assert mend(folder) == ""


def test_what_a_dvc_at_work_has_begun_stays(
    folder: Path, dvc_at_work: subprocess.Popen[bytes]
) -> None:
    begun = folder / ".dvc/cache/runs/ab/abd"
    begun.mkdir(parents=True)
    assert mend(folder) == ""
    assert begun.exists()


def test_make_mends_before_it_calls_dvc() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "\nmend: $(VENV)/.ready\n\t@$(BIN)/python tools/mend_locks.py\n" in makefile
    for target in ("all", "studies", "prune", "check-cache", "bench"):
        [rule] = [line for line in makefile.splitlines() if line.startswith(f"{target}: ")]
        assert "mend" in rule.split()
