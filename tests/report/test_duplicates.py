"""The sentences on samples that stand in the data twice."""

import numpy as np
import pytest

from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.report.duplicates import duplicate_notes
from tests.workbooks import grays

IMAGES = grays(6)[:, None] / 255
NEW = grays(6, place=1)[:, None] / 255
TESTED = (
    "2 of 3 test samples have the same image as a sample to train or validate on: they don't tell"
    " how well a model does on new ones."
)
WITHIN = (
    "4 of 6 samples to train or validate on have the same image as another one: a split can train"
    " on one and validate on the other."
)


def dataset(images: list[int], tests: np.ndarray | None) -> Dataset:
    y = np.ones(len(images), dtype=np.int64)
    y_test = None if tests is None else np.ones(len(tests), dtype=np.int64)
    return Dataset(IMAGES[images], y, 3, tests, y_test)


@pytest.mark.parametrize("tests", [None, NEW])
@pytest.mark.parametrize("protocol", ["holdout", "resubstitution"])
def test_nothing_is_said_where_nothing_is_twice(tests: None, protocol: str) -> None:
    assert duplicate_notes(dataset([0, 1, 2, 3, 4, 5], tests), protocol) == []


@pytest.mark.parametrize("protocol", ["holdout", "holdout, network selected on validation"])
def test_both_are_said_of_a_split(protocol: str) -> None:
    found = dataset([0, 0, 1, 1, 2, 3], np.concatenate([IMAGES[[1, 3]], NEW[:1]]))
    assert duplicate_notes(found, protocol) == [TESTED, WITHIN]


def test_without_a_split_its_parts_are_not_spoken_of() -> None:
    found = dataset([0, 0, 1, 1, 2, 3], np.concatenate([IMAGES[[1, 3]], NEW[:1]]))
    assert duplicate_notes(found, "resubstitution") == [TESTED]
