"""The picture of the collapse: a run that loses logits loses labels, and with them accuracy."""

import itertools
import textwrap
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from cnn_from_scratch.report.pictures.style import (
    COLORS,
    MAX_CLASSES,
    MAX_MODELS,
    MAX_NAMED,
    MAX_SEEDS,
    STYLE,
    first,
    shown_name,
    with_notes,
)

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
LANES = 0.8  # of the space between two whole numbers, shared out among the models
LABEL_HEIGHT = 0.21  # inches per model in the legend
LETTERS = 78  # of a line below the axis
NOTE = (
    "The steps are for classes of equal size. A run far above its step has lost the logit of label"
    " {}: that label is the answer where all logits are 0, so it needs none."
)


@mpl.rc_context(STYLE)
def collapse_figure(scores: pd.DataFrame, class_names: Sequence[str]) -> Figure:
    """Draw every run's training accuracy against its number of dead logits, on the ladder.

    scores: one row per (model, seed, split) with accuracy in 0..1 and dead_logits in 0..K, the
    logits that are 0 for every training sample. class_names: of the K classes, in order. The
    ladder: with d of K logits dead, and their labels lost, (K - d)/K of the samples can be right,
    if all classes are of equal size.
    """
    num_classes = len(class_names)
    rows = scores[scores["split"] == "train"]
    models, models_left_out = first(dict.fromkeys(rows["model"]), MAX_MODELS, "models")
    _, seeds_left_out = first(dict.fromkeys(rows["seed"]), MAX_SEEDS, "seeds")
    height = max(4.8, LABEL_HEIGHT * (len(models) + 1) + 0.9)  # so that the legend ends above NOTE
    figure = Figure(figsize=(8.0, height), layout="constrained")
    axes = figure.subplots()
    steps_left_out = _ladder(axes, num_classes)
    lane = LANES / len(models)
    styles = zip(itertools.cycle(COLORS), itertools.cycle(MARKERS), strict=False)
    for place, (model, (color, marker)) in enumerate(zip(models, styles, strict=False)):
        some = rows[rows["model"] == model].iloc[:MAX_SEEDS]
        left = -LANES / 2 + place * lane
        jitter = left + lane * (np.arange(len(some)) + 0.5) / len(some)
        x, y = some["dead_logits"].to_numpy() + jitter, some["accuracy"].to_numpy()
        axes.plot(x, y, marker, color=color, ms=5, alpha=0.85, label=model, clip_on=False)
    axes.set(xlim=(-0.5, num_classes + 0.5), ylim=(0.0, 1.0), ylabel="training accuracy")
    words = (
        f"dead logits of the run, out of {num_classes}: those that are 0 for every training sample"
    )
    order = "(within a number, left to right: models, and their seeds)"
    label = f"{textwrap.fill(words, LETTERS)}\n{order}"
    axes.set_xlabel(with_notes(label, models_left_out, seeds_left_out, steps_left_out))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.grid(visible=False)
    axes.set_title("Training accuracy of every run against its dead logits", loc="left", pad=8)
    figure.legend(loc="outside right upper")
    note = NOTE.format(shown_name(class_names[0]))
    figure.supxlabel(textwrap.fill(note, 100), fontsize=9, x=0.02, ha="left")
    return figure


def _ladder(axes: Axes, num_classes: int) -> str:
    """Draw the line of each step, named at its right end, and the step on it.

    Of many steps every second, third, ... one is drawn. Returns in words which those are.
    """
    apart = -(-num_classes // MAX_CLASSES)
    dead = np.arange(0, num_classes + 1, apart)
    steps = np.maximum(num_classes - dead, 1) / num_classes  # one answer is left to the last
    for step in steps[dead < num_classes]:
        axes.axhline(step, color="0.75", linestyle="--", lw=0.8, zorder=0)
    axes.hlines(
        steps, dead - 0.45 * apart, dead + 0.45 * apart, color="0.35", lw=1.5, zorder=1,
        label="(K - d)/K: d of K labels lost",
    )  # fmt: skip
    named = slice(0, -1, -(-(len(dead) - 1) // MAX_NAMED))
    right = axes.secondary_yaxis("right")
    right.set_ylabel("share of samples that can be right")
    right.set_yticks(
        steps[named],
        ["1" if d == 0 else f"{num_classes - d}/{num_classes}" for d in dead[named]],
    )
    return f"one step in {apart}" if apart > 1 else ""
