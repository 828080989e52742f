"""The pictures of samples: the dataset, and those that are most often misclassified."""

import textwrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cnn_from_scratch.experiment.dataset import Dataset, Indices, Labels
from cnn_from_scratch.report.names import split_title
from cnn_from_scratch.report.pictures.mosaic import as_picture, canvas, draw_tile
from cnn_from_scratch.report.pictures.style import LETTERS_PER_INCH, STYLE, shown_name

MAX_SAMPLES = 96  # in the picture of the dataset
SPELT_OUT = 10  # classes at most whose sizes are listed
WIDTH, MARGIN, GAP = 9.0, 0.1, 0.08  # of that picture, in inches
COLUMNS = 4  # of misclassified samples
WRONG_LABELS = 3  # listed for one sample, the most frequent
EXPLANATION = (
    "By the share of runs that gave a wrong label, among those of all models and seeds that"
    " predicted the sample; samples are counted from 0."
)


@mpl.rc_context(STYLE)
def dataset_figure(dataset: Dataset) -> Figure:
    """Draw the samples to train or validate on, or the first ones of each class, with their labels.

    Test samples are not drawn.
    """
    names = [shown_name(name) for name in dataset.class_names]
    columns = min(16, int(WIDTH * LETTERS_PER_INCH / (max(map(len, names)) + 2)))
    chosen, which = _first_of_each_class(dataset.y, columns)
    images = [as_picture(image) for image in dataset.pixels[chosen]]
    tile = (WIDTH - MARGIN) / columns  # with the gap beside it
    size = tile - GAP
    rows = -(-len(chosen) // columns)
    width = int(LETTERS_PER_INCH * WIDTH)
    sizes = _sizes(dataset)
    title = textwrap.fill(f"The dataset: {which}{len(dataset.y)} samples ({sizes})", width)
    top = 0.25 + 0.18 * (title.count("\n") + 1)
    row_height = size * images[0].shape[0] / max(images[0].shape[:2]) + 0.26
    figure, axes = canvas(WIDTH, top + rows * row_height + 0.05)
    axes.text(WIDTH / 2, 0.1, title, fontsize=11, va="top", ha="center")
    for i, (image, label) in enumerate(zip(images, dataset.y[chosen], strict=True)):
        left, up = MARGIN + i % columns * tile, top + i // columns * row_height
        draw_tile(axes, image, left, up + 0.2, limits=(0.0, 1.0), cmap="gray_r", size=size)
        axes.text(left + size / 2, up + 0.17, names[label], fontsize=9, ha="center")
    return figure


def _first_of_each_class(labels: Labels, columns: int) -> tuple[Indices, str]:
    """Return the samples to draw, and in words which they are of how many.

    If a class has a row or more, its rows are full.
    """
    if len(labels) <= MAX_SAMPLES:
        return np.arange(len(labels)), ""
    order = np.argsort(labels, kind="stable")
    _, starts = np.unique(labels[order], return_index=True)
    each = max(MAX_SAMPLES // len(starts), 1)
    each -= each % columns if each > columns else 0
    firsts = [own[:each] for own in np.split(order, starts[1:])][:MAX_SAMPLES]
    classes = f" of {MAX_SAMPLES} classes" if len(starts) > MAX_SAMPLES else " of each class"
    return np.concatenate(firsts), f"the first {each}{classes}, of "


def _sizes(dataset: Dataset) -> str:
    """Return in words how many samples the classes have."""
    sizes = np.bincount(dataset.y, minlength=dataset.num_classes)
    if len(sizes) > SPELT_OUT:
        return f"{len(sizes)} classes of {sizes.min()} to {sizes.max()} samples"
    names = map(shown_name, dataset.class_names)
    return ", ".join(f"{size} of class {name}" for name, size in zip(names, sizes, strict=True))


@mpl.rc_context(STYLE)
def misclassified_figure(rows: pd.DataFrame, dataset: Dataset, protocol: str) -> Figure:
    """Draw the samples most often misclassified, with what the runs called them.

    rows: as plot_data.misclassified has them, maybe none.
    """
    split, images = ("val", dataset.pixels)
    if dataset.test_pixels is not None:
        split, images = "test", dataset.test_pixels
    samples = [rows[rows["index"] == index] for index in dict.fromkeys(rows.get("index", []))]
    letters = max(map(len, map(shown_name, dataset.class_names)))
    height, top = 1.75, 0.8  # of a sample, and where the first begins, in inches
    width = 2.6 + max(letters - 4, 0) * 0.09
    grid_rows = max(-(-len(samples) // COLUMNS), 1)
    figure, axes = canvas(width * COLUMNS + 0.2, top + height * grid_rows)
    name = split_title(split, protocol)
    axes.text(0.2, 0.15, f"The samples most often misclassified: {name}", fontsize=12, va="top")
    axes.text(0.2, 0.42, EXPLANATION, fontsize=9, va="top")
    if not samples:
        axes.text(0.2, top, "None: no run gave any sample a wrong label.", va="top")
    for i, some in enumerate(samples):
        left, up = 0.2 + i % COLUMNS * width, top + i // COLUMNS * height
        index, label = some["index"].iloc[0], shown_name(some["label"].iloc[0])
        image = as_picture(images[index])
        draw_tile(axes, image, left, up, limits=(0.0, 1.0), cmap="gray_r", size=1.2)
        axes.text(left + 1.3, up, f"label {label}", va="top", weight="bold")
        axes.text(left + 1.3, up + 0.22, _called(some), va="top", fontsize=9)
        axes.text(left, up + 1.25, f"sample {index}", va="top", fontsize=8)
    return figure


def _called(some: pd.DataFrame) -> str:
    """Return what the runs called a sample, the most frequent wrong label first."""
    counts = some.set_index("predicted")["count"].sort_values(ascending=False, kind="stable")
    wrong = counts.drop(some["label"].iloc[0], errors="ignore")
    lines = [f"called {shown_name(label)} in {n}" for label, n in wrong.iloc[:WRONG_LABELS].items()]
    if others := wrong.iloc[WRONG_LABELS:].sum():
        lines.append(f"other wrong in {others}")
    lines.append(f"right in {counts.sum() - wrong.sum()}")
    return "\n".join([*lines, f"of {counts.sum()} run{'' if counts.sum() == 1 else 's'}"])
