"""A small trained model with the records of two seeds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.jobs import Job
from cnn_from_scratch.experiment.params import Train
from cnn_from_scratch.experiment.records import write_record
from tests.experiment.studies import HOLDOUT, SIMPLE


def strokes(samples: int = 40) -> Dataset:
    """Return light strokes on dark ground, 6x6: a bar lies, a pole stands, a dot is 2x2."""
    rng = np.random.RandomState(5)
    y = np.arange(samples) % 3
    x = np.zeros((samples, 1, 6, 6))
    for image, label in zip(x, y, strict=True):
        i, j = rng.randint(1, 4, size=2)
        rows, columns = [(slice(i, i + 1), slice(0, 6)), (slice(0, 6), slice(j, j + 1)),
                         (slice(i, i + 2), slice(j, j + 2))][label]  # fmt: skip
        image[0, rows, columns] = rng.uniform(0.7, 1.0)
    return Dataset(x, y, ("bar", "pole", "dot"))


DATASET = strokes()


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model's runs, as the workflow has it."""
    folder = tmp_path_factory.mktemp("project") / "runs/Small"
    for seed in (2, 10):
        train = Train(epochs=60, batch_size=None)
        job = Job(replace(SIMPLE, name="Small"), seed, HOLDOUT, train, folder / str(seed))
        write_record(job.folder, job.record(DATASET))
    return folder
