"""The pictures, each a matplotlib figure made from a table.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; lines differ in their
dashes too, for readers without colour.
"""

import itertools
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from cnn_from_scratch.report.bounds import (
    MAX_CLASSES,
    MAX_MODELS,
    MAX_NAMED,
    MAX_POINTS,
    MAX_SEEDS,
    first,
    thinned,
    with_notes,
)
from cnn_from_scratch.report.names import split_title

COLORS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)), (0, (1, 1)))
MAX_SAMPLES = 96  # in the picture of the dataset
SPELT_OUT = 10  # classes at most whose sizes are listed, and whose cells hold their numbers
LOSS_TITLE = "Training loss: mean over seeds, band ± one population SD"
LETTERS_PER_INCH = 11  # of a label; so few that it fits
LETTERS_PER_INCH_OF_TITLE = 9
LABEL_HEIGHT = 0.24  # inches per line of a legend
FLOOR_LINES = 3  # of a legend, those that name a floor

LineStyle = tuple[str, Any]  # a colour and dashes

STYLE: dict[Any, Any] = {
    "figure.dpi": 110,
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
}


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG that names no date and no version."""
    figure.savefig(path, metadata={"Software": None})


@mpl.rc_context(STYLE)
def loss_figure(curves: pd.DataFrame, floors: Iterable[float]) -> Figure:
    """Draw the published figure: each model's mean training loss, with a band of +- one SD.

    curves: one row per (model, epoch) with mean, low and high in nats. floors: the least losses, in
    nats, that the activations on the logits allow; those above 0 are drawn.
    """
    models, left_out = first(dict.fromkeys(curves["model"]), MAX_MODELS, "models")
    rows, sparse = thinned(curves, ["model"], MAX_POINTS)
    height = max(4.8, LABEL_HEIGHT * (len(models) + FLOOR_LINES) + 0.8)
    figure = Figure(figsize=(8.0, height), layout="constrained")
    axes = figure.subplots()
    for model, style in zip(models, line_styles(), strict=False):
        draw_curve(axes, rows[rows["model"] == model], model, style)
    draw_floors(axes, floors)
    axes.set(xlim=(0, curves["epoch"].max()), ylabel="training loss (nats)")
    axes.set_xlabel(with_notes("epoch", sparse, left_out))
    axes.set_title(LOSS_TITLE, loc="left")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


@mpl.rc_context(STYLE)
def accuracy_figure(scores: pd.DataFrame, statistics: dict[str, Any]) -> Figure:
    """Draw every run's accuracy, by model and seed, with the mean: a panel for val, one for test.

    scores: one row per (model, seed, split) with accuracy in 0..1, the protocol and whether the run
    diverged; then its dot is hollow. statistics: of `model_statistics`, for the mean's intervals.
    """
    splits = [split for split in ("val", "test") if split in set(scores["split"])]
    models, left_out = first(dict.fromkeys(scores["model"]), MAX_MODELS, "models")
    figure = Figure(figsize=(1.0 + 1.5 * len(models), 3.0 * len(splits)), layout="constrained")
    panels = figure.subplots(len(splits), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for axes, split in zip(panels, splits, strict=True):
        for place, (model, color) in enumerate(zip(models, itertools.cycle(COLORS))):
            rows = scores[(scores["model"] == model) & (scores["split"] == split)]
            _accuracy_dots(axes, place, rows, color)
            _interval(axes, place + 0.4, statistics[model][split]["accuracy"]["interval_95"], color)
        axes.set_ylabel("accuracy")
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_title(split_title(split, scores["protocol"].iloc[0]).capitalize(), loc="left")
        axes.grid(visible=False, axis="x")
    panels[-1].set_xticks(range(len(models)), models)
    label = f"model; {dots_words(scores, 'left to right', 'at its right end')}"
    words = textwrap.fill(label, int(LETTERS_PER_INCH * figure.get_figwidth()))
    panels[-1].set_xlabel(with_notes(words, left_out))
    return figure


@mpl.rc_context(STYLE)
def confusion_figure(confusion: pd.DataFrame, protocol: str) -> Figure:
    """Draw one confusion matrix per model, on the test samples if there are any, else validation.

    confusion: one row per (model, split, label, predicted) with the count over all seeds, if not 0.
    A row of a matrix adds up to 100 %, if all labels are drawn: the share of a class's samples that
    were given each label.
    """
    split = "test" if "test" in set(confusion["split"]) else "val"
    of_split = confusion[confusion["split"] == split]
    models, left_out = first(dict.fromkeys(of_split["model"]), MAX_MODELS, "models")
    labels, confused = _most_confused(confusion, of_split)
    columns = min(len(models), 5)
    rows = -(-len(models) // columns)
    side = max(2.1, 0.45 * min(len(labels), SPELT_OUT), 0.2 * len(labels))
    figure = Figure(figsize=(side * columns + 0.6, (side + 0.5) * rows + 0.7), layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes in panels.flat[len(models) :]:
        axes.set_visible(False)
    for axes, model in zip(panels.flat, models, strict=False):
        _confusion_panel(axes, model, of_split[of_split["model"] == model], labels)
    for axes in panels.flat[max(len(models) - columns, 0) : len(models)]:
        axes.tick_params(labelbottom=True)  # the lowest panel of its column, if others are hidden
    title = f"Labels given to the {split_title(split, protocol)} samples, % of each true label"
    width = int(LETTERS_PER_INCH_OF_TITLE * figure.get_figwidth())
    words = (f"{title}, all seeds", confused, left_out)
    figure.suptitle("\n".join(textwrap.fill(some, width) for some in words if some))
    figure.supxlabel("predicted label")
    figure.supylabel("true label")
    return figure


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


def line_styles() -> Iterator[LineStyle]:
    """Yield a colour and dashes for every line, without end; 35 of them differ."""
    return zip(itertools.cycle(COLORS), itertools.cycle(DASHES), strict=False)


def draw_curve(axes: Axes, rows: pd.DataFrame, label: str, style: LineStyle) -> None:
    """Draw a model's curve with its band. rows: one per epoch with mean, low and high."""
    color, dash = style
    axes.plot(rows["epoch"], rows["mean"], color=color, linestyle=dash, lw=1.8, label=label)
    axes.fill_between(rows["epoch"], rows["low"], rows["high"], color=color, alpha=0.15, lw=0)


def draw_floors(axes: Axes, floors: Iterable[float]) -> None:
    """Draw the floors above 0, in nats, each once."""
    for floor in sorted({floor for floor in floors if floor > 0}):
        label = f"floor of\nsqueezed logits\n({floor:.3f} nats)"
        axes.axhline(floor, color="gray", lw=1.0, linestyle=(0, (1, 3)), label=label)


def dots_words(scores: pd.DataFrame, order: str, place: str) -> str:
    """Return what the dots of a picture of scores are, and its bars.

    order: of the seeds, such as 'left to right'; place: of the interval, such as 'at its end'.
    """
    seeds, left_out = first(dict.fromkeys(scores["seed"]), MAX_SEEDS, "seeds")
    named = seeds if len(seeds) <= MAX_NAMED else [*seeds[:3], "...", seeds[-1]]
    words = f"each dot a run, {order}: seeds {', '.join(map(str, named))}"
    words += f", {left_out}; bar: mean of all" if left_out else "; bar: mean"
    if len(seeds) > 1:
        words += f", {place} its 95 % bootstrap interval over the seeds"
    if scores["diverged"].any():
        words += "; hollow: a diverged run, at its last finite epoch"
    return words


def _accuracy_dots(axes: Axes, place: int, rows: pd.DataFrame, color: str) -> None:
    drawn = rows.iloc[:MAX_SEEDS]
    values, diverged = drawn["accuracy"].to_numpy(), drawn["diverged"].to_numpy()
    x = place + (np.linspace(-0.3, 0.3, len(values)) if len(values) > 1 else np.zeros(1))
    axes.plot(x[~diverged], values[~diverged], "o", color=color, ms=5, alpha=0.85)
    axes.plot(x[diverged], values[diverged], "o", color=color, ms=5, mfc="white", zorder=3)
    mean = float(np.mean(rows["accuracy"].to_numpy()))
    axes.hlines(mean, place - 0.4, place + 0.4, color=color, lw=2)


def _interval(axes: Axes, x: float, interval: list[float] | None, color: str) -> None:
    if interval is not None:
        low, high = interval
        axes.vlines(x, low, high, color=color, lw=1.5)
        axes.hlines(interval, x - 0.06, x + 0.06, color=color, lw=1.5)


def _most_confused(confusion: pd.DataFrame, shown: pd.DataFrame) -> tuple[list[int], str]:
    """Return the labels to draw, and in words what is left out.

    All labels of `confusion`, or else those that are most often the true or the given one of a
    wrong answer in the rows that are shown.
    """
    num_classes = int(confusion[["label", "predicted"]].to_numpy().max())
    every = range(1, num_classes + 1)
    if num_classes <= MAX_CLASSES:
        return list(every), ""
    wrong = shown[shown["label"] != shown["predicted"]]
    ends = pd.concat([wrong.set_index(end)["count"] for end in ("label", "predicted")])
    counts = ends.groupby(level=0).sum().reindex(every, fill_value=0)
    most = counts.sort_values(ascending=False, kind="stable").index[:MAX_CLASSES]
    return sorted(most), f"the {MAX_CLASSES} labels most often confused, of {num_classes}"


def _confusion_panel(axes: Axes, model: str, rows: pd.DataFrame, labels: list[int]) -> None:
    totals = rows.groupby("label")["count"].sum().reindex(labels, fill_value=0).to_numpy()
    drawn = rows[rows["label"].isin(labels) & rows["predicted"].isin(labels)]
    counts = drawn.pivot(index="label", columns="predicted", values="count")
    counts = counts.reindex(index=labels, columns=labels).fillna(0)
    shares = counts.to_numpy() / np.maximum(totals, 1)[:, np.newaxis]
    axes.grid(visible=False)
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    places = range(len(labels))
    axes.set_xticks(places, [str(k) for k in labels])
    axes.set_yticks(places, [str(k) for k in labels])
    axes.set_title(model)
    if len(labels) > SPELT_OUT:
        axes.tick_params(labelsize=8)
        axes.tick_params(axis="x", labelrotation=90)
    else:
        for row, column in itertools.product(places, places):
            share = shares[row, column]
            color = "white" if share > 0.5 else "black"
            axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", color=color)
