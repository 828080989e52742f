"""Checkpoints: how far a run has come, kept outside its record, so that a killed run goes on there.

A checkpoint is a file that is named by all that its run depends on. It is there only while the run
is trained: a run of another setting, dataset or code never finds it.
"""

import hashlib
import io
import json
import platform
import sys
import time
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.experiment.code import own_code
from cnn_from_scratch.experiment.diagnostics import NotingGradients
from cnn_from_scratch.experiment.files import remove_leftovers, replacing
from cnn_from_scratch.experiment.npz import write_npz
from cnn_from_scratch.experiment.params import Train
from cnn_from_scratch.experiment.streams import Purpose
from cnn_from_scratch.nn.layers import Arrays
from cnn_from_scratch.nn.network import Sequential
from cnn_from_scratch.nn.training import Epoch, Progress, Score

FOLDER = Path(".dvc/tmp/checkpoints")  # in a project
SECONDS = 30.0  # of training, from one checkpoint to the next
WEEK = 7 * 24 * 3600.0


class Parts(NamedTuple):
    """What of a training changes besides its `Progress`."""

    network: Sequential
    optimizer: NotingGradients
    streams: Mapping[Purpose, np.random.RandomState]


class Checkpoint:
    """One run's checkpoint, in a project's folder FOLDER.

    It is neither written nor read where there is no project: on another machine's worker, say.

    project: its folder. trained_from: the run's digest. train: how it is trained. seconds: of
    training, after which it is written when the epoch ends.
    """

    def __init__(
        self, project: Path, trained_from: str, train: Train, seconds: float = SECONDS
    ) -> None:
        self.seconds = seconds
        self._folder = project / FOLDER
        self._trained_from = trained_from
        self._train = train
        self._written = time.monotonic()

    @cached_property
    def file(self) -> Path:
        """Its place, named by the run, the code, and where native bits are made."""
        place = [] if self._train.numerics == "portable" else _place(self._train)
        decisive = [self._trained_from, own_code(), place]
        return self._folder / hashlib.sha256(json.dumps(decisive).encode()).hexdigest()

    def resume(self, parts: Parts) -> Progress:
        """Put the parts where the run was, and return its progress.

        Without a checkpoint, or with one that is damaged, that is the beginning.
        """
        arrays = self._read()
        if arrays is None:
            return Progress()
        parts.network.restore(_part(arrays, "network"))
        for purpose, rng in parts.streams.items():
            rng.set_state(_state_of(arrays, purpose.name))
        parts.optimizer.norms[:] = arrays["norms"].tolist()
        like = parts.network.backend.optimizer(parts.optimizer).init(parts.network.theta)
        history = [
            Epoch(i, Score(*row[:2]), Score(*row[2:]))
            for i, row in enumerate(arrays["history"].tolist())
        ]
        print(f"going on from epoch {len(history) - 1}", file=sys.stderr)
        return Progress(
            history=history,
            optimizer_state=_filled(like, iter(_list(arrays, "optimizer"))),
            best_epoch=int(arrays["best_epoch"]),
            best=_part(arrays, "best"),
        )

    def save(self, parts: Parts, progress: Progress) -> None:
        """Write the checkpoint, if it is time; it is replaced as a whole."""
        if time.monotonic() - self._written < self.seconds or not self._folder.parent.is_dir():
            return
        history = [[*epoch.train, *epoch.val] for epoch in progress.history]
        arrays: Arrays = {
            "history": np.array(history),
            "norms": np.array(parts.optimizer.norms),
            "best_epoch": np.array(progress.best_epoch),
        }
        arrays |= {f"network {name}": array for name, array in parts.network.state().items()}
        arrays |= {f"best {name}": array for name, array in progress.best.items()}
        for i, array in enumerate(_leaves(progress.optimizer_state)):
            arrays[f"optimizer {i}"] = array
        for purpose, rng in parts.streams.items():
            _, *state = rng.get_state(legacy=True)
            for i, part in enumerate(state):
                arrays[f"{purpose.name} {i}"] = np.asarray(part)
        content = io.BytesIO()
        write_npz(content, arrays)
        self.file.parent.mkdir(exist_ok=True)
        with replacing(self.file) as new:
            new.write_bytes(self._sum(content.getvalue()) + content.getvalue())
        self._written = time.monotonic()

    def remove(self) -> None:
        """Delete it: the run is done."""
        if self._folder.is_dir():
            self.file.unlink(missing_ok=True)

    def _read(self) -> dict[str, Array] | None:
        """Return what was written; None if nothing was, or if it is damaged, which is said."""
        if not self._folder.is_dir() or not self.file.exists():
            return None
        content = self.file.read_bytes()
        size = hashlib.sha256().digest_size
        if content[:size] != self._sum(content[size:]):
            print(f"{self.file}: a damaged checkpoint; beginning anew", file=sys.stderr)
            return None
        with np.load(io.BytesIO(content[size:]), allow_pickle=False) as file:
            arrays: dict[str, Array] = dict(file)
        return arrays

    def _sum(self, content: bytes) -> bytes:
        """Return the digest of a checkpoint and of its name: it is no other run's."""
        return hashlib.sha256(self.file.name.encode() + content).digest()


def remove_old(project: Path) -> None:
    """Delete a project's checkpoints of a week ago and more: of runs that nobody goes on with.

    What a kill has left half-written goes, too.
    """
    folder = project / FOLDER
    if not folder.is_dir():
        return
    remove_leftovers(folder)
    for file in folder.iterdir():
        if file.is_file() and time.time() - file.stat().st_mtime > WEEK:
            file.unlink(missing_ok=True)


def _place(train: Train) -> list[str]:
    """Return what native bits depend on besides the code: the machine, and who computes."""
    from importlib.metadata import version  # takes longer than all else here, for native runs alone

    packages = ["numpy", *(["numba", "llvmlite"] if train.backend == "compiled" else [])]
    return [platform.node(), platform.machine(), *map(version, packages)]


def _part(arrays: Mapping[str, Array], part: str) -> Arrays:
    """Return the arrays of a part, by their own names."""
    start = f"{part} "
    return {name.removeprefix(start): a for name, a in arrays.items() if name.startswith(start)}


def _list(arrays: Mapping[str, Array], part: str) -> list[Array]:
    """Return the arrays of a part whose own names are 0, 1, ..."""
    own = _part(arrays, part)
    return [own[str(i)] for i in range(len(own))]


def _state_of(arrays: Mapping[str, Array], stream: str) -> tuple[str, Any, int, int, float]:
    """Return a stream's state, as RandomState takes it."""
    key, place, has_gauss, gauss = _list(arrays, stream)
    return "MT19937", key, int(place), int(has_gauss), float(gauss)


def _leaves(state: Any) -> Iterator[Array]:
    """Yield the arrays and numbers of an optimizer's state, in order."""
    if isinstance(state, tuple):
        for part in state:
            yield from _leaves(part)
    else:
        yield np.asarray(state)


def _filled(like: Any, leaves: Iterator[Array]) -> Any:
    """Return a state of the same structure with other arrays and numbers."""
    if not isinstance(like, tuple):
        leaf = next(leaves)
        return leaf if isinstance(like, np.ndarray) else type(like)(leaf)
    parts = [_filled(part, leaves) for part in like]
    return type(like)(*parts) if hasattr(like, "_fields") else tuple(parts)
