"""The whole workflow in temporary clones of what is committed: `dvc repro`, and its growth.

Beside ours run the same workflow with next to no training, with commands that only import NumPy,
and with commands that only make empty outputs: what DVC itself takes.
"""

import copy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from cnn_from_scratch.experiment.params_file import read_params
from commands import ROOT, seconds
from timing import Table, entry

DVC = [sys.executable, "-m", "dvc"]
REPRO, STATUS = [*DVC, "repro", "--quiet"], [*DVC, "status"]
ROUNDS = 2
ONLY_NUMPY = ROOT / "benchmarks/only_numpy.py"
SEEDS = (10, 50, 100)
FORCED = 7  # train stages that are run again


def repro() -> Table:
    """Return the seconds of each pipeline: from nothing, with nothing to do, after a change."""
    taken: dict[str, dict[str, list[float]]] = {}
    for _ in range(ROUNDS):
        for label, commands in PIPELINES.items():
            with clone() as folder:
                commands(folder)
                for work in ("cold", "nothing to do", "one parameter changed"):
                    if work == "one parameter changed":
                        edit_params(folder, _change_rate)
                    took = seconds(REPRO, folder)
                    taken.setdefault(f"`dvc repro`, {work}", {}).setdefault(label, []).append(took)
    return {
        work: {label: entry("s", values) for label, values in rows.items()}
        for work, rows in taken.items()
    }


def growth() -> Table:
    """Return the seconds of a train stage, and of looking for work, by the number of seeds.

    The first seeds are trained. For more, their records stand in for those of the others: what a
    stage costs with a lock of that size is measured, not hours of building it.
    """
    table: Table = {}
    with clone() as folder:
        first, *more = SEEDS
        models = edit_params(folder, partial(_set_seeds, first))
        seconds(REPRO, folder)
        for seeds in SEEDS:
            if seeds in more:
                edit_params(folder, partial(_set_seeds, seeds))
                _stand_in(folder, seeds)
            lock = {"lock, KiB": (folder / "dvc.lock").stat().st_size / 1024}
            again = [f"train@S-SGD-{seed}" for seed in range(FORCED)]
            took = seconds([*REPRO, "--force", "--single-item", *again], folder) / FORCED
            table[f"{seeds} seeds, {seeds * models} train stages"] = {
                "a train stage": entry("s", [took], **lock),
                "`dvc status`": entry("s", [seconds(STATUS, folder)]),
            }
    return table


def _stand_in(folder: Path, seeds: int) -> None:
    """Let the record and the lock's entry of seed 0 stand for those that are missing."""
    file = folder / "dvc.lock"
    lock = yaml.safe_load(file.read_text(encoding="utf-8"))
    stages = lock["stages"]
    for name in [name for name in stages if name.endswith("-0") and name.startswith("train@")]:
        model = name.removeprefix("train@").removesuffix("-0")
        for seed in range(seeds):
            if f"train@{model}-{seed}" not in stages:
                stage = copy.deepcopy(stages[name])
                stage["cmd"] = stage["cmd"].replace("--seed 0", f"--seed {seed}")
                stage["cmd"] = stage["cmd"].replace(f"{model}/0", f"{model}/{seed}")
                stage["outs"][0]["path"] = f"runs/{model}/{seed}"
                stages[f"train@{model}-{seed}"] = stage
                shutil.copytree(folder / f"runs/{model}/0", folder / f"runs/{model}/{seed}")
    file.write_text(yaml.safe_dump(lock, sort_keys=False), encoding="utf-8")


@contextmanager
def clone() -> Iterator[Path]:
    """Give a clone of what is committed, without its lock, so that nothing is built."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent, "clone")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        (folder / "dvc.lock").unlink()
        yield folder


def edit_params(folder: Path, change: Callable[[Any], None]) -> int:
    """Change params.yaml, and return how many models it names."""
    file = folder / "params.yaml"
    params = read_params(file)
    change(params)
    file.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    return len(params["models"])


def _change_rate(params: Any) -> None:
    params["models"]["S-Adam"]["optimizer"]["lr"] = 0.02


def _train_one_epoch(params: Any) -> None:
    params["train"]["epochs"] = 1


def _set_seeds(count: int, params: Any) -> None:
    params["seeds"] = list(range(count))


def _only_numpy(outputs: list[str]) -> str:
    return " ".join(["python", str(ONLY_NUMPY), *outputs])


def _empty(outputs: list[str]) -> str:
    files = [path for path in outputs if Path(path).suffix]
    folders = [path for path in outputs if not Path(path).suffix]
    parents = sorted({str(Path(path).parent) for path in files})
    made = [f"mkdir -p {' '.join(parents + folders)}"]
    return " && ".join([*made, f"touch {' '.join([*files, *(f'{f}/empty' for f in folders)])}"])


def _replace_commands(folder: Path, command: Callable[[list[str]], str]) -> None:
    """Let every stage run the command that makes its outputs."""
    file = folder / "dvc.yaml"
    pipeline = yaml.safe_load(file.read_text(encoding="utf-8"))
    for stage in pipeline["stages"].values():
        outputs = [o for kind in ("outs", "metrics") for o in map(_path, stage.get(kind, []))]
        stage["cmd"] = command(outputs)
    file.write_text(yaml.safe_dump(pipeline, sort_keys=False), encoding="utf-8")


def _path(output: str | dict[str, Any]) -> str:
    return output if isinstance(output, str) else next(iter(output))


PIPELINES: dict[str, Callable[[Path], object]] = {
    "ours": lambda folder: None,
    "ours with one epoch of training": lambda folder: edit_params(folder, _train_one_epoch),
    "commands only import NumPy": lambda folder: _replace_commands(folder, _only_numpy),
    "empty commands": lambda folder: _replace_commands(folder, _empty),
}
