"""The picture of the calibration: how sure the networks are, and how often they are right."""

import math
import textwrap
from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator, PercentFormatter

from cnn_from_scratch.report.names import split_title
from cnn_from_scratch.report.pictures.style import (
    COLORS,
    LETTERS_PER_INCH,
    MAX_MODELS,
    STYLE,
    first,
    with_notes,
)

MAX_COLUMNS = 5  # of panels
SIDE = 2.3  # inches, of a panel
LARGEST = 140.0  # square points, of the dot of a bin that holds all predictions
SMALLEST = 6.0
WORDS = (
    "bars: the share of the predictions in each bin of the confidence; dots: their accuracy, the"
    " larger, the more they are; cross: the means of all; above the dashed line a network is more"
    " often right than it says; red line: squeezed logits allow no higher confidence"
)


@mpl.rc_context(STYLE)
def calibration_figure(
    reliability: pd.DataFrame, floors: Mapping[str, float], protocol: str
) -> Figure:
    """Draw a reliability diagram for each model: accuracy against confidence, bin by bin.

    reliability: as plot_data.reliability has it. floors: by model, the least loss in nats that the
    activation on its logits allows; a floor above 0 is drawn as the greatest probability that there
    can be, e^-floor.
    """
    models, left_out = first(dict.fromkeys(reliability["model"]), MAX_MODELS, "models")
    columns = min(len(models), MAX_COLUMNS)
    rows = -(-len(models) // columns)
    size = (max(SIDE * columns, 6.0) + 0.6, (SIDE + 0.45) * rows + 1.4)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flatten()
    for axes in panels[len(models) :]:
        axes.set_visible(False)
    for axes, model in zip(panels, models, strict=False):
        _diagram(axes, model, reliability[reliability["model"] == model], floors[model])
    for axes in panels[max(len(models) - columns, 0) : len(models)]:
        axes.tick_params(labelbottom=True)  # the lowest panel of its column, if others are hidden
    panels[0].set(xlim=(0.0, 1.0), ylim=(0.0, 1.0))
    for axis in (panels[0].xaxis, panels[0].yaxis):
        axis.set_major_locator(MultipleLocator(0.2))
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=""))
    samples = split_title(reliability["split"].iloc[0], protocol)
    width = int(LETTERS_PER_INCH * figure.get_figwidth())
    figure.suptitle(f"Calibration on the {samples} samples, all seeds", x=0.01, ha="left")
    label = "confidence: the probability of the predicted class (percent)"
    figure.supxlabel(with_notes(f"{label}\n{textwrap.fill(WORDS, width)}", left_out), fontsize=9)
    figure.supylabel("accuracy (percent)", fontsize=9)
    return figure


def _diagram(axes: Axes, model: str, bins: pd.DataFrame, floor: float) -> None:
    """Draw a model's bins, their means, and the bound of the confidence, if the floor is not 0."""
    share = bins["count"] / bins["count"].sum()
    width = bins["high"] - bins["low"]
    axes.bar(bins["low"], share, width, align="edge", color="0.85", edgecolor="white", zorder=1)
    axes.plot([0, 1], [0, 1], color="0.5", lw=1.0, linestyle="--", zorder=2)
    if floor > 0:
        axes.axvline(math.exp(-floor), color=COLORS[3], lw=1.2, zorder=2)
    axes.scatter(
        bins["confidence"], bins["accuracy"], np.maximum(LARGEST * share, SMALLEST),
        color=COLORS[0], alpha=0.85, lw=0, clip_on=False, zorder=3,
    )  # fmt: skip
    confidence, accuracy = (float((share * bins[of]).sum()) for of in ("confidence", "accuracy"))
    axes.plot(confidence, accuracy, "x", color="black", ms=8, mew=1.8, clip_on=False, zorder=4)
    means = f"confidence {100 * confidence:.0f} %, accuracy {100 * accuracy:.0f} %"
    axes.set_title(f"{model}\n{means}", loc="left", fontsize=9, pad=8)
