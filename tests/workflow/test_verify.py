"""`make verify` says in one line that a rebuild is identical, or what differs first."""

import json
from hashlib import md5
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pandas as pd
import PIL.Image
import pytest
import yaml

from tests.portability.verify import _md5, compare, first_difference, verify
from tests.workflow.project import Project


@pytest.mark.release
def test_a_rebuild_is_identical(clone: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where there is no cache to compare with, and the committed results stay untouched."""
    assert verify(clone) is None
    assert capsys.readouterr().out == "identical: all 36 outputs by bits\n"
    assert clone.git("status", "--porcelain") == ""


@pytest.mark.release
def test_the_first_difference_is_named(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another exp shows in the first run."""
    functions = project.folder / "src/cnn_from_scratch/arithmetic/elementary.py"
    code = functions.read_text(encoding="utf-8")
    changed = code.replace("COTH = [2, 1 / 6,", "COTH = [2, 1.0000001 / 6,")
    assert changed != code
    functions.write_text(changed, encoding="utf-8")
    project.repro("list_code")
    project.dvc("commit", "--force")  # the lock of this code, with the results of the other
    project.commit("Another exp")
    found = verify(project)
    assert found is not None
    assert capsys.readouterr().out == f"different: {found}\n"
    where, _, amount = found.rpartition(" differs by up to ")
    assert where.startswith("stage train@S-SGD-0, runs/S-SGD/0/checkpoint.npz: theta")
    assert 0 < float(amount) < 1e-3


def _write(file: Path, content: Any) -> Path:
    """Write named arrays, a table, pixels, JSON or text, as the file's name asks."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".npz":
        np.savez(file, **content)
    elif file.suffix == ".csv":
        pd.DataFrame(content).to_csv(file, index=False)
    elif file.suffix == ".parquet":
        pd.DataFrame(content).to_parquet(file)
    elif file.suffix == ".png":
        matplotlib.image.imsave(file, content, vmin=0.0, vmax=1.0)
    elif file.suffix == ".json":
        file.write_text(json.dumps(content))
    else:
        file.write_text(content)
    return file


# A file's kind, its old content, its new one, and what is said.
DIFFERENCES: list[tuple[str, Any, Any, str | None]] = [
    ("npz", {"a": [1.0], "b": [2.0]}, {"a": [1.0], "b": [2.5]}, "b differs by up to 0.5"),
    ("npz", {"a": [1.0, np.nan]}, {"a": [1.0, np.nan]}, None),
    ("npz", {"a": [1.0]}, {"a": [np.nan]}, "a differs by up to nan"),
    ("npz", {"a": [1.0]}, {"a": [[1.0]]}, "a has shape (1, 1), not (1,)"),
    ("npz", {"a": [1.0], "b": [1]}, {"a": [1.0]}, "b is only in the old"),
    ("npz", {"a": [1.0]}, {"a": [1.0], "b": [1]}, "b is only in the new"),
    ("csv", {"epoch": [0, 1], "loss": [0.5, 0.25]}, {"epoch": [0, 1], "loss": [0.5, 0.25]}, None),
    ("csv", {"e": [0, 1], "loss": [0.5, 0.25]}, {"e": [0, 1], "loss": [0.5, 0.5]}, "loss differs"),
    ("parquet", {"model": ["a"]}, {"model": ["b"]}, "model is b, not a"),
    ("json", {"m": {"mean": 1.0}}, {"m": {"mean": 1.5}}, "m.mean differs by up to 0.5"),
    ("json", [{"n": 1}, {"n": 2}], [{"n": 1}, {"n": 4}], "1.n differs by up to 2"),
    ("md", "a\nb\n", "a\nc\n", "line 2 is c, not b"),
    ("md", "a\n", "a\nb\n", "line 2 is only in the new"),
    ("png", np.zeros((2, 2)), np.zeros((2, 2)), None),
    ("png", np.zeros((2, 2)), np.eye(2), "pixels differs by up to"),
]


@pytest.mark.parametrize(("kind", "old", "new", "said"), DIFFERENCES)
def test_what_is_said_of_two_files(
    kind: str, old: Any, new: Any, said: str | None, tmp_path: Path
) -> None:
    a, b = (_write(tmp_path / n / f"file.{kind}", c) for n, c in (("old", old), ("new", new)))
    found = first_difference(a, b)
    if said is None:
        assert found is None
    else:
        assert found is not None
        assert found.startswith(said)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    assert first_difference(_write(tmp_path / "a.md", "a"), tmp_path / "b.md") == "missing"


def _build(folder: Path, files: dict[str, Any], dep: str = "1", pruned: bool = False) -> Path:
    """Make a build of one stage: its files, and dvc.lock with what they are and depend on."""
    outs = []
    for name, content in files.items():
        digest = md5(_write(folder / name, content).read_bytes(), usedforsecurity=False)
        outs.append({"path": name, "md5": digest.hexdigest()})
    deps = [{"path": "src", "md5": dep}, {"path": "runs", "md5": "2"}]
    plot = {"cmd": "plot", "deps": deps, "outs": outs}
    train = {"cmd": "train", "outs": [{"path": "runs/A", "md5": "3.dir"}]}
    stages = {"train": train, "plot": plot} if not pruned else {"plot": plot}
    (folder / "dvc.lock").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))
    return folder


def test_pictures_and_parquet_count_by_content(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other bytes with the same content are no difference; other pixels are."""
    old = _build(tmp_path / "old", {"a.png": np.eye(2), "a.json": [1]})
    same = _build(tmp_path / "same", {"a.png": np.eye(2), "a.json": [1]})
    picture = PIL.Image.open(same / "a.png")
    picture.save(same / "a.png", compress_level=1)
    _lock_as_it_is(same)
    other = _build(tmp_path / "other", {"a.png": np.ones((2, 2)), "a.json": [1]})
    assert (old / "a.png").read_bytes() != (same / "a.png").read_bytes()
    assert compare(old, same, tmp_path) is None
    assert capsys.readouterr().out == "identical: all 2 outputs by bits, 1 by content\n"
    found = compare(old, other, tmp_path)
    assert found is not None
    assert found.startswith("stage plot, a.png: pixels differs by up to")


def _build_folder(folder: Path, files: dict[str, Any]) -> Path:
    """Make a build whose one output is the folder plots, with these files."""
    _build(folder, {f"plots/{name}": content for name, content in files.items()})
    lock = yaml.safe_load((folder / "dvc.lock").read_text())
    lock["stages"]["plot"]["outs"] = [{"path": "plots", "md5": _md5(folder / "plots")}]
    (folder / "dvc.lock").write_text(yaml.safe_dump(lock, sort_keys=False))
    return folder


def test_the_files_of_a_folder_count_one_by_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = _build_folder(tmp_path / "old", {"a.png": np.eye(2), "a.json": [1]})
    same = _build_folder(tmp_path / "same", {"a.png": np.eye(2), "a.json": [1]})
    PIL.Image.open(same / "plots/a.png").save(same / "plots/a.png", compress_level=1)
    assert compare(old, same, tmp_path) is None
    assert capsys.readouterr().out == "identical: all 2 outputs by bits, 1 by content\n"
    (same / "plots/a.json").write_text("[1 ]")
    assert compare(old, same, tmp_path) == "stage plot, plots/a.json: other bytes"
    (same / "plots/a.json").write_text("[2]")
    assert compare(old, same, tmp_path) == "stage plot, plots/a.json: 0 differs by up to 1"
    (same / "plots/a.json").unlink()
    assert compare(old, same, tmp_path) == "stage plot, plots/a.json: missing"
    more = _build_folder(tmp_path / "more", {"a.png": np.eye(2), "a.json": [1], "b.json": []})
    assert compare(old, more, tmp_path) == "stage plot, plots/b.json: is only in the new"
    (old / "plots/a.json").write_text("[2]")
    assert compare(old, same, tmp_path) == "stage plot, plots: not what dvc.lock says"


def _lock_as_it_is(folder: Path) -> None:
    """Write the MD5 of the files that are there into dvc.lock."""
    lock = yaml.safe_load((folder / "dvc.lock").read_text())
    for out in lock["stages"]["plot"]["outs"]:
        content = (folder / out["path"]).read_bytes()
        out["md5"] = md5(content, usedforsecurity=False).hexdigest()
    (folder / "dvc.lock").write_text(yaml.safe_dump(lock, sort_keys=False))


def test_json_counts_by_bits(tmp_path: Path) -> None:
    old = _build(tmp_path / "old", {"a.json": [1]})
    new = _build(tmp_path / "new", {"a.json": [1]})
    (new / "a.json").write_text("[1 ]")
    _lock_as_it_is(new)
    assert compare(old, new, tmp_path) == "stage plot, a.json: other bytes"


def test_what_is_not_at_hand_is_followed_by_what_is(tmp_path: Path) -> None:
    """The runs differ first, but only Git's files tell by how much."""
    old = _build(tmp_path / "old", {"a.json": [1]})
    new = _build(tmp_path / "new", {"a.json": [1.5]})
    lock = (new / "dvc.lock").read_text()
    (new / "dvc.lock").write_text(lock.replace("3.dir", "4.dir"))
    assert compare(old, new, tmp_path) == (
        "stage train, runs/A: other bytes; stage plot, a.json: 0 differs by up to 0.5"
    )


def test_stages_that_were_not_rebuilt_are_a_difference(tmp_path: Path) -> None:
    old = _build(tmp_path / "old", {"a.json": [1]})
    new = _build(tmp_path / "new", {"a.json": [1]}, pruned=True)
    assert compare(old, new, tmp_path) == "dvc.lock: stage train is only in the old"


def test_the_order_of_stages_is_no_difference(tmp_path: Path) -> None:
    """An older lock has new stages at its end, one that is made anew has them in their place."""
    old, new = (_build(tmp_path / name, {"a.json": [1]}) for name in ("old", "new"))
    lock = yaml.safe_load((old / "dvc.lock").read_text())
    lock["stages"] = dict(reversed(lock["stages"].items()))
    (old / "dvc.lock").write_text(yaml.safe_dump(lock, sort_keys=False))
    assert compare(old, new, tmp_path) is None


def test_a_lock_of_other_code_is_a_difference(tmp_path: Path) -> None:
    old = _build(tmp_path / "old", {"a.json": [1]})
    new = _build(tmp_path / "new", {"a.json": [1]}, dep="5")
    assert compare(old, new, tmp_path) == (
        "dvc.lock: stage plot: src is not what the results were made from"
    )


def test_a_committed_file_that_the_lock_does_not_know_is_a_difference(tmp_path: Path) -> None:
    old = _build(tmp_path / "old", {"a.json": [1]})
    new = _build(tmp_path / "new", {"a.json": [1]})
    (old / "a.json").write_text("[2]")
    assert compare(old, new, tmp_path) == "stage plot, a.json: not what dvc.lock says"
