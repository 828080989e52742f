"""Rebuild the committed study in a clean clone, and compare with what is committed.

Usage: make verify, or python -m tests.portability.verify

Prints one line: what is identical, or which stage, file and array differ first, and by how much.
Parquet and pictures may have other bytes, since their libraries write them; their content counts.
The old files that Git does not hold are looked up in this checkout's DVC cache, where it has them.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pandas as pd
import yaml

from tests.workflow.project import ROOT, Project

BY_CONTENT = (".parquet", ".png")


@dataclass(frozen=True)
class Output:
    """A file or folder that a stage makes, as dvc.lock knows it."""

    stage: str
    path: str
    md5: str


def verify(project: Project) -> str | None:
    """Rebuild a project's HEAD in a temporary clone. Print the outcome; return what differs."""
    with tempfile.TemporaryDirectory() as name:
        old = project.clone(Path(name, "old"))
        new = project.clone(Path(name, "new"))
        rebuilt = new.dvc("repro", "--force", check=False)
        if rebuilt.returncode:
            sys.exit(f"{rebuilt.stdout}{rebuilt.stderr}error: dvc repro failed")
        return compare(old.folder, new.folder, project.folder / ".dvc" / "cache")


def compare(old: Path, new: Path, cache: Path) -> str | None:
    """Compare two builds of the study; print a line. Return the difference, or None."""
    before, after = outputs(old), outputs(new)
    if [(o.stage, o.path) for o in before] != [(o.stage, o.path) for o in after]:
        return _different("dvc.lock: the stages or their outputs are not the same")
    unknown = []
    by_content = 0
    for was, now in zip(before, after, strict=True):
        if was.md5 == now.md5:
            continue
        pairs = list(_changed_files(was, old, new, cache))
        found = [
            f"{shown}: {difference}"
            for shown, old_file, new_file in pairs
            if (difference := first_difference(old_file, new_file))
        ]
        if not was.path.endswith(BY_CONTENT):
            where = found[0] if found else f"{was.path}: other bytes"
            return _different(f"stage {was.stage}, {where}")
        if found:
            return _different(f"stage {was.stage}, {found[0]}")
        if pairs:
            by_content += 1
        else:
            unknown.append(was.path)
    line = f"identical: all {len(before) - by_content - len(unknown)} outputs by bits"
    line = line if not by_content else f"{line}, {by_content} by content"
    print(line if not unknown else f"{line}; not at hand to compare: {', '.join(unknown)}")
    return None


def outputs(project: Path) -> list[Output]:
    """Return what dvc.lock lists, in the order of the stages."""
    stages = yaml.safe_load((project / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    return [
        Output(name, out["path"], out["md5"])
        for name, stage in stages.items()
        for out in stage["outs"]
    ]


def first_difference(old: Path, new: Path) -> str | None:
    """Return which array of two files of one kind differs first, and by how much, or None."""
    if not new.exists():
        return "missing"
    a, b = _arrays(old, new.suffix), _arrays(new, new.suffix)
    for name in [*a, *(name for name in b if name not in a)]:
        if name not in a or name not in b:
            return f"{name} is only in the {'old' if name in a else 'new'}"
        x, y = a[name], b[name]
        if x.shape != y.shape:
            return f"{name} has shape {y.shape}, not {x.shape}"
        same = np.asarray((x == y) | ((x != x) & (y != y)))  # a NaN equals itself here
        if not same.all():
            if x.dtype.kind in "iufb" and y.dtype.kind in "iufb":
                distance = np.abs(x.astype(np.float64) - y.astype(np.float64))[~same]
                return f"{name} differs by up to {distance.max():.3g}"
            return f"{name} is {y[~same].flat[0]!s}, not {x[~same].flat[0]!s}"
    return None


def _arrays(file: Path, kind: str) -> dict[str, np.ndarray[Any, Any]]:
    """Return a file's content as named arrays."""
    if kind == ".npz":
        with np.load(file, allow_pickle=False) as arrays:
            return dict(arrays)
    if kind in (".csv", ".parquet"):
        table = pd.read_csv(file) if kind == ".csv" else pd.read_parquet(file)
        return {str(name): column.to_numpy() for name, column in table.items()}
    if kind == ".png":
        return {"pixels": np.asarray(matplotlib.image.imread(file, format="png"))}
    text = file.read_text(encoding="utf-8")
    if kind == ".json":
        return {name: np.array(value) for name, value in _leaves(json.loads(text))}
    return {f"line {i}": np.array(line) for i, line in enumerate(text.splitlines(), start=1)}


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the numbers and texts of nested JSON, each with the keys that lead to it."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


def _changed_files(
    was: Output, old: Path, new: Path, cache: Path
) -> Iterator[tuple[str, Path, Path]]:
    """Yield the changed files of an output: what to call them, the old and the new one.

    Nothing where the old ones are neither in Git nor in DVC's cache.
    """
    if not was.md5.endswith(".dir"):
        old_file = old / was.path if (old / was.path).exists() else _cached(cache, was.md5)
        if old_file.exists():
            yield was.path, old_file, new / was.path
    elif (listing := _cached(cache, was.md5)).exists():
        for entry in json.loads(listing.read_text(encoding="utf-8")):
            path = f"{was.path}/{entry['relpath']}"
            old_file, new_file = _cached(cache, entry["md5"]), new / path
            unchanged = new_file.exists() and _md5(new_file) == entry["md5"]
            if not unchanged and old_file.exists():
                yield path, old_file, new_file


def _md5(file: Path) -> str:
    return md5(file.read_bytes(), usedforsecurity=False).hexdigest()


def _cached(cache: Path, name: str) -> Path:
    return cache / "files" / "md5" / name[:2] / name[2:]


def _different(what: str) -> str:
    print(f"different: {what}")
    return what


if __name__ == "__main__":
    sys.exit(verify(Project(ROOT)) is not None)
