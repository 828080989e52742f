"""A run to train: its record, and that no other one is lost to it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.identity import trained_from
from cnn_from_scratch.experiment.jobs import Job, accuracies, noting_records
from cnn_from_scratch.experiment.params import Train
from cnn_from_scratch.experiment.run import Run
from cnn_from_scratch.nn.training import Epoch
from tests.experiment.studies import DIVERGING, HOLDOUT, RESUBSTITUTION, SIMPLE, stripes

TRAIN = Train(epochs=2, batch_size=None)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job("mine", SIMPLE, 3, HOLDOUT, TRAIN, stripes(), tmp_path / "run")


@pytest.fixture
def run(job: Job) -> Run:
    return job.run()


def test_its_record_says_what_was_trained(job: Job, run: Run) -> None:
    job.write(run, job.folder)
    result = json.loads((job.folder / "result.json").read_text(encoding="utf-8"))
    assert (result["model"], result["seed"], result["epochs"]) == ("mine", 3, 2)
    assert (result["optimizer"]["name"], result["optimizer"]["lr"]) == ("adam", 0.05)
    assert result["protocol"] == "holdout"
    assert result["trained_from"] == trained_from(SIMPLE, HOLDOUT, TRAIN, 3, stripes())
    assert result["scores"]["val"]["accuracy"] == run.scores["val"].accuracy


def test_its_record_may_be_written_elsewhere(job: Job, run: Run, tmp_path: Path) -> None:
    job.write(run, tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere/result.json").exists()
    assert not job.folder.exists()


def test_each_epoch_is_told(job: Job) -> None:
    told: list[Epoch] = []
    assert job.run(told.append).fit.history == told
    assert [epoch.epoch for epoch in told] == [0, 1, 2]


@pytest.mark.parametrize(
    "change",
    [
        lambda job: replace(job, seed=4),
        lambda job: replace(job, model=DIVERGING),
        lambda job: replace(job, split=RESUBSTITUTION),
        lambda job: replace(job, train=replace(TRAIN, epochs=3)),
        lambda job: replace(job, dataset=stripes(25)),
        lambda job: replace(job, folder=Path("elsewhere")),
    ],
)
def test_a_run_that_is_no_longer_asked_for_is_not_written(
    job: Job, change: Callable[[Job], Job]
) -> None:
    check = noting_records([job])
    check([job])
    with pytest.raises(InputError, match=r": not written, as params.yaml or the dataset is ano"):
        check([change(job)])


def test_a_record_that_came_meanwhile_stays(job: Job, run: Run) -> None:
    other = replace(job, seed=4)
    before = noting_records([job])
    other.write(run, job.folder)
    with pytest.raises(InputError, match=r": not written, as another training has put a run of"):
        before([job])
    noting_records([job])([job])  # it was there from the start
    job.write(run, job.folder)
    before([job])  # another training, of the same run


def test_the_accuracies_in_words(job: Job, run: Run) -> None:
    train, val, test = (f"{run.scores[split].accuracy:.1%}" for split in ("train", "val", "test"))
    assert accuracies(run) == f"accuracy train {train}, val {val}, test {test}"
    diverged = replace(job, model=DIVERGING, seed=1, train=Train(50, None)).run()
    assert accuracies(diverged).endswith("%, DIVERGED")
