"""Merge two versions of dvc.lock stage by stage, for Git (docs/pipeline.md switches it on).

Line by line, as Git merges by itself, two people who each add a stage are in conflict. DVC's own
merge driver is for .dvc files, and refuses a lock.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stages"))

import start

from cnn_from_scratch import InputError
from cnn_from_scratch.arguments import Parser
from dvc_errors import one_line
from dvc_lock import read_lock, write_lock

Stages = Mapping[str, Any]


def merge_stages(base: Stages, ours: Stages, theirs: Stages) -> tuple[dict[str, Any], list[str]]:
    """Return the merged stages, and the names of those that both sides have changed differently.

    Of those it keeps what is there, ours rather than theirs. Either is right for `dvc repro`: it
    compares the entry with the files, and builds the stage again if they differ.
    """
    merged: dict[str, Any] = {}
    conflicts = []
    for name in _names(ours, theirs):
        was, our, their = (stages.get(name) for stages in (base, ours, theirs))
        entry = our if their == was else their
        if was != our != their != was:
            conflicts.append(name)
            entry = our or their
        if entry:
            merged[name] = entry
    return merged, conflicts


def _names(ours: Iterable[str], theirs: Iterable[str]) -> list[str]:
    """Return all names: ours in their order, each other one before the one that follows it.

    A stage that DVC has added is thus the last, and one of a tidy lock stays where it belongs.
    """
    names = list(ours)
    place = len(names)
    for name in reversed(list(theirs)):
        if name in names:
            place = names.index(name)
        else:
            names.insert(place, name)
    return names


def merge_lock(base: Path, ours: Path, theirs: Path, name: str) -> list[str]:
    """Write what the locks give together to ours; return the stages that are in conflict.

    Raises InputError, and leaves ours as it was, if one of them, called by the name, is no lock.
    """
    with one_line(f"merge {name}"):
        # Git gives an empty file where there was none.
        old = read_lock(base, f"{name} (base)") if base.stat().st_size else {}
        our = read_lock(ours, f"{name} (ours)")
        their = read_lock(theirs, f"{name} (theirs)")
    if our.get("datasets") != their.get("datasets"):
        raise InputError(f"{name}: expected the same datasets in ours and theirs")
    sides = (content.get("stages", {}) for content in (old, our, their))
    our["stages"], conflicts = merge_stages(*sides)
    write_lock(ours, our)
    return conflicts


if __name__ == "__main__":
    parser = Parser(description=__doc__)
    parser.add_argument("base", type=Path, help="Git's %%O")
    parser.add_argument("ours", type=Path, help="Git's %%A, where the merged lock is written")
    parser.add_argument("theirs", type=Path, help="Git's %%B")
    parser.add_argument("path", help="Git's %%P, as which errors name the file")
    git = parser.parse_args()
    try:
        conflicts = merge_lock(git.base, git.ours, git.theirs, git.path)
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)  # 1 is for conflicts
    if conflicts:
        stages = ", ".join(conflicts)
        sys.exit(f"{git.path}: both sides have changed {stages}; now run 'dvc repro'")
