"""Rebuild the committed study in a clean clone, and compare with what is committed.

Usage: make verify, or python -m tests.portability.verify

Prints one line: what is identical, or which stage, file and array differ first, and by how much.
Parquet and pictures may have other bytes, since their libraries write them; their content counts.
The old files that Git does not hold are looked up in this checkout's DVC cache, where it has them.
"""

import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from hashlib import md5 as md5_of
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pandas as pd
import yaml

from cnn_from_scratch.experiment.records import SUMS
from tests.workflow.project import ROOT, Project

BY_CONTENT = (".parquet", ".png")


Lock = dict[str, dict[str, Any]]  # the stages of dvc.lock, in order


def verify(project: Project) -> str | None:
    """Rebuild a project's HEAD in a temporary clone. Print the outcome; return what differs."""
    with tempfile.TemporaryDirectory() as name:
        old = project.clone(Path(name, "old"))
        new = project.clone(Path(name, "new"))
        (new.folder / "dvc.lock").unlink()  # so that it lists what has been rebuilt, and no more
        rebuilt = new.dvc("repro", check=False)
        if rebuilt.returncode:
            sys.exit(f"{rebuilt.stdout}{rebuilt.stderr}error: dvc repro failed")
        return compare(old.folder, new.folder, project.folder / ".dvc" / "cache")


def compare(old: Path, new: Path, cache: Path) -> str | None:
    """Compare two builds of the study; print a line. Return the difference, or None."""
    before, after = _lock(old), _lock(new)
    difference = stale(before, after) or _uncommitted(before, old)
    if difference is None:
        difference, by_content, unknown = _compare_outputs(before, after, old, new, cache)
    if difference is not None:
        print(f"different: {difference}")
        return difference
    number = len(_by_file(_outs(before), old, _folders(before, old)))
    line = f"identical: all {number - by_content - len(unknown)} outputs by bits"
    line = line if not by_content else f"{line}, {by_content} by content"
    print(line if not unknown else f"{line}; not at hand to compare: {', '.join(unknown)}")
    return None


def stale(before: Lock, after: Lock) -> str | None:
    """Return how the stages themselves, or what they were made from, differ; outputs aside."""
    if before.keys() != after.keys():  # DVC leaves the order of an older lock as it is
        names = [name for name in {**before, **after} if name not in before or name not in after]
        return f"dvc.lock: stage {names[0]} is only in the {'old' if names[0] in before else 'new'}"
    made = set(_outs(before))
    for name, was in before.items():
        now = after[name]
        for key in ("cmd", "params"):
            if was.get(key) != now.get(key):
                return f"dvc.lock: stage {name}: other {key} than the committed files have"
        recorded, found = ({d["path"]: d["md5"] for d in x.get("deps", [])} for x in (was, now))
        for path in {**recorded, **found}:
            is_made = any(f"{out}/".startswith(f"{path}/") or _is_in(path, out) for out in made)
            if not is_made and recorded.get(path) != found.get(path):
                return f"dvc.lock: stage {name}: {path} is not what the results were made from"
    return None


def _uncommitted(before: Lock, old: Path) -> str | None:
    """Return which output that Git holds is not the one of dvc.lock."""
    for name, stage in before.items():
        for out in stage["outs"]:
            output = old / out["path"]
            if output.exists() and _md5(output) != out["md5"]:
                return f"stage {name}, {out['path']}: not what dvc.lock says"
    return None


def _compare_outputs(
    before: Lock, after: Lock, old: Path, new: Path, cache: Path
) -> tuple[str | None, int, list[str]]:
    """Return the first difference; how many outputs are equal by content only; and the unknown.

    Of a folder that Git holds, each file counts as an output. Where the first output to differ is
    not at hand, the first one that is follows, for its amount.
    """
    first: str | None = None
    by_content = 0
    unknown: list[str] = []
    was = _by_file(_outs(before), old, folders := _folders(before, old))
    now = _by_file(_outs(after), new, folders)
    for path in {**was, **now}:
        if was.get(path) == now.get(path):
            continue
        stage = next(
            name for name in before if any(_is_in(path, out) for out in _outs({name: before[name]}))
        )
        if path not in was:
            return f"stage {stage}, {path}: is only in the new", by_content, unknown
        pairs = list(_changed_files(path, was[path], old, new, cache))
        found = [
            f"{shown}: {difference}"
            for shown, old_file, new_file in pairs
            if (difference := first_difference(old_file, new_file))
        ]
        if found:
            amount = f"stage {stage}, {found[0]}"
            return (amount if first is None else f"{first}; {amount}"), by_content, unknown
        if not path.endswith(BY_CONTENT):
            first = first or f"stage {stage}, {path}: other bytes"
        elif pairs:
            by_content += 1
        else:
            unknown.append(path)
    return first, by_content, unknown


def _lock(project: Path) -> Lock:
    lock: Lock = yaml.safe_load((project / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    return lock


def _outs(lock: Lock) -> dict[str, str]:
    """Return the MD5 of every output, in the order of the stages."""
    return {out["path"]: out["md5"] for stage in lock.values() for out in stage["outs"]}


def _folders(lock: Lock, old: Path) -> list[str]:
    """Return the outputs that are folders which Git holds."""
    return [out for out in _outs(lock) if (old / out).is_dir()]


def _by_file(outs: dict[str, str], build: Path, folders: Iterable[str]) -> dict[str, str]:
    """Return the outputs with each folder's files, and their MD5, in its place."""
    result: dict[str, str] = {}
    for path, md5 in outs.items():
        if path not in folders:
            result[path] = md5
            continue
        for file in sorted((build / path).rglob("*")):
            if file.is_file():
                result[file.relative_to(build).as_posix()] = _md5(file)
    return result


def _is_in(path: str, output: str) -> bool:
    """Whether a path is an output, or lies in it."""
    return f"{path}/".startswith(f"{output}/")


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
    path: str, md5: str, old: Path, new: Path, cache: Path
) -> Iterator[tuple[str, Path, Path]]:
    """Yield the changed files of an output: what to call them, the old and the new one.

    Nothing where the old ones are neither in Git nor in DVC's cache.
    """
    if not md5.endswith(".dir"):
        old_file = old / path if (old / path).exists() else _cached(cache, md5)
        if old_file.exists():
            yield path, old_file, new / path
    elif (listing := _cached(cache, md5)).exists():
        entries = json.loads(listing.read_text(encoding="utf-8"))
        # Sums differ wherever their files do, and say less.
        for entry in sorted(entries, key=lambda entry: entry["relpath"].endswith(SUMS)):
            inner = f"{path}/{entry['relpath']}"
            old_file, new_file = _cached(cache, entry["md5"]), new / inner
            unchanged = new_file.exists() and _md5(new_file) == entry["md5"]
            if not unchanged and old_file.exists():
                yield inner, old_file, new_file


def _md5(path: Path) -> str:
    """Return the MD5 of a file, or of a folder as DVC takes it: of the list of its files."""
    if path.is_file():
        return md5_of(path.read_bytes(), usedforsecurity=False).hexdigest()
    files = {file.relative_to(path).as_posix(): file for file in path.rglob("*") if file.is_file()}
    listed = [{"md5": _md5(file), "relpath": name} for name, file in sorted(files.items())]
    listing = json.dumps(listed, sort_keys=True).encode()
    return md5_of(listing, usedforsecurity=False).hexdigest() + ".dir"


def _cached(cache: Path, name: str) -> Path:
    return cache / "files" / "md5" / name[:2] / name[2:]


if __name__ == "__main__":
    if not (ROOT / ".git").exists():
        sys.exit(f"error: {ROOT} is no Git checkout: there is nothing committed to verify")
    if Project(ROOT).git("status", "--porcelain"):
        print("note: only what is committed is verified; there are changes", file=sys.stderr)
    sys.exit(verify(Project(ROOT)) is not None)
