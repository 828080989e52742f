"""Files are written whole or not at all, and without a trace of when and where."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cnn_from_scratch.experiment.files import (
    is_alive,
    replacing,
    write_json,
    write_rows,
    write_text,
)

ROOT = Path(__file__).resolve().parents[2]


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_new_file_and_its_folders_are_made(tmp_path: Path) -> None:
    with replacing(tmp_path / "a" / "b" / "file.txt") as new:
        new.write_text("new")
        assert not (tmp_path / "a" / "b" / "file.txt").exists()
    assert (tmp_path / "a" / "b" / "file.txt").read_text() == "new"
    assert names(tmp_path) == ["a", "a/b", "a/b/file.txt"]


def test_an_old_file_is_there_until_it_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_text("old")
    with replacing(file) as new:
        new.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert names(tmp_path) == ["file.txt"]


def test_an_old_folder_is_replaced_whole(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "stale.txt").write_text("old")
    with replacing(folder) as new:
        new.mkdir()
        (new / "fresh.txt").write_text("new")
        assert (folder / "deep" / "stale.txt").read_text() == "old"
    assert names(tmp_path) == ["run", "run/fresh.txt"]


@pytest.mark.parametrize("name", ["old", "new", "tmp", ".hidden"])
def test_a_folder_of_any_name_is_replaced(name: str, tmp_path: Path) -> None:
    for text in ("first", "second"):
        with replacing(tmp_path / name) as new:
            new.mkdir()
            (new / "file.txt").write_text(text)
    assert (tmp_path / name / "file.txt").read_text() == "second"
    assert names(tmp_path) == [name, f"{name}/file.txt"]


def test_a_file_takes_the_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "data" / "deep").mkdir(parents=True)
    with replacing(tmp_path / "data") as new:
        new.write_text("new")
    assert (tmp_path / "data").read_text() == "new"
    assert names(tmp_path) == ["data"]


def test_a_failure_leaves_an_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(file) as new:
        new.write_text("half")
        raise ZeroDivisionError
    assert file.read_text() == "old"
    assert names(tmp_path) == ["file.txt"]


def test_a_failure_leaves_an_old_folder_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "file.txt").write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(folder) as new:
        new.mkdir()
        (new / "file.txt").write_text("half")
        raise ZeroDivisionError
    assert (folder / "file.txt").read_text() == "old"
    assert names(tmp_path) == ["run", "run/file.txt"]


def test_a_failure_leaves_nothing_where_nothing_was(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "file.txt") as new:
        new.write_text("half")
        raise ZeroDivisionError
    assert names(tmp_path) == []


@pytest.mark.parametrize("old", ["file", "folder"])
def test_a_block_that_writes_nothing_leaves_what_was_there(old: str, tmp_path: Path) -> None:
    path = tmp_path / "run"
    if old == "folder":
        path.mkdir()
    inside = path / "file.txt" if old == "folder" else path
    inside.write_text("old")
    with pytest.raises(FileNotFoundError), replacing(path):
        pass
    assert inside.read_text() == "old"


@pytest.mark.parametrize("failure", [PermissionError, KeyboardInterrupt])
def test_a_folder_that_cannot_take_its_place_leaves_what_was_there(
    failure: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise failure

    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "file.txt").write_text("old")
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(failure), replacing(folder) as new:
        new.mkdir()
    assert (folder / "file.txt").read_text() == "old"
    assert names(tmp_path) == ["run", "run/file.txt"]


def test_ctrl_c_right_after_the_old_folder_made_way_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename(path: Path, to: Path) -> None:
        path.replace(to)
        if to.name == "run-old":
            raise KeyboardInterrupt

    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "file.txt").write_text("old")
    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(KeyboardInterrupt), replacing(folder) as new:
        new.mkdir()
    assert (folder / "file.txt").read_text() == "old"
    assert names(tmp_path) == ["run", "run/file.txt"]


def test_json_keeps_all_digits(tmp_path: Path) -> None:
    value = {"a": [0.1 + 0.2, 1e-300, 3], "b": None, "c": True}
    write_json(tmp_path / "a.json", value)
    content = (tmp_path / "a.json").read_bytes()
    assert json.loads(content) == value
    assert content.endswith(b"}\n")
    assert b"\r" not in content


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_json_refuses_what_is_no_number(number: float, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    write_json(file, {"loss": 1.0})
    before = file.read_bytes()
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(file, {"scores": [{"loss": number}]})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_rows(file, [{"loss": number}])
    assert file.read_bytes() == before


def test_rows_stand_on_a_line_each(tmp_path: Path) -> None:
    rows = [{"epoch": 0, "loss": 1.1}, {"epoch": 1, "loss": 0.1 + 0.2}]
    write_rows(tmp_path / "a.json", rows)
    text = (tmp_path / "a.json").read_bytes().decode()
    assert json.loads(text) == rows
    assert len(text.splitlines()) == len(rows) + 2


def test_text_is_utf_8_with_unix_line_ends(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "±\nb\n")
    assert (tmp_path / "a.txt").read_bytes() == b"\xc2\xb1\nb\n"


def dead_process() -> int:
    """Return the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.skipif(os.name == "nt", reason="there, nobody can ask after a process")
def test_what_a_killed_process_has_left_goes_with_the_next_writing(tmp_path: Path) -> None:
    mine = [f".file.txt-{dead_process()}.partial", f".other-{dead_process()}.partial"]
    others = [f".other-{os.getppid()}.partial", ".file.txt-x.partial", "file.txt-1.partial", ".a"]
    for name in mine + others:
        (tmp_path / name).mkdir()
        (tmp_path / name / "half").write_text("half")
    with replacing(tmp_path / "file.txt") as new:
        new.write_text("new")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*others, "file.txt"])


@pytest.mark.skipif(os.name == "nt", reason="needs a signal that nothing can catch")
def test_what_a_killed_process_leaves_is_of_a_kind_that_git_and_dvc_ignore(tmp_path: Path) -> None:
    code = """
import os, signal, sys
from pathlib import Path
from cnn_from_scratch.experiment.files import replacing
with replacing(Path(sys.argv[1])) as new:
    new.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "a.png")],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )
    assert process.wait() == -signal.SIGKILL
    [left] = names(tmp_path)[:1]
    assert left == f".a.png-{process.pid}.partial"
    projects = [ROOT, *(file.parent for file in ROOT.glob("studies/*/dvc.yaml"))]
    for project in projects:
        assert ".*.partial/" in (project / ".dvcignore").read_text().splitlines()
    assert ".*.partial/" in (ROOT / ".gitignore").read_text().splitlines()
    with replacing(tmp_path / "a.png") as new:
        new.write_text("whole")
    assert names(tmp_path) == ["a.png"]


@pytest.mark.skipif(os.name == "nt", reason="there are no such limits")
@pytest.mark.parametrize("spare", range(4))
def test_too_few_file_descriptors_leave_nothing(spare: int, tmp_path: Path) -> None:
    code = """
import os, resource, sys
from pathlib import Path
from cnn_from_scratch.experiment.files import replacing
held = []
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
with replacing(Path("run")) as new:
    (new / "deep").mkdir(parents=True)
    (new / "deep" / "a.txt").write_text("a")
    try:
        while True:
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        for _ in range(int(sys.argv[1])):
            os.close(held.pop())
    files = [(new / name).open("w") for name in "abcd"]
"""
    (tmp_path / "run").write_text("old")
    result = subprocess.run(
        [sys.executable, "-c", code, str(spare)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "Too many open files: '.run-" in result.stderr
    assert names(tmp_path) == ["run"]
    assert (tmp_path / "run").read_text() == "old"


@pytest.mark.skipif(os.name == "nt", reason="there are no such limits")
def test_no_room_for_a_file_leaves_nothing(tmp_path: Path) -> None:
    code = """
import resource
from pathlib import Path
from cnn_from_scratch.experiment.files import replacing, write_text
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
with replacing(Path("a.txt")) as new:
    write_text(new, "a" * 2000)
"""
    (tmp_path / "a.txt").write_text("old")
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        check=False,
    )
    assert result.returncode == 1
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_this_process_is_alive() -> None:
    assert is_alive(os.getpid())
    assert is_alive(os.getppid())
    assert is_alive(10**30)  # a number that no process has: nothing is known of it


@pytest.mark.skipif(os.name == "nt", reason="there, nobody can ask after a process")
def test_a_process_that_has_ended_is_not() -> None:
    assert not is_alive(dead_process())
