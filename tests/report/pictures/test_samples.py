"""The pictures of samples: the dataset, and those most often misclassified."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.report.pictures.samples import dataset_figure, misclassified_figure
from tests.experiment.studies import stripes
from tests.report.pictures.texts import covered_texts, cut_off, text_overlaps

DATASET = stripes(samples=24, test=24)


def called(index: int, label: str, counts: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {"split": "test", "index": index, "label": label, "predicted": predicted, "count": count}
        for predicted, count in counts.items()
    ]


def texts(rows: list[dict[str, Any]], dataset: Dataset = DATASET) -> list[str]:
    figure = misclassified_figure(pd.DataFrame(rows), dataset, "holdout")
    return [text.get_text() for text in figure.axes[0].texts]


def test_each_sample_is_drawn_with_its_label_and_what_it_was_called() -> None:
    rows = [*called(7, "3", {"1": 4, "2": 31, "3": 15}), *called(2, "1", {"2": 1})]
    _, _, *found = texts(rows)
    assert found == [
        "label 3", "called 2 in 31\ncalled 1 in 4\nright in 15\nof 50 runs", "sample 7",
        "label 1", "called 2 in 1\nright in 0\nof 1 run", "sample 2",
    ]  # fmt: skip
    images = misclassified_figure(pd.DataFrame(rows), DATASET, "holdout").axes[0].images
    assert DATASET.X_test is not None
    for image, index in zip(images, (7, 2), strict=True):
        np.testing.assert_array_equal(np.asarray(image.get_array()), DATASET.X_test[index, 0])


def test_seldom_wrong_labels_are_summed_up() -> None:
    lines = texts(called(0, "5", {"1": 1, "2": 9, "3": 2, "4": 8, "5": 1, "6": 7}))[3].splitlines()
    assert lines == [
        "called 2 in 9", "called 4 in 8", "called 6 in 7", "other wrong in 3", "right in 1",
        "of 28 runs",
    ]  # fmt: skip


def test_without_a_test_sheet_the_validation_samples_are_drawn() -> None:
    dataset = replace(DATASET, X_test=None, y_test=None)
    rows = pd.DataFrame(called(7, "3", {"1": 4})).assign(split="val")
    axes = misclassified_figure(rows, dataset, "resubstitution").axes[0]
    assert "validation = training samples" in axes.texts[0].get_text()
    np.testing.assert_array_equal(np.asarray(axes.images[0].get_array()), dataset.X[7, 0])


def test_nothing_misclassified_is_said() -> None:
    found = texts([])
    assert found[0].endswith("misclassified: test")
    assert found[-1] == "None: no run gave any sample a wrong label."


@pytest.mark.parametrize("count", [0, 1, 5, 12])
def test_no_text_overlaps_or_is_cut_off(count: int) -> None:
    counts = dict.fromkeys(map(str, range(1, 11)), 888)
    rows = [row for i in range(count) for row in called(i, "10", counts)]
    figure = misclassified_figure(
        pd.DataFrame(rows), replace(DATASET, X_test=np.zeros((12, 1, 28, 20))), "holdout"
    )
    assert len(figure.axes[0].images) == count
    assert text_overlaps(figure) == []
    assert covered_texts(figure) == []
    assert cut_off(figure) == []


def dataset(count: int, *, shape: tuple[int, ...] = (1, 6, 6), names: str = "abc") -> Dataset:
    """Return noise, of each class in turn."""
    images = np.random.RandomState(0).random_sample((count, *shape))
    return Dataset(X=images, y=np.arange(count) % len(names), class_names=tuple(names))


@pytest.mark.parametrize("count", [1, 20, 96])
def test_the_dataset_figure_shows_all_of_a_few_samples_in_their_order(count: int) -> None:
    title, *shown = (text.get_text() for text in dataset_figure(dataset(count)).axes[0].texts)
    assert shown == list("abc" * 32)[:count]
    assert f"The dataset: {count} samples" in title


def test_the_dataset_figure_shows_the_first_of_each_class_of_many_samples() -> None:
    title, *shown = (text.get_text() for text in dataset_figure(dataset(97)).axes[0].texts)
    assert shown == [*"a" * 32, *"b" * 32, *"c" * 32]
    assert "the first 32 of each class, of 97 samples (33 of class a, 32 of class b" in title


def test_the_dataset_figure_shows_each_image_below_its_label() -> None:
    """Uncut, in its own proportions."""
    some = dataset(20, shape=(1, 6, 5))
    axes = dataset_figure(some).axes[0]
    for text, drawn, image in zip(axes.texts[1:], axes.images, some.X[:, 0], strict=True):
        np.testing.assert_array_equal(np.asarray(drawn.get_array()), image)
        left, right, bottom, top = drawn.get_extent()
        x, y = text.get_position()
        assert x == pytest.approx((left + right) / 2, abs=0.05)
        assert 0 < top - y < 0.1
        assert (right - left) / (bottom - top) == pytest.approx(5 / 6)
