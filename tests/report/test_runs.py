"""Reading the runs that are named, and pruning the others."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.report.runs import prune_runs, read_runs

RESULT = {
    "model": "A",
    "seed": 0,
    "protocol": "holdout",
    "parameters": 2,
    "diverged": False,
    "last_finite_epoch": 1,
    "checkpoint_epoch": 1,
    "scores": {"train": {"loss": 0.5, "accuracy": 1.0}, "val": {"loss": 0.75, "accuracy": 0.5}},
    "diagnostics": {"dead_logits": 1, "loss_floor": 0.25, "activations": []},
}
HISTORY = "epoch,train_loss,train_accuracy,val_loss,val_accuracy\n0,1,0,1,0\n1,0.5,1,0.75,0.5\n"
PREDICTIONS = "split,index,label,predicted\nval,4,1,1\nval,7,2,1\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two runs, which is the current one."""
    monkeypatch.chdir(tmp_path)
    for seed in (0, 1):
        write_run(tmp_path / "runs/A" / str(seed))
    return tmp_path


def write_run(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps(RESULT))
    (folder / "history.csv").write_text(HISTORY)
    (folder / "predictions.csv").write_text(PREDICTIONS)


def test_the_named_runs_become_tables() -> None:
    runs = read_runs(["A"], [0, 1])
    assert list(zip(runs.scores["seed"], runs.scores["split"], strict=True)) == [
        (0, "train"), (0, "val"), (1, "train"), (1, "val"),
    ]  # fmt: skip
    assert runs.scores["dead_logits"].tolist() == [1] * 4
    assert runs.scores["loss_floor"].tolist() == [0.25] * 4
    assert runs.history.shape == (4, 7)
    assert runs.predictions["index"].tolist() == [4, 7, 4, 7]


def test_only_named_runs_are_read() -> None:
    assert set(read_runs(["A"], [1]).scores["seed"]) == {1}


@pytest.mark.parametrize("name", ["result.json", "history.csv", "predictions.csv"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / "runs/A/1" / name).unlink()
    with pytest.raises(InputError, match=rf"runs.A.1.{name}: not found; 'dvc repro' makes it"):
        read_runs(["A"], [0, 1])


RESULT_TEXT = json.dumps(RESULT)
DAMAGED = [
    ("result.json", ""),
    ("result.json", '{"scores": '),
    ("result.json", "[]"),
    ("result.json", RESULT_TEXT.replace('"protocol"', '"protocoll"')),
    ("result.json", RESULT_TEXT.replace('"diverged": false', '"diverged": "no"')),
    ("result.json", RESULT_TEXT.replace("0.75", "NaN")),
    ("result.json", json.dumps(RESULT | {"scores": [1, 2]})),
    ("result.json", json.dumps(RESULT | {"scores": {"train": 1, "val": 1}})),
    ("result.json", json.dumps(RESULT | {"scores": {}})),
    ("history.csv", ""),
    ("history.csv", HISTORY.replace("val_loss", "loss")),
    ("history.csv", HISTORY.splitlines()[0]),
    ("history.csv", HISTORY.replace("0.75", "")),
    ("history.csv", HISTORY.replace("0.75", "inf")),
    ("history.csv", HISTORY.replace("0.75", "low")),
    ("history.csv", HISTORY.replace("\n1,", "\n0,")),
    ("history.csv", '"'),
    ("history.csv", "\udcff"),
    ("predictions.csv", ""),
    ("predictions.csv", PREDICTIONS.replace("predicted", "guess")),
    ("predictions.csv", PREDICTIONS.splitlines()[0]),
    ("predictions.csv", PREDICTIONS.replace("7,2,1", "7,2")),
    ("predictions.csv", PREDICTIONS.replace("7,2,1", "7,2,0")),
    ("predictions.csv", PREDICTIONS.replace("7,2,1", f"7,2,{10**20}")),
    ("predictions.csv", PREDICTIONS.replace("val,7", "va,7")),
]


@pytest.mark.parametrize(
    ("name", "text"), DAMAGED, ids=[f"{name}-{i}" for i, (name, _) in enumerate(DAMAGED)]
)
def test_a_damaged_file_is_named(folder: Path, name: str, text: str) -> None:
    assert text not in (RESULT_TEXT, HISTORY, PREDICTIONS)
    (folder / "runs/A/1" / name).write_bytes(text.encode(errors="surrogateescape"))
    what = rf"runs.A.1.{name}: damaged; delete it, and 'dvc repro' makes it$"
    with pytest.raises(InputError, match=what):
        read_runs(["A"], [0, 1])


def test_pruning_deletes_runs_that_are_not_named_and_nothing_else(folder: Path) -> None:
    write_run(folder / "runs/A/5")
    write_run(folder / "runs/B/0")
    (folder / "runs/A/.leftover").mkdir()
    (folder / "scratch").mkdir()
    deleted = list(prune_runs(["A"], [0, 1]))
    left = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/**/"))
    assert left == ["runs", "runs/A", "runs/A/0", "runs/A/1", "scratch"]
    assert deleted == [Path("runs/A/.leftover"), Path("runs/A/5"), Path("runs/B")]
    assert list(prune_runs(["A"], [0, 1])) == []


def test_pruning_keeps_the_runs_of_each_learning_rate(folder: Path) -> None:
    for name in ("S/0.1/0", "S/0.1/1", "S/0.2/0", "S/0"):
        write_run(folder / "runs" / name)
    deleted = list(prune_runs(["A", "S/0.1"], [0, 1]))
    assert deleted == [Path("runs/S/0"), Path("runs/S/0.2")]
    assert (folder / "runs/S/0.1/1/result.json").exists()


def test_a_run_that_cannot_be_deleted_is_an_error_and_not_reported(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rmdir(path: str, *args: Any, **kwargs: Any) -> None:
        if Path(path).name == "C":
            raise PermissionError(13, "Permission denied", path)
        real_rmdir(path, *args, **kwargs)

    real_rmdir = os.rmdir
    monkeypatch.setattr(os, "rmdir", rmdir)
    for name in ("B/0", "C/0", "D/0"):
        write_run(folder / "runs" / name)
    deleted = prune_runs(["A"], [0, 1])
    assert next(deleted) == Path("runs/B")
    with pytest.raises(InputError, match=r"runs.C: .* cannot be deleted: .*Permission denied"):
        next(deleted)
