"""A run to train: its record, and that no other one is lost to it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.identity import trained_from
from cnn_from_scratch.experiment.jobs import Job, noting_records
from cnn_from_scratch.experiment.params import Train
from cnn_from_scratch.experiment.records import read_record, write_record
from cnn_from_scratch.nn.training import Epoch
from tests.experiment.studies import DIVERGING, HOLDOUT, RESUBSTITUTION, SIMPLE, stripes

TRAIN = Train(epochs=2, batch_size=None)
DATASET = stripes()


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(replace(SIMPLE, name="mine"), 3, HOLDOUT, TRAIN, tmp_path / "run")


def test_its_record_says_what_was_trained(job: Job) -> None:
    files = job.record(DATASET)
    result = json.loads(files["result.json"])
    assert (result["model"], result["seed"], result["epochs"]) == ("mine", 3, 2)
    assert (result["optimizer"]["name"], result["optimizer"]["lr"]) == ("adam", 0.05)
    assert result["protocol"] == "holdout"
    assert result["trained_from"] == trained_from(SIMPLE, HOLDOUT, TRAIN, 3, DATASET)
    assert list(result["scores"]) == ["train", "val", "test"]


def test_its_record_is_written_by_who_asked_for_it(job: Job, tmp_path: Path) -> None:
    files = job.record(DATASET)
    assert not job.folder.exists()
    write_record(tmp_path / "elsewhere", files)
    read = read_record(tmp_path / "elsewhere", job.trained_from(DATASET))
    assert read.items() <= files.items()


def test_its_place_decides_nothing(job: Job) -> None:
    elsewhere = replace(job, folder=Path("elsewhere"))
    assert elsewhere.record(DATASET) == job.record(DATASET)
    assert elsewhere.trained_from(DATASET) == job.trained_from(DATASET)


def test_its_name_is_for_people(job: Job) -> None:
    assert str(job) == "mine seed 3"


def test_each_epoch_is_told(job: Job) -> None:
    told: list[Epoch] = []
    history = job.record(DATASET, told.append)["history.csv"].decode().splitlines()[1:]
    assert [epoch.epoch for epoch in told] == [0, 1, 2]
    assert [float(row.split(",")[1]) for row in history] == [epoch.train.loss for epoch in told]


@pytest.mark.parametrize(
    "change",
    [
        lambda job: replace(job, seed=4),
        lambda job: replace(job, model=DIVERGING),
        lambda job: replace(job, split=RESUBSTITUTION),
        lambda job: replace(job, train=replace(TRAIN, epochs=3)),
        lambda job: replace(job, folder=Path("elsewhere")),
    ],
)
def test_a_run_that_is_no_longer_asked_for_is_not_written(
    job: Job, change: Callable[[Job], Job]
) -> None:
    check = noting_records([job], DATASET)
    check([job], DATASET)
    with pytest.raises(InputError, match=r": not written, as params.yaml or the dataset is ano"):
        check([change(job)], DATASET)


def test_nor_is_one_whose_dataset_is_another_by_now(job: Job) -> None:
    with pytest.raises(InputError, match=r": not written, as params.yaml or the dataset is ano"):
        noting_records([job], DATASET)([job], stripes(25))


def test_a_record_that_came_meanwhile_stays(job: Job) -> None:
    before = noting_records([job], DATASET)
    write_record(job.folder, replace(job, seed=4).record(DATASET))
    with pytest.raises(InputError, match=r": not written, as another training has put a run of"):
        before([job], DATASET)
    noting_records([job], DATASET)([job], DATASET)  # it was there from the start
    write_record(job.folder, job.record(DATASET))
    before([job], DATASET)  # another training, of the same run
