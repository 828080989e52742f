"""The pictures of samples: the dataset, and those that are most often misclassified."""

import textwrap
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.report.names import split_title
from cnn_from_scratch.report.pictures.mosaic import canvas, draw_tile
from cnn_from_scratch.report.pictures.style import LETTERS_PER_INCH, STYLE

MAX_SAMPLES = 96  # in the picture of the dataset
SPELT_OUT = 10  # classes at most whose sizes are listed
COLUMNS = 4
WRONG_LABELS = 3  # listed for one sample, the most frequent
EXPLANATION = (
    "By the share of runs that gave a wrong label, among those of all models and seeds that"
    " predicted the sample; samples are counted from 0."
)


@mpl.rc_context(STYLE)
def dataset_figure(images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> Figure:
    """Draw the first samples of the dataset with their labels.

    images (N, 6, 6) in 0..1, labels (N,).
    """
    shown = min(len(images), MAX_SAMPLES)
    columns = 16
    rows = -(-shown // columns)
    figure = Figure(figsize=(9.0, 0.64 * rows + 0.5), layout="constrained")
    axes = figure.subplots()
    axes.set_axis_off()
    height, width = (size + gap for size, gap in zip(images.shape[1:], (3, 2), strict=True))
    sheet = np.zeros((rows * height, columns * width))
    for i, (image, label) in enumerate(zip(images[:shown], labels[:shown], strict=True)):
        bottom, left = (i // columns + 1) * height, i % columns * width
        sheet[bottom - len(image) : bottom, left : left + image.shape[1]] = image
        middle = left + (image.shape[1] - 1) / 2
        axes.text(middle, bottom - len(image) - 1, str(label), fontsize=9, ha="center")
    axes.imshow(sheet, cmap="gray_r", vmin=0.0, vmax=1.0)
    which = "" if shown == len(images) else f"the first {shown} of "
    title = f"The dataset: {which}{len(images)} samples ({_sizes(labels)})"
    width = int(LETTERS_PER_INCH * figure.get_figwidth())
    figure.suptitle(textwrap.fill(title, width), fontsize=11)
    return figure


def _sizes(labels: np.ndarray[Any, Any]) -> str:
    """Return in words how many samples the classes have."""
    classes, sizes = np.unique(labels, return_counts=True)
    if len(classes) > SPELT_OUT:
        return f"{len(classes)} classes of {sizes.min()} to {sizes.max()} samples"
    return ", ".join(f"{size} of class {k}" for k, size in zip(classes, sizes, strict=True))


@mpl.rc_context(STYLE)
def misclassified_figure(rows: pd.DataFrame, dataset: Dataset, protocol: str) -> Figure:
    """Draw the samples most often misclassified, with what the runs called them.

    rows: as plot_data.misclassified has them, maybe none.
    """
    split, images = ("val", dataset.X) if dataset.X_test is None else ("test", dataset.X_test)
    samples = [rows[rows["index"] == index] for index in dict.fromkeys(rows.get("index", []))]
    height, width, top = 1.75, 2.6, 0.8  # of a sample, and where the first begins, in inches
    grid_rows = max(-(-len(samples) // COLUMNS), 1)
    figure, axes = canvas(width * COLUMNS + 0.2, top + height * grid_rows)
    name = split_title(split, protocol)
    axes.text(0.2, 0.15, f"The samples most often misclassified: {name}", fontsize=12, va="top")
    axes.text(0.2, 0.42, EXPLANATION, fontsize=9, va="top")
    if not samples:
        axes.text(0.2, top, "None: no run gave any sample a wrong label.", va="top")
    for i, some in enumerate(samples):
        left, up = 0.2 + i % COLUMNS * width, top + i // COLUMNS * height
        index, label = some["index"].iloc[0], some["label"].iloc[0]
        draw_tile(axes, images[index, 0], left, up, limits=(0.0, 1.0), cmap="gray_r", size=1.2)
        axes.text(left + 1.3, up, f"label {label}", va="top", weight="bold")
        axes.text(left + 1.3, up + 0.22, _called(some), va="top", fontsize=9)
        axes.text(left, up + 1.25, f"sample {index}", va="top", fontsize=8)
    return figure


def _called(some: pd.DataFrame) -> str:
    """Return what the runs called a sample, the most frequent wrong label first."""
    counts = some.set_index("predicted")["count"].sort_values(ascending=False, kind="stable")
    wrong = counts.drop(some["label"].iloc[0], errors="ignore")
    lines = [f"called {label} in {n}" for label, n in wrong.iloc[:WRONG_LABELS].items()]
    if others := wrong.iloc[WRONG_LABELS:].sum():
        lines.append(f"other wrong in {others}")
    lines.append(f"right in {counts.sum() - wrong.sum()}")
    return "\n".join([*lines, f"of {counts.sum()} run{'' if counts.sum() == 1 else 's'}"])
