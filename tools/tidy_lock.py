"""Tidy dvc.lock: stages in dvc.yaml's order, without those that dvc.yaml no longer makes.

`make prune` runs it, here and in every study, and so does tools/parallel.py. DVC keeps the entries
of models and seeds that are gone, and writes new ones in the order in which they end.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stages"))

import start

from dvc.repo import Repo

from cnn_from_scratch.experiment.params import load_params
from dvc_errors import one_line
from dvc_lock import read_lock, write_lock


def tidy_lock() -> list[str]:
    """Rewrite the current folder's dvc.lock if it is untidy; return the names of removed stages.

    Raises InputError if DVC cannot read what is there.
    """
    lock = Path("dvc.lock")
    if not lock.exists():
        return []
    load_params()  # says better than DVC what is wrong with params.yaml
    with one_line("tidy dvc.lock"):
        named = [stage.addressing for stage in Repo().stage.collect("dvc.yaml")]
        content = read_lock(lock, "dvc.lock")
        stages = content.get("stages", {})
        content["stages"] = {name: stages[name] for name in named if name in stages}
        write_lock(lock, content)
    return [name for name in stages if name not in named]


if __name__ == "__main__":
    for name in tidy_lock():
        print(f"dvc.lock: {name}: no longer in dvc.yaml, removed")
