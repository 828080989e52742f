"""A run that is killed goes on from its checkpoint, and comes to the same record, to the byte."""

import os
import platform
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cnn_from_scratch.experiment import checkpoints
from cnn_from_scratch.experiment.checkpoints import FOLDER, Checkpoint, remove_old
from cnn_from_scratch.experiment.jobs import Job
from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.experiment.params import Augmentation, Train
from cnn_from_scratch.nn.architectures import SimpleCNN, Stack
from cnn_from_scratch.nn.layers import BatchNorm, Conv2D, Dense, Dropout, Flatten, ReLU
from cnn_from_scratch.nn.optimizers import OPTIMIZERS, SGD, Adam, Optimizer
from cnn_from_scratch.nn.schedules import Cosine
from cnn_from_scratch.nn.training import Epoch
from tests.experiment.studies import DIVERGING, HOLDOUT, stripes

DATASET = stripes(24)
EVERYTHING = Stack((Conv2D(3, 3), BatchNorm(), ReLU(), Dropout(0.3), Flatten(), Dense(3)))
MINIBATCHES = Train(6, 5, Augmentation(shift=1, rotation=20.0, noise=0.1))


class KilledError(Exception):
    """Stands for a kill."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder that looks like a project to which DVC has been."""
    (tmp_path / FOLDER).parent.mkdir(parents=True)
    return tmp_path


def job(train: Train, optimizer: Optimizer, architecture: Stack | SimpleCNN = EVERYTHING) -> Job:
    return Job(Model(architecture, optimizer, Cosine()), 3, HOLDOUT, train, Path("runs/x/3"))


def checkpoint_of(run: Job, project: Path, seconds: float = 0.0) -> Checkpoint:
    return run.checkpoint(DATASET, project, seconds)


def killed_after(epoch: int) -> Callable[[Epoch], None]:
    def on_epoch(scored: Epoch) -> None:
        if scored.epoch > epoch:
            raise KilledError

    return on_epoch


def kill(run: Job, project: Path, epoch: int) -> None:
    """Train, and stop in the epoch after this one, which is in the checkpoint."""
    with pytest.raises(KilledError):
        run.record(DATASET, killed_after(epoch), checkpoint_of(run, project))


RUNS = {
    **{name: job(MINIBATCHES, optimizer()) for name, optimizer in OPTIMIZERS.items()},
    "full batches": job(Train(6, None), Adam(), SimpleCNN()),
    "the best epoch": job(replace(MINIBATCHES, best_checkpoint=True), Adam(lr=0.1)),
    "early stopping": job(replace(MINIBATCHES, epochs=30, early_stopping=2), SGD(lr=1.0)),
    "float32": job(replace(MINIBATCHES, dtype="float32", numerics="native"), Adam()),
    "compiled": job(replace(MINIBATCHES, backend="compiled"), Adam()),
}


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_a_killed_run_goes_on_with_the_same_bits(
    run: Job, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = run.record(DATASET)
    for epoch in range(4):
        kill(run, project, epoch)
        capsys.readouterr()
    epochs: list[int] = []
    actual = run.record(
        DATASET, lambda scored: epochs.append(scored.epoch), checkpoint_of(run, project)
    )
    assert actual == expected
    assert epochs[0] == 4
    assert capsys.readouterr().err == "going on from epoch 3\n"


def test_a_run_that_diverges_does_so_after_a_kill_too(project: Path) -> None:
    run = replace(job(Train(40, None), SGD()), model=DIVERGING)
    expected = run.record(DATASET)
    kill(run, project, 1)
    assert run.record(DATASET, checkpoint=checkpoint_of(run, project)) == expected


def test_a_run_killed_after_its_last_epoch_trains_no_more(project: Path) -> None:
    run = job(MINIBATCHES, Adam())
    expected = run.record(DATASET, checkpoint=checkpoint_of(run, project))
    epochs: list[Epoch] = []
    assert run.record(DATASET, epochs.append, checkpoint_of(run, project)) == expected
    assert not epochs


def test_a_finished_runs_checkpoint_is_removed(project: Path) -> None:
    run = job(MINIBATCHES, Adam())
    checkpoint = checkpoint_of(run, project)
    run.record(DATASET, checkpoint=checkpoint)
    assert list((project / FOLDER).iterdir()) == [checkpoint.file]
    checkpoint.remove()
    assert not list((project / FOLDER).iterdir())
    checkpoint.remove()  # nothing is there any more


NATIVE = replace(MINIBATCHES, numerics="native")


@pytest.mark.parametrize("other", ["seed", "settings", "dataset", "code", "machine", "numpy"])
def test_another_run_never_finds_it(
    other: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = job(NATIVE, Adam())
    kill(run, project, 2)
    dataset = stripes(27) if other == "dataset" else DATASET
    if other == "seed":
        run = replace(run, seed=4)
    if other == "settings":
        run = replace(run, train=replace(run.train, epochs=7))
    if other == "code":
        monkeypatch.setattr(checkpoints, "own_code", lambda: {"nn/layers.py": "other"})
    if other == "machine":
        monkeypatch.setattr(platform, "node", lambda: "elsewhere")
    if other == "numpy":
        monkeypatch.setattr("importlib.metadata.version", lambda package: "0.0")
    epochs: list[int] = []
    checkpoint = run.checkpoint(dataset, project, 0.0)
    run.record(dataset, lambda scored: epochs.append(scored.epoch), checkpoint)
    assert epochs[0] == 0


def test_a_portable_run_goes_on_wherever_it_was_killed(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = job(MINIBATCHES, Adam())
    kill(run, project, 2)
    monkeypatch.setattr(platform, "node", lambda: "elsewhere")
    monkeypatch.setattr("importlib.metadata.version", lambda package: "0.0")
    epochs: list[int] = []
    run.record(DATASET, lambda scored: epochs.append(scored.epoch), checkpoint_of(run, project))
    assert epochs[0] == 3


def test_another_runs_is_damaged(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, other = job(MINIBATCHES, Adam()), job(MINIBATCHES, SGD())
    kill(other, project, 2)
    file = checkpoint_of(run, project).file
    checkpoint_of(other, project).file.rename(file)
    expected = run.record(DATASET)
    assert run.record(DATASET, checkpoint=checkpoint_of(run, project)) == expected
    assert f"{file}: a damaged checkpoint; beginning anew\n" in capsys.readouterr().err


@pytest.mark.parametrize("size", [0, 10, 500, -1])
def test_a_damaged_one_is_told_and_not_used(
    size: int, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = job(MINIBATCHES, Adam())
    expected = run.record(DATASET)
    kill(run, project, 2)
    checkpoint = checkpoint_of(run, project)
    content = checkpoint.file.read_bytes()
    checkpoint.file.write_bytes(content[:size])
    capsys.readouterr()
    assert run.record(DATASET, checkpoint=checkpoint) == expected
    assert capsys.readouterr().err == f"{checkpoint.file}: a damaged checkpoint; beginning anew\n"


def test_short_runs_and_folders_without_a_project_have_none(project: Path, tmp_path: Path) -> None:
    run = job(MINIBATCHES, Adam())
    run.record(DATASET, checkpoint=checkpoint_of(run, project, seconds=60.0))
    assert not (project / FOLDER).exists()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run.record(DATASET, checkpoint=checkpoint_of(run, elsewhere))
    assert not list(elsewhere.iterdir())


def test_old_ones_are_removed(project: Path) -> None:
    run = job(MINIBATCHES, Adam())
    kill(run, project, 2)
    file = checkpoint_of(run, project).file
    remove_old(project)
    assert file.exists()
    os.utime(file, (time.time() - 8 * 24 * 3600,) * 2)
    half_written = file.with_name(f".{file.name}-999999999.partial")
    half_written.mkdir()
    remove_old(project)
    assert not list(file.parent.iterdir())
    remove_old(project / "elsewhere")
