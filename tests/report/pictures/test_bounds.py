"""Every picture has a bound to its size and to what is drawn, whatever the data, and says so."""

import importlib
import itertools
import pkgutil
import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import Collection, LineCollection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D

from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.nn.layers import Conv2D, Dense, Flatten, Layer, ReLU
from cnn_from_scratch.nn.network import NUMPY, Sequential
from cnn_from_scratch.report import pictures
from cnn_from_scratch.report.outputs import TrainedNetwork
from cnn_from_scratch.report.pictures.calibration import calibration_figure
from cnn_from_scratch.report.pictures.collapse import collapse_figure
from cnn_from_scratch.report.pictures.comparisons import comparisons_figure
from cnn_from_scratch.report.pictures.confusion import confusion_figure
from cnn_from_scratch.report.pictures.filters import filters_figure
from cnn_from_scratch.report.pictures.losses import loss_figure, loss_panels_figure
from cnn_from_scratch.report.pictures.samples import dataset_figure, misclassified_figure
from cnn_from_scratch.report.pictures.scores import accuracy_figure, scores_figure
from cnn_from_scratch.report.pictures.tuning import rates_figure, tuning_figure
from cnn_from_scratch.report.plot_data import misclassified
from tests.report.pictures.texts import cut_off, drawn_texts
from tests.studies.scripts import script
from tests.workflow.project import ROOT

MODELS, SEEDS, CLASSES, EPOCHS, DEPTH = 300, 200, 1000, 1500, 60
WIDTH = 12  # channels

MAX_SIDE = 55  # inches
MAX_PIXELS = 20e6
MAX_ARTISTS = 30_000
MAX_POINTS = 250_000  # numbers in lines, bands and images

NAMES = tuple(map(str, range(CLASSES)))
Models = Iterable[str]

ONE_EACH = [f"M{k}" for k in range(MODELS)]  # each a group of its own
NAMINGS = {
    "a group each": ONE_EACH,
    "one group": [f"M-{k}" for k in range(MODELS)],
    "unlike groups": [f"{k % 17}-{k}" for k in range(MODELS)],
}


def scores(models: Models) -> pd.DataFrame:
    """Return the scores of all models and seeds, every tenth run diverged."""
    keys = pd.MultiIndex.from_product(
        [models, range(SEEDS), ["train", "val", "test"]], names=["model", "seed", "split"]
    )
    rows = keys.to_frame(index=False)
    place = np.arange(len(rows))
    return rows.assign(
        accuracy=place % 101 / 100, diverged=place % 10 == 0, protocol="holdout",
        dead_logits=place % (CLASSES + 1),
    )  # fmt: skip


def statistics(models: Models) -> dict[str, Any]:
    accuracy = {"accuracy": {"mean": 0.5, "interval_95": [0.4, 0.6]}}
    return {model: {"val": accuracy, "test": accuracy} for model in models}


def curves(models: Models) -> pd.DataFrame:
    keys = pd.MultiIndex.from_product([models, range(EPOCHS)], names=["model", "epoch"])
    mean = np.linspace(2.0, 1.0, len(keys))
    rows = keys.to_frame(index=False).assign(mean=mean, low=mean - 0.1, high=mean + 0.1)
    return rows.assign(step=rows["epoch"])


def confusion() -> pd.DataFrame:
    """Return the confusion of labels with the next one; the last labels' are the most frequent."""
    keys = pd.MultiIndex.from_product([ONE_EACH, range(CLASSES)], names=["model", "label"])
    right = keys.to_frame(index=False).assign(split="test")
    right = right.assign(predicted=right["label"], count=CLASSES)
    wrong = right.assign(predicted=(right["label"] + 1) % CLASSES, count=right["label"] + 1)
    return pd.concat([right, wrong]).astype({"label": str, "predicted": str})


def reliability(models: Models) -> pd.DataFrame:
    """Return 15 bins of each model, all alike."""
    keys = pd.MultiIndex.from_product([models, range(15)], names=["model", "bin"])
    rows = keys.to_frame(index=False)
    low = rows["bin"] / 15
    return rows.assign(
        split="test", low=low, high=low + 1 / 15, count=7, confidence=low + 0.03, accuracy=low
    )


def pairs() -> dict[str, dict[str, Any]]:
    row = {"split": "test", "n": SEEDS, "mean": 0.1, "interval_95": [0.0, 0.2],
           "interval_95_with_samples": [-0.1, 0.3], "probability_better": 0.6,
           "probability_interval_95": [0.5, 0.7], "p": 0.01, "p_holm": 1.0}  # fmt: skip
    return {f"{a} - {b}": row for a, b in itertools.combinations(ONE_EACH, 2)}


def dataset(shape: tuple[int, int, int] = (1, 6, 6)) -> Dataset:
    labels = np.repeat(np.arange(CLASSES), 2)
    return Dataset(X=np.zeros((len(labels), *shape)), y=labels, class_names=NAMES)


def misclassified_samples() -> Figure:
    """Draw them where every run is wrong on every sample, each in another way."""
    keys = pd.MultiIndex.from_product([range(500), range(SEEDS)], names=["index", "seed"])
    classes = pd.CategoricalDtype([*NAMES])
    label = pd.Categorical.from_codes([CLASSES - 1] * len(keys), dtype=classes)
    rows = keys.to_frame(index=False).assign(split="val", label=label)
    predicted = pd.Categorical.from_codes(rows["seed"], dtype=classes)
    rows = pd.DataFrame(misclassified(rows.assign(predicted=predicted)))
    return misclassified_figure(rows, dataset((1, 100, 100)), "holdout")


def filters() -> Figure:
    """Draw a network that is deep and wide, and has a long chain without weights."""
    layers: list[Layer] = [Conv2D(WIDTH, 3), *[ReLU() for _ in range(DEPTH)]]
    layers += [Conv2D(WIDTH, 1) for _ in range(DEPTH)]
    network = Sequential(
        [*layers, Flatten(), Dense(CLASSES)], (1, 6, 6), np.random.RandomState, NUMPY
    )
    return filters_figure(TrainedNetwork(network, "M", 0), dataset(), "holdout")


def rates(models: Models) -> Figure:
    rows = pd.DataFrame(
        {"model": model, "lr": str(lr), "val_accuracy": 0.5, "val_loss": lr}
        for model in models
        for lr in (0.1, 0.3, 1.0)
    )
    return rates_figure(rows, dict.fromkeys(models, "0.3"))


def tuning(models: Models) -> Figure:
    """Draw accuracies that the axis has no place for, too."""
    curve = {str(k): {"mean": 1.0, "interval_95": [0.0, 1.0]} for k in range(1, DEPTH)}
    return tuning_figure({model: {"val": curve, "test": curve} for model in models})


def signals(models: Models) -> Figure:
    variance = {"mean": 1.0, "min": 0.001, "max": 9.0}
    entries = {model: {"variances": [variance] * DEPTH} for model in models}
    figure = script("initialisation", "signals").signals_figure(entries)
    assert isinstance(figure, Figure)
    return figure


def spreads(models: Models) -> Figure:
    sources = {
        source: {"sd": 9.0, "interval_95": [0.0, 40.0]}
        for source in ("split", "initialisation", "interaction", "test digits")
    }
    figure = script("variance", "components").variance_figure(dict.fromkeys(models, sources))
    assert isinstance(figure, Figure)
    return figure


PICTURES: dict[str, Callable[[], Figure]] = {
    "accuracy_figure": lambda: accuracy_figure(scores(ONE_EACH), statistics(ONE_EACH)),
    "calibration_figure": lambda: calibration_figure(
        reliability(ONE_EACH), dict.fromkeys(ONE_EACH, 0.5), "holdout"
    ),
    "collapse_figure": lambda: collapse_figure(scores(ONE_EACH), NAMES),
    "comparisons_figure": lambda: comparisons_figure(pairs(), "holdout"),
    "confusion_figure": lambda: confusion_figure(confusion(), NAMES, "holdout"),
    "dataset_figure": lambda: dataset_figure(dataset()),
    "filters_figure": filters,
    "loss_figure": lambda: loss_figure(curves(ONE_EACH), [0.1, 0.2]),
    "misclassified_figure": misclassified_samples,
}
OF_GROUPS: dict[str, Callable[[Models], Figure]] = {
    "scores_figure": lambda models: scores_figure(scores(models), statistics(models)),
    "loss_panels_figure": lambda models: loss_panels_figure(
        curves(models), dict.fromkeys(models, 0.5)
    ),
    "rates_figure": rates,
    "signals_figure": signals,
    "tuning_figure": tuning,
    "variance_figure": spreads,
}
SWEPT = {name: [picture] for name, picture in PICTURES.items()} | {
    name: [partial(picture, models) for models in NAMINGS.values()]
    for name, picture in OF_GROUPS.items()
}
SAID = {
    "accuracy_figure": ["the first 100 of 200 seeds", "the first 35 of 300 models"],
    "calibration_figure": ["the first 35 of 300 models"],
    "collapse_figure": [
        "the first 35 of 300 models; the first 100 of 200 seeds; one step in 34",
    ],
    "comparisons_figure": ["the first 100 of 44850 pairs"],
    "confusion_figure": [
        "the 30 labels most often confused, of 1000", "the first 35 of 300 models",
    ],
    "dataset_figure": [
        "the first 1 of 96 classes, of 2000 samples", "1000 classes of 2 to 2 samples",
    ],
    "filters_figure": ["The first 4 of 61 convolutions.", "first 6 of 62 steps", "and 55 more"],
    "loss_figure": ["one epoch in 2; the first 35 of 300 models"],
    "misclassified_figure": ["The samples most often misclassified", "other wrong in"],
    "scores_figure": ["the first 100 of 200 seeds", "the first 35 of 300 models"],
    "loss_panels_figure": ["one epoch in 2; the first 35 of 300 models"],
    "rates_figure": ["the first 35 of 300 models"],
    "signals_figure": ["the first 35 of 300 models"],
    "tuning_figure": ["the first 35 of 300 models"],
    "variance_figure": ["the first 35 of 300 models"],
}  # fmt: skip


def points(figure: Figure) -> int:
    """Return how many numbers there are in lines, bands and images."""
    lines = [a for a in figure.findobj(Line2D) if isinstance(a, Line2D)]
    bands = [a for a in figure.findobj(Collection) if isinstance(a, Collection)]
    images = [a for a in figure.findobj(AxesImage) if isinstance(a, AxesImage)]
    return (
        sum(np.size(line.get_xdata()) for line in lines)
        + sum(np.size(path.vertices) for band in bands for path in band.get_paths())
        + sum(np.asarray(image.get_array()).size for image in images)
    )


def test_every_picture_is_swept() -> None:
    modules = [
        importlib.import_module(f"{pictures.__name__}.{found.name}")
        for found in pkgutil.iter_modules(pictures.__path__)
    ] + [
        script(file.parent.name, file.stem)
        for file in ROOT.glob("studies/*/*.py")
        if "_figure(" in file.read_text(encoding="utf-8")
    ]
    there = {
        name
        for module in modules
        for name in vars(module)
        if re.fullmatch(r"[a-z]\w*_figure", name)
    } - {"save_figure"}
    assert there == set(SWEPT)


SLOW = (  # many panels, cells or legends
    "calibration_figure", "confusion_figure", "loss_panels_figure", "rates_figure",
    "scores_figure", "signals_figure", "tuning_figure", "variance_figure"
)  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.release if name in SLOW else ()) for name in SWEPT],
)
def test_a_picture_has_a_bound_and_says_what_it_leaves_out(name: str) -> None:
    for picture in SWEPT[name]:
        figure = picture()
        width, height = figure.get_size_inches()
        assert max(width, height) <= MAX_SIDE
        assert width * height * figure.dpi**2 <= MAX_PIXELS
        assert cut_off(figure) == []  # draws it
        assert len(figure.findobj()) <= MAX_ARTISTS
        assert points(figure) <= MAX_POINTS
        text = " ".join(" ".join(t.get_text().split()) for t in drawn_texts(figure))
        for words in SAID[name]:
            assert words in text


@pytest.mark.parametrize("draw", [accuracy_figure, scores_figure])
def test_the_mean_is_of_all_seeds_also_where_not_all_have_a_dot(
    draw: Callable[[pd.DataFrame, dict[str, Any]], Figure],
) -> None:
    """The last of them are all right, and all others wrong."""
    rows = scores(["M"])
    rows = rows.assign(accuracy=(rows["seed"] >= 100) * 1.0)
    entry = {"accuracy": {"mean": 0.5, "interval_95": None}}
    figure = draw(rows, {"M": {"val": entry, "test": entry}})
    for axes in figure.axes:
        dots = [np.asarray(line.get_ydata()) for line in axes.lines if line.get_marker() == "o"]
        assert sum(map(len, dots)) == 100
        (mean,) = (c for c in axes.collections if isinstance(c, LineCollection))
        assert 50.0 in mean.get_segments()[0]


def test_the_labels_most_often_confused_are_drawn_as_shares_of_all_answers() -> None:
    table = pd.DataFrame(
        [("M", "test", name, name, 10) for name in NAMES[1:41]]
        + [("M", "test", "3", "40", 30), ("M", "test", "5", "40", 20), ("M", "val", "7", "8", 999)],
        columns=["model", "split", "label", "predicted", "count"],
    )
    panel = confusion_figure(table, NAMES[1:41], "holdout").axes[0]
    labels = [label.get_text() for label in panel.get_yticklabels()]
    assert labels == [str(k) for k in [*range(1, 30), 40]]  # of equally seldom ones the first
    shares = np.asarray(panel.images[0].get_array())
    assert shares[2, 2] == 0.25
    assert shares[2, 29] == 0.75
    assert shares[3, 3] == 1.0
