"""Tidy dvc.lock: stages in dvc.yaml's order, without those that dvc.yaml no longer makes.

`make prune` runs it, here and in every study, and the build engine calls it. DVC keeps the entries
of models and seeds that are gone, and writes new ones in the order in which they end.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stages"))

import start

from dvc.repo import Repo
from dvc.utils.serialize import parse_yaml

from cnn_from_scratch.experiment.params import load_params
from dvc_errors import one_line
from dvc_lock import read_lock, write_lock


def tidy_lock(named: list[str]) -> list[str]:
    """Rewrite the current folder's dvc.lock if it is untidy; return the names of removed stages.

    named: the stages of dvc.yaml, in its order. Raises InputError if what is there is no lock.
    """
    lock = Path("dvc.lock")
    if not lock.exists():
        return []
    found = list(parse_yaml(lock.read_text(encoding="utf-8"), lock).get("stages", {}))
    tidy = [name for name in named if name in found]
    if tidy != found:  # what else is there to write takes long, in a long lock
        content = read_lock(lock, "dvc.lock")
        content["stages"] = {name: content["stages"][name] for name in tidy}
        write_lock(lock, content)
    return [name for name in found if name not in named]


def main() -> None:
    """Tidy the current folder's dvc.lock, and say what was removed."""
    load_params()  # says better than DVC what is wrong with params.yaml
    with one_line("tidy dvc.lock"):
        for name in tidy_lock([stage.addressing for stage in Repo().stage.collect("dvc.yaml")]):
            print(f"dvc.lock: {name}: no longer in dvc.yaml, removed")


if __name__ == "__main__":
    main()
