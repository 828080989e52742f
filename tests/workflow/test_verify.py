"""`make verify` says in one line that a rebuild is identical, or what differs first."""

import json
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
import yaml

from tests.portability.verify import compare, first_difference, verify
from tests.workflow.project import Project


def test_a_rebuild_is_identical(clone: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where there is no cache to compare with, and the committed results stay untouched."""
    assert verify(clone) is None
    assert capsys.readouterr().out == "identical: all 22 outputs by bits\n"
    assert clone.git("status", "--porcelain") == ""


def test_the_first_difference_is_named(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another exp shows in the first run."""
    numerics = project.folder / "src/cnn_from_scratch/nn/numerics.py"
    code = numerics.read_text(encoding="utf-8")
    changed = code.replace("COTH_TERMS = [1 / 6,", "COTH_TERMS = [1.0000001 / 6,")
    assert changed != code
    numerics.write_text(changed, encoding="utf-8")
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


def _build(folder: Path, files: dict[str, tuple[Any, str]]) -> Path:
    """Make a build of one stage: its files with their content, and dvc.lock with their md5."""
    for name, (content, _) in files.items():
        _write(folder / name, content)
    outs = [{"path": name, "md5": md5} for name, (_, md5) in files.items()]
    lock = {"schema": "2.0", "stages": {"plot": {"cmd": "plot", "outs": outs}}}
    (folder / "dvc.lock").write_text(yaml.safe_dump(lock))
    return folder


def test_pictures_and_parquet_count_by_content(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other bytes with the same content are no difference; other pixels are."""
    old = _build(tmp_path / "old", {"a.png": (np.eye(2), "1"), "a.json": ([1], "2")})
    same = _build(tmp_path / "same", {"a.png": (np.eye(2), "3"), "a.json": ([1], "2")})
    other = _build(tmp_path / "other", {"a.png": (np.ones((2, 2)), "3"), "a.json": ([1], "2")})
    assert compare(old, same, tmp_path) is None
    assert capsys.readouterr().out == "identical: all 1 outputs by bits, 1 by content\n"
    found = compare(old, other, tmp_path)
    assert found is not None
    assert found.startswith("stage plot, a.png: pixels differs by up to")


def test_json_counts_by_bits(tmp_path: Path) -> None:
    old = _build(tmp_path / "old", {"a.json": ([1], "2")})
    new = _build(tmp_path / "new", {"a.json": ([1], "3")})
    assert compare(old, new, tmp_path) == "stage plot, a.json: other bytes"


def test_other_outputs_are_a_difference(tmp_path: Path) -> None:
    old = _build(tmp_path / "old", {"a.json": ([1], "2")})
    new = _build(tmp_path / "new", {"a.json": ([1], "2"), "b.json": ([1], "2")})
    assert compare(old, new, tmp_path) == "dvc.lock: the stages or their outputs are not the same"
