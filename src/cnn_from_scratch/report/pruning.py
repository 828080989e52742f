"""The runs that params.yaml no longer names: their records are deleted, and nothing else is."""

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.files import LEFTOVER, remove_leftovers
from cnn_from_scratch.experiment.records import RUNS_FOLDER, is_own_record, run_folder


def prune_runs(models: Iterable[str], seeds: Iterable[int]) -> Iterator[str]:
    """Delete the records of runs that are no longer named, and yield a line about each.

    A record is deleted if it is as it was written, and where it was written; the folders above it
    go with it once they are empty. Whatever else is there stays, and a line says so. Raises
    InputError if a record cannot be deleted.
    """
    named = {run_folder(model, seed) for model in models for seed in seeds}
    parents = {parent for folder in named for parent in folder.parents}
    for folder in _records(named):
        _delete(folder)
        yield f"{folder}: no longer named in params.yaml, deleted"
    for parent in sorted(parents - {Path()}):
        for path in sorted(parent.iterdir()):
            if path not in named | parents and not LEFTOVER.fullmatch(path.name):
                yield f"{path}: is no run of params.yaml's, nor a record to delete; left alone"


def _records(named: set[Path]) -> list[Path]:
    """Return the folders with untouched records that are not named."""
    found = []
    for place, folders, _ in os.walk(RUNS_FOLDER):
        remove_leftovers(Path(place))
        below = [Path(place, name) for name in sorted(folders)]
        records = [
            path
            for path in below
            if path not in named and not path.is_symlink() and is_own_record(path)
        ]
        found += records
        folders[:] = [path.name for path in below if path not in named and path not in records]
    return found


def _delete(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
        for parent in folder.parents:
            if parent == RUNS_FOLDER or any(parent.iterdir()):
                return
            parent.rmdir()
    except OSError as error:
        raise InputError(
            f"{folder}: no longer named in params.yaml, but cannot be deleted: {error}"
        ) from error
