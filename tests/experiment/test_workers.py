"""What a worker does: the same record as at home, or a refusal in one line."""

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shutil import rmtree

import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment import workers
from cnn_from_scratch.experiment.checkpoints import FOLDER
from cnn_from_scratch.experiment.code import PACKAGE
from cnn_from_scratch.experiment.jobs import Job
from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.experiment.params import Train
from cnn_from_scratch.experiment.workers import RefusalError, prepare, train
from cnn_from_scratch.nn.architectures import Stack
from cnn_from_scratch.nn.layers import Flatten
from cnn_from_scratch.nn.optimizers import SGD
from tests.experiment.studies import HOLDOUT, SIMPLE, stripes

DATASET = stripes()
JOB = Job(replace(SIMPLE, name="A"), 3, HOLDOUT, Train(epochs=2, batch_size=None), Path("runs/A/3"))
HERE = f"{socket.gethostname()}, process {os.getpid()}"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A worker has no file of the writer's, and no dataset yet; and it writes none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(workers, "_datasets", {})
    yield tmp_path
    assert list(tmp_path.iterdir()) == []


def test_it_gives_the_record_and_its_name() -> None:
    prepare([DATASET, stripes(25)])
    assert train(JOB, DATASET.digest, {}, None) == (JOB.record(DATASET), HERE)
    other = stripes(25)
    assert train(JOB, other.digest, {}, None)[0] == JOB.record(other)


def test_it_keeps_a_checkpoint_in_the_project_if_it_is_given_one(tmp_path: Path) -> None:
    project = tmp_path / "project"
    checkpoints = project / FOLDER
    checkpoints.parent.mkdir(parents=True)
    prepare([DATASET], seconds=0.0)
    record, _ = train(JOB, DATASET.digest, {}, project)
    assert [*checkpoints.iterdir()] == [JOB.checkpoint(DATASET, project).file]
    assert train(JOB, DATASET.digest, {}, None)[0] == record
    rmtree(project)


def test_it_refuses_to_train_by_other_code() -> None:
    prepare([DATASET])
    name = f"{PACKAGE}nn/layers.py"
    with pytest.raises(RefusalError) as error:
        train(JOB, DATASET.digest, {name: "0" * 32}, None)
    assert str(error.value) == f"on {HERE}, other code than here: {name}: another version"


def test_it_refuses_to_train_on_a_dataset_that_it_was_not_given() -> None:
    prepare([DATASET])
    with pytest.raises(RefusalError) as error:
        train(JOB, stripes(25).digest, {}, None)
    assert str(error.value) == f"on {HERE}, it was not given the dataset"


def test_a_run_that_cannot_be_trained_is_no_refusal() -> None:
    prepare([DATASET])
    bad = replace(JOB, model=Model(Stack((Flatten(),)), SGD(lr=0.1), name="B"))
    with pytest.raises(InputError, match="not into 3 logits") as error:
        train(bad, DATASET.digest, {}, None)
    assert not isinstance(error.value, RefusalError)
