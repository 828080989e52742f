"""The picture of the confusion matrices."""

import itertools
import math
import textwrap
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cnn_from_scratch.report.names import shown_split, split_title
from cnn_from_scratch.report.pictures.style import MAX_CLASSES, MAX_MODELS, STYLE, first, shown_name

SPELT_OUT = 10  # classes at most whose cells hold their numbers
UPRIGHT = 3  # letters at most of names that fit below a cell
LETTER = 0.08  # inches
LETTERS_PER_INCH_OF_TITLE = 9


@mpl.rc_context(STYLE)
def confusion_figure(confusion: pd.DataFrame, class_names: Sequence[str], protocol: str) -> Figure:
    """Draw one confusion matrix per model, on the test samples if there are any, else validation.

    confusion: one row per (model, split, label, predicted) with the count over all seeds, if not 0.
    class_names: all labels, in order. A row of a matrix adds up to 100 %, if all labels are drawn:
    the share of a class's samples that were given each label.
    """
    split = shown_split(confusion["split"])
    of_split = confusion[confusion["split"] == split]
    models, left_out = first(dict.fromkeys(of_split["model"]), MAX_MODELS, "models")
    labels, confused = _most_confused(of_split, class_names)
    side = max(2.1, 0.45 * min(len(labels), SPELT_OUT), 0.2 * len(labels))
    columns = min(len(models), 5 if side < 3 else max(3, math.ceil(math.sqrt(len(models)))))
    rows = -(-len(models) // columns)
    names = LETTER * max(len(shown_name(label)) for label in labels)
    size = (side * columns + 0.6 + names, (side + 0.5 + names) * rows + 0.7)
    figure = Figure(figsize=size, layout="constrained")
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


def _most_confused(shown: pd.DataFrame, class_names: Sequence[str]) -> tuple[list[str], str]:
    """Return the labels to draw, and in words what is left out.

    All labels, or else those that are most often the true or the given one of a wrong answer in the
    rows that are shown.
    """
    if len(class_names) <= MAX_CLASSES:
        return list(class_names), ""
    wrong = shown[shown["label"] != shown["predicted"]]
    ends = pd.concat([wrong.set_index(end)["count"] for end in ("label", "predicted")])
    counts = ends.groupby(level=0).sum().reindex(class_names, fill_value=0)
    most = set(counts.sort_values(ascending=False, kind="stable").index[:MAX_CLASSES])
    labels = [name for name in class_names if name in most]
    return labels, f"the {MAX_CLASSES} labels most often confused, of {len(class_names)}"


def _confusion_panel(axes: Axes, model: str, rows: pd.DataFrame, labels: list[str]) -> None:
    totals = rows.groupby("label")["count"].sum().reindex(labels, fill_value=0).to_numpy()
    drawn = rows[rows["label"].isin(labels) & rows["predicted"].isin(labels)]
    counts = drawn.pivot(index="label", columns="predicted", values="count")
    counts = counts.reindex(index=labels, columns=labels).fillna(0)
    shares = counts.to_numpy() / np.maximum(totals, 1)[:, np.newaxis]
    axes.grid(visible=False)
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    places = range(len(labels))
    names = [shown_name(label) for label in labels]
    axes.set_xticks(places, names)
    axes.set_yticks(places, names)
    axes.set_title(model)
    if len(labels) > SPELT_OUT or max(map(len, names)) > UPRIGHT:
        axes.tick_params(axis="x", labelrotation=90)
    if len(labels) > SPELT_OUT:
        axes.tick_params(labelsize=8)
    else:
        for row, column in itertools.product(places, places):
            share = shares[row, column]
            color = "white" if share > 0.5 else "black"
            axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", color=color)
