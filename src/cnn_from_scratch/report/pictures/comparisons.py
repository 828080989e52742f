"""The picture of the comparisons, a forest plot."""

from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cnn_from_scratch.report.measures import MEASURES
from cnn_from_scratch.report.names import SIGNIFICANCE, split_title
from cnn_from_scratch.report.pictures.style import COLORS, STYLE, first, stay_within, with_notes

MAX_COMPARISONS = 100
ROW_HEIGHT = 0.28  # inches


@mpl.rc_context(STYLE)
def comparisons_figure(comparisons: dict[str, dict[str, Any]], protocol: str) -> Figure:
    """Draw each pair's mean difference in accuracy with its interval, the first pair on top.

    comparisons: of `compare_models`, by their names; a dot is filled if the corrected p is
    significant, else hollow. If there are none the picture says so.
    """
    drawn, left_out = first(comparisons, MAX_COMPARISONS, "pairs")
    figure = Figure(figsize=(8.0, 1.8 + ROW_HEIGHT * len(drawn)), layout="constrained")
    axes = figure.subplots()
    if not comparisons:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "No comparison: it takes two models and two seeds.", ha="center")
        return figure
    for place, name in enumerate(drawn):
        _difference(axes, place, comparisons[name])
    axes.axvline(0.0, color="black", lw=1.0, zorder=1)
    axes.set_yticks(range(len(drawn)), drawn)
    axes.set_ylim(len(drawn) - 0.5, -0.5)
    _, most = MEASURES["accuracy"].bounds
    stay_within(axes, "x", (-most, most))
    axes.grid(visible=False, axis="y")
    samples = split_title(comparisons[drawn[0]]["split"], protocol)
    axes.set_title(f"Differences in accuracy: {samples}", loc="left")
    words = (
        "first minus second (percentage points): mean over seeds, 95 % bootstrap interval;\n"
        f"filled: p ≤ {SIGNIFICANCE} (sign-flip permutation test, Holm-corrected)"
    )
    axes.set_xlabel(with_notes(words, left_out))
    return figure


def _difference(axes: Axes, place: int, row: dict[str, Any]) -> None:
    significant = row["p_holm"] <= SIGNIFICANCE
    color = COLORS[0] if significant else COLORS[3]
    low, high = (100 * end for end in row["interval_95"])
    axes.hlines(place, low, high, color=color, lw=1.8)
    face = color if significant else "white"
    axes.plot(100 * row["mean"], place, "o", color=color, ms=6, mfc=face, zorder=3)
