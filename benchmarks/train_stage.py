"""A whole train stage as a process: start, imports, all epochs of a model, its record written.

Ours is stages/train.py, with the settings of params.yaml changed as the contender's name says.
"""

import csv
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from cnn_from_scratch.experiment.params_file import read_params
from commands import ROOT, CommandError, seconds
from timing import Entry, Table, entry, skipped

MODELS = ("S-Adam", "E-Adam")
ROUNDS = 5
OURS = {
    "NumPy native, float64": {"numerics": "native"},
    "NumPy portable, float64": {"numerics": "portable"},
    "compiled, float64": {"numerics": "native", "backend": "compiled"},
    "compiled portable, float64": {"numerics": "portable", "backend": "compiled"},
}
OTHERS = {
    "PyTorch eager, float32": ("torch_stage.py",),
    "JAX step, float32": ("jax_stage.py", "step"),
    "JAX scan, float32": ("jax_stage.py", "scan"),
}
COMPARED_ROWS = 10  # of the histories; a ReLU that switches parts them later


def train_stages() -> Table:
    """Return the seconds that each contender's process takes, by model."""
    return {f"{model}, a train stage": _compare(model) for model in MODELS}


def _compare(model: str) -> dict[str, Entry]:
    """Time all contenders in turns, each first once untimed, which fills caches of bytecode."""
    with tempfile.TemporaryDirectory() as parent:
        commands = {label: _ours(model, Path(parent, label), OURS[label]) for label in OURS}
        commands |= {label: _other(model, Path(parent, label), OTHERS[label]) for label in OTHERS}
        reasons: dict[str, str] = {}
        taken: dict[str, list[float]] = {label: [] for label in commands}
        for label, run in commands.items():
            try:
                run()
            except CommandError as error:
                reasons[label] = str(error)
        _check([Path(parent, label) for label in commands if label not in reasons])
        for _ in range(ROUNDS):
            for label, run in commands.items():
                if label not in reasons:
                    taken[label].append(run())
    return {
        label: skipped(reasons[label]) if label in reasons else entry("s", taken[label])
        for label in commands
    }


def _ours(model: str, folder: Path, settings: dict[str, Any]) -> Callable[[], float]:
    _project(folder, settings)
    script = str(ROOT / "stages/train.py")
    return lambda: _fresh(folder, script, "--model", model, "--seed", "0", "--out", "record")


def _other(model: str, folder: Path, script: tuple[str, ...]) -> Callable[[], float]:
    _project(folder, {})
    path = str(ROOT / "benchmarks" / script[0])
    return lambda: _fresh(folder, path, model, "record", *script[1:])


def _project(folder: Path, settings: dict[str, Any]) -> None:
    """Make a folder with what a train stage reads."""
    (folder / "data").mkdir(parents=True)
    shutil.copy(ROOT / "data/dataset.npz", folder / "data")
    params = read_params(ROOT / "params.yaml")
    params["train"] |= settings
    (folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")


def _fresh(folder: Path, *script: str) -> float:
    shutil.rmtree(folder / "record", ignore_errors=True)
    return seconds([sys.executable, *script], folder)


def _check(folders: list[Path]) -> None:
    """Make sure that all have trained the same: the same scores in the first epochs."""
    rows = []
    for folder in folders:
        with (folder / "record/history.csv").open(newline="") as file:
            rows.append([list(map(float, row)) for row in list(csv.reader(file))[1:]])
    for some in rows[1:]:
        assert len(some) == len(rows[0])
        np.testing.assert_allclose(some[:COMPARED_ROWS], rows[0][:COMPARED_ROWS], rtol=1e-3)
