"""A run's record: the folder of files that a run leaves behind.

history.csv      epoch, then loss (nats) and accuracy (0..1) on train and val
result.json      what was trained and how (the optimizer with all its settings, the epochs asked
                 for), the final scores, whether the run diverged, and how its units fare;
                 trained_from is the digest of settings, seed and dataset, as `identity` has it
gradients.csv    epoch, then the gradient's norm by layer that learns, at the epoch's last update
checkpoint.npz   the trained network, as `trained` has it
predictions.csv  the label given to each validation and test sample, and every class's probability
SHA256SUMS       the others' digests: `sha256sum --check SHA256SUMS` there checks them
"""

import csv
import hashlib
import io
import itertools
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.files import json_text, replacing
from cnn_from_scratch.experiment.run import Run
from cnn_from_scratch.experiment.settings import settings
from cnn_from_scratch.experiment.trained import trained_bytes
from cnn_from_scratch.nn.optimizers import Optimizer

RUNS_FOLDER = Path("runs")
FILES = ("checkpoint.npz", "gradients.csv", "history.csv", "predictions.csv", "result.json")
SUMS = "SHA256SUMS"
LOCK = Path("dvc.lock")

_OUTPUT = re.compile(r"^ *- path: (runs/.+)$", re.MULTILINE)
# <model>/<seed>, with <lr> or split-<seed> between them where a study has lists of these
_RUN = re.compile("runs/[^/]+(/[0-9.e+-]+)?(/split-[0-9]+)?/[0-9]+")


def probability_column(class_name: str) -> str:
    """Return the name of the column of predictions.csv with a class's probability."""
    return f"p({class_name})"


def run_folder(model: str, seed: int) -> Path:
    """Return where the workflow keeps a run."""
    return RUNS_FOLDER / model / str(seed)


def is_in_runs(folder: Path) -> bool:
    """Whether a folder lies where the workflow keeps its runs."""
    return Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(RUNS_FOLDER))


def check_run_folder(folder: Path, named: Path | None) -> None:
    """Check that writing a run's record at `folder` loses nothing, now or later.

    named: where the workflow keeps the run; None if params.yaml does not name it. Raises
    InputError.
    """
    is_named = named is not None and os.path.realpath(folder) == os.path.realpath(named)
    if is_in_runs(folder) and not is_named:
        raise InputError(
            f"--out: {folder}: '{RUNS_FOLDER}' keeps the runs that params.yaml names, by model and"
            f" seed, and no others; choose another folder, such as {Path('scratch', 'mine')}"
        )
    if os.path.lexists(folder) and not (folder / "result.json").exists():
        raise InputError(
            f"{folder}: is there already, and is no run's folder; choose another --out"
        )


def check_own_files() -> None:
    """Check that a build deletes no file of one's own. Raises InputError, naming the first.

    A run's folder, and in a study the folder of a model's runs, is a stage's output, which DVC
    deletes with all that is in it before it makes it anew. Hidden files are nobody's.
    """
    for file in _own_files():
        raise InputError(
            f"{file}: DVC deletes this with the run beside it when it makes that anew; move what is"
            " yours elsewhere"
        )


def _own_files() -> Iterator[Path]:
    """Yield the files in the runs' folders that no training has written."""
    if not LOCK.exists():
        return
    for output in _OUTPUT.findall(LOCK.read_text(encoding="utf-8", errors="replace")):
        for file in sorted(Path(output).rglob("*")):
            hidden = any(part.startswith(".") for part in file.parts)
            written = file.name in {SUMS, *FILES} and _RUN.fullmatch(file.parent.as_posix())
            if not (file.is_dir() or hidden or written):
                yield file


def record_files(
    run: Run,
    *,
    model: str,
    seed: int,
    optimizer: Optimizer,
    epochs: int,
    protocol: str,
    trained_from: str,
) -> dict[str, bytes]:
    """Return a run's record: the content of its files, SHA256SUMS included, by name."""
    result = {
        "model": model,
        "seed": seed,
        "trained_from": trained_from,
        "optimizer": settings(optimizer),
        "epochs": epochs,
        "protocol": protocol,
        "parameters": run.checkpoint["theta"].size,
        "diverged": run.fit.diverged,
        "last_finite_epoch": run.fit.history[-1].epoch,
        "checkpoint_epoch": run.fit.checkpoint_epoch,
        "scores": {split: score._asdict() for split, score in run.scores.items()},
        "diagnostics": asdict(run.diagnostics),
    }
    files = {
        "checkpoint.npz": trained_bytes(run.description, run.checkpoint),
        "gradients.csv": _gradients(run).encode(),
        "history.csv": _history(run).encode(),
        "predictions.csv": _predictions(run).encode(),
        "result.json": json_text(result).encode(),
    }
    sums = [_sum(name, content) for name, content in files.items()]
    return files | {SUMS: ("\n".join(sums) + "\n").encode()}


def write_record(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a run's record; an earlier one at the same place is replaced, as a whole."""
    with replacing(folder) as new:
        new.mkdir()
        for name, content in files.items():
            (new / name).write_bytes(content)


def accuracies(files: Mapping[str, bytes]) -> str:
    """Return a recorded run's accuracy on every split, in words, and whether it diverged."""
    result = json.loads(files["result.json"])
    scores = ", ".join(f"{split} {s['accuracy']:.1%}" for split, s in result["scores"].items())
    return f"accuracy {scores}" + (", DIVERGED" if result["diverged"] else "")


def read_record(folder: Path, trained_from: str) -> dict[str, bytes]:
    """Return a record's FILES by name, once it is sure that they are those of the run asked for.

    Raises InputError if one is missing or is not what was written, or if the run was trained from
    anything else than `trained_from` says.
    """
    files = read_files(folder)
    if _result(files["result.json"]).get("trained_from") != trained_from:
        raise InputError(
            f"{folder / 'result.json'}: of other settings, another seed or another dataset than"
            " are asked for now; 'dvc repro' makes it, or if that has nothing to do, 'dvc repro"
            " --force --single-item' with the name of its train stage"
        )
    return files


def read_files(folder: Path) -> dict[str, bytes]:
    """Return a record's FILES by name. Raises InputError if one is not what SHA256SUMS says."""
    files = {name: _read(folder / name) for name in (SUMS, *FILES)}
    if name := first_damaged(files):
        raise damaged(folder / name)
    del files[SUMS]
    return files


def first_damaged(files: Mapping[str, bytes]) -> str | None:
    """Return the first of a record's FILES that is missing, or not what its SHA256SUMS says."""
    sums = files.get(SUMS, b"").splitlines()
    for name in FILES:
        if name not in files or _sum(name, files[name]).encode() not in sums:
            return name
    return None


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{file}: not found; 'dvc repro' makes it") from error


def damaged(file: Path, what: str = "damaged") -> InputError:
    """Return the error about a record's file that is not what it should be."""
    return InputError(f"{file}: {what}; 'make check-cache', then 'dvc repro' makes it anew")


def recorded_from(folder: Path) -> str | None:
    """Return what the run recorded at `folder` says that it was trained from, if there is one."""
    try:
        return _result((folder / "result.json").read_bytes()).get("trained_from")
    except OSError:
        return None


def is_own_record(folder: Path) -> bool:
    """Whether the folder holds the record of the run that belongs there, untouched, and no more."""
    try:
        if {path.name for path in folder.iterdir()} != {SUMS, *FILES}:
            return False
        result = _result(read_files(folder)["result.json"])
    except (InputError, OSError):
        return False
    return folder == run_folder(str(result.get("model")), result.get("seed", -1))


def _result(content: bytes) -> dict[str, Any]:
    """Return what is in a result.json, or nothing if that is something else."""
    try:
        result = json.loads(content)
    except ValueError:
        return {}
    return result if isinstance(result, dict) else {}


def check_still_wanted(
    wanted: Mapping[Path, str], by_now: Mapping[Path, str], found: Mapping[Path, str | None]
) -> None:
    """Check that a finished training may replace what is in the folders of its runs.

    It may not if, since it began, somebody has asked for other runs or has written them. Each
    argument maps a run's folder to what the run is trained from: the runs that were wanted when
    the training began, those that are wanted now, and those that it found in the folders. Raises
    InputError.
    """
    for folder, digest in wanted.items():
        if by_now.get(folder) != digest:
            raise InputError(
                f"{folder}: not written, as params.yaml or the dataset is another one than when"
                " this training began; 'dvc repro' trains from what is there now"
            )
        if recorded_from(folder) not in (found[folder], digest):
            raise InputError(
                f"{folder}: not written, as another training has put a run of other settings there"
                " since this one began"
            )


def _sum(name: str, content: bytes) -> str:
    """Return a file's line of SHA256SUMS."""
    return f"{hashlib.sha256(content).hexdigest()}  {name}"


def _history(run: Run) -> str:
    header = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy")
    rows = ((row.epoch, *row.train, *row.val) for row in run.fit.history)
    return _csv(header, rows)


def _gradients(run: Run) -> str:
    header = ("epoch", *(f"layer_{number}" for number in run.gradient_norms))
    rows = zip(itertools.count(1), *run.gradient_norms.values())  # none before the first update
    return _csv(header, rows)


def _predictions(run: Run) -> str:
    rows = (
        (split, index, label, predicted, *probabilities)
        for split, p in run.predictions.items()
        for index, label, predicted, probabilities in zip(
            p.indices, p.labels, p.predicted, p.probabilities.tolist(), strict=True
        )
    )
    columns = map(probability_column, run.description.class_names)
    return _csv(("split", "index", "label", "predicted", *columns), rows)


def _csv(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
