"""The picture of the collapse: a run that loses logits loses labels, and with them accuracy."""

import itertools
import textwrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from cnn_from_scratch.report.figures import COLORS, STYLE

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
LANES = 0.8  # of the space between two whole numbers, shared out among the models
LABEL_HEIGHT = 0.21  # inches a model in the legend
STEPS_NAMED = 12  # as many as fit beside the axis
NOTE = (
    "The steps are for classes of equal size. A run far above its step has lost the logit of label"
    " 1: that label is the answer where all logits are 0, so it needs none."
)


@mpl.rc_context(STYLE)
def collapse_figure(scores: pd.DataFrame, num_classes: int) -> Figure:
    """Draw every run's training accuracy against its number of dead logits, on the ladder.

    scores: a row a (model, seed, split) with accuracy in 0..1 and dead_logits in 0..num_classes,
    the logits that are 0 for every training sample. The ladder: with d of K logits dead, and
    their labels lost, (K - d)/K of the samples can be right, if all classes are of equal size.
    """
    rows = scores[scores["split"] == "train"]
    models = list(dict.fromkeys(rows["model"]))
    height = max(4.8, LABEL_HEIGHT * (len(models) + 1) + 0.9)  # so that the legend ends above NOTE
    figure = Figure(figsize=(8.0, height), layout="constrained")
    axes = figure.subplots()
    _ladder(axes, num_classes)
    lane = LANES / len(models)
    styles = zip(itertools.cycle(COLORS), itertools.cycle(MARKERS), strict=False)
    for place, (model, (color, marker)) in enumerate(zip(models, styles, strict=False)):
        some = rows[rows["model"] == model]
        left = -LANES / 2 + place * lane
        jitter = left + lane * (np.arange(len(some)) + 0.5) / len(some)
        x, y = some["dead_logits"].to_numpy() + jitter, some["accuracy"].to_numpy()
        axes.plot(x, y, marker, color=color, ms=5, alpha=0.85, label=model)
    axes.set(xlim=(-0.5, num_classes + 0.5), ylim=(0.0, 1.04), ylabel="training accuracy")
    axes.set_xlabel(
        f"dead logits of the run, out of {num_classes}: those that are 0 for every training sample"
        f"\n(within a number, left to right: models, and their seeds)"
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.grid(visible=False)
    axes.set_title("Training accuracy of every run against its dead logits", loc="left")
    figure.legend(loc="outside right upper")
    figure.supxlabel(textwrap.fill(NOTE, 100), fontsize=9, x=0.02, ha="left")
    return figure


def _ladder(axes: Axes, num_classes: int) -> None:
    """Draw the line of each step, named at its right end, and the step on it."""
    dead = np.arange(num_classes + 1)
    steps = np.maximum(num_classes - dead, 1) / num_classes  # one answer is left to the last
    for step in steps[:-1]:
        axes.axhline(step, color="0.75", linestyle="--", lw=0.8, zorder=0)
    axes.hlines(
        steps, dead - 0.45, dead + 0.45, color="0.35", lw=1.5, zorder=1,
        label="(K - d)/K: d of K labels lost",
    )  # fmt: skip
    named = dead[: -1 : -(-num_classes // STEPS_NAMED)]
    right = axes.secondary_yaxis("right")
    right.set_ylabel("share of samples that can be right")
    right.set_yticks(
        steps[named], ["1" if d == 0 else f"{num_classes - d}/{num_classes}" for d in named]
    )
