"""Runs that are no longer named are deleted if they are just that; all else stays."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.params import Train
from cnn_from_scratch.experiment.records import record_files, run_folder, write_record
from cnn_from_scratch.experiment.run import Run, train_run
from cnn_from_scratch.report.pruning import prune_runs
from tests.experiment.studies import HOLDOUT, SIMPLE, stripes


@pytest.fixture(scope="module")
def run() -> Run:
    return train_run(SIMPLE, 0, stripes(), HOLDOUT, Train(epochs=1, batch_size=None))


@pytest.fixture(autouse=True)
def folder(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two runs, which is the current one."""
    monkeypatch.chdir(tmp_path)
    for seed in (0, 1):
        write(run, "A", seed)
    return tmp_path


def write(run: Run, model: str, seed: int, place: Path | None = None) -> Path:
    folder = place or run_folder(model, seed)
    files = record_files(
        run,
        model=model,
        seed=seed,
        optimizer=SIMPLE.optimizer,
        epochs=1,
        protocol="holdout",
        trained_from="",
    )
    write_record(folder, files)
    return folder


def folders() -> list[str]:
    return sorted(path.as_posix() for path in Path("runs").rglob("*/"))


def files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path("runs").rglob("*") if path.is_file()}


def deleted(*places: str) -> list[str]:
    return [f"{Path(place)}: no longer named in params.yaml, deleted" for place in places]


def left(*places: str) -> list[str]:
    return [
        f"{Path(place)}: is no run of params.yaml's, nor a record to delete; left alone"
        for place in places
    ]


def test_runs_that_are_not_named_are_deleted(run: Run) -> None:
    for model, seed in (("A", 5), ("B", 0), ("B", 1)):
        write(run, model, seed)
    lines = list(prune_runs(["A"], [0, 1]))
    assert folders() == ["runs/A", "runs/A/0", "runs/A/1"]
    assert lines == deleted("runs/A/5", "runs/B/0", "runs/B/1")
    assert list(prune_runs(["A"], [0, 1])) == []


def test_the_runs_of_each_learning_rate_are_runs(run: Run) -> None:
    for model, seed in (("S/0.1", 0), ("S/0.1", 1), ("S/0.2", 0), ("S", 0), ("T/0.1", 0)):
        write(run, model, seed)
    lines = list(prune_runs(["A", "S/0.1"], [0, 1]))
    assert lines == deleted("runs/S/0", "runs/S/0.2/0", "runs/T/0.1/0")
    assert folders() == [
        "runs/A", "runs/A/0", "runs/A/1", "runs/S", "runs/S/0.1", "runs/S/0.1/0", "runs/S/0.1/1",
    ]  # fmt: skip


def test_what_is_ones_own_stays(run: Run) -> None:
    shutil.copytree("runs/A", "runs/A-before")
    shutil.copytree("runs/A/1", "runs/A/1 copy")
    Path("runs/notes.txt").write_text("mine")
    Path("runs/A/notes").mkdir()
    Path("runs/A/notes/0.txt").write_text("mine")
    Path("runs/A/0/notes.txt").write_text("mine")
    Path("runs/empty").mkdir()
    before = files()
    lines = list(prune_runs(["A"], [0, 1]))
    assert files() == before
    assert lines == left(
        "runs/A-before", "runs/empty", "runs/notes.txt", "runs/A/1 copy", "runs/A/notes"
    )


@pytest.mark.parametrize("name", ["history.csv", "result.json", "SHA256SUMS"])
def test_a_record_that_has_been_changed_stays(run: Run, name: str) -> None:
    for seed in (0, 1):
        write(run, "B", seed)
    with Path("runs/B/0", name).open("a") as file:
        file.write("\n")
        file.seek(0)
        file.truncate(7)
    assert list(prune_runs(["A"], [0, 1])) == deleted("runs/B/1") + left("runs/B")
    assert Path("runs/B/0", name).exists()


def test_a_record_with_something_beside_its_files_stays(run: Run) -> None:
    write(run, "B", 0)
    Path("runs/B/0/notes.txt").write_text("mine")
    before = files()
    assert list(prune_runs(["A"], [0, 1])) == left("runs/B")
    assert files() == before


def test_what_stands_beside_a_deleted_record_stays(run: Run) -> None:
    write(run, "B", 0)
    Path("runs/B/notes.txt").write_text("mine")
    assert list(prune_runs(["A"], [0, 1])) == deleted("runs/B/0") + left("runs/B")
    assert Path("runs/B/notes.txt").read_text() == "mine"


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_links_are_not_followed(run: Run, tmp_path: Path) -> None:
    elsewhere = write(run, "B", 0, tmp_path / "elsewhere" / "0")
    Path("runs/B").symlink_to(elsewhere.parent)
    Path("runs/loop").symlink_to("loop")
    Path("runs/A/up").symlink_to("..")
    Path("runs/C").mkdir()
    Path("runs/C/0").symlink_to(write(run, "C", 0, tmp_path / "elsewhere" / "1"))
    assert list(prune_runs(["A"], [0, 1])) == left("runs/B", "runs/C", "runs/loop", "runs/A/up")
    assert (elsewhere / "result.json").exists()


@pytest.mark.skipif(os.name == "nt", reason="there, nobody can ask after a process")
def test_what_a_killed_training_has_left_is_removed_without_a_word() -> None:
    for name in (f"runs/A/.5-{2**22 + 1}.partial", f"runs/A/.5-{os.getppid()}.partial"):
        Path(name).mkdir()
    assert list(prune_runs(["A"], [0, 1])) == []
    assert folders() == ["runs/A", f"runs/A/.5-{os.getppid()}.partial", "runs/A/0", "runs/A/1"]


def test_a_run_that_cannot_be_deleted_is_an_error_and_not_reported(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rmtree(path: Path, *args: Any, **kwargs: Any) -> None:
        if path.parent.name == "C":
            raise PermissionError(13, "Permission denied", str(path))
        real_rmtree(path, *args, **kwargs)

    for model in ("B", "C", "D"):
        write(run, model, 0)
    real_rmtree = shutil.rmtree
    monkeypatch.setattr(shutil, "rmtree", rmtree)
    lines = prune_runs(["A"], [0, 1])
    assert next(lines) == deleted("runs/B/0")[0]
    with pytest.raises(InputError, match=r"runs.C.0: .* cannot be deleted: .*Permission denied"):
        next(lines)
