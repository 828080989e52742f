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
    """Draw each pair's mean difference in accuracy and its probability of being above 0.

    They are side by side, each with its intervals, the first pair on top. comparisons: of
    `compare_models`, by their names; a dot is filled if the corrected p is significant, else
    hollow. If there are none the picture says so.
    """
    drawn, left_out = first(comparisons, MAX_COMPARISONS, "pairs")
    height = 2.0 + ROW_HEIGHT * len(drawn)
    if not comparisons:
        return _nothing(height)
    figure = Figure(figsize=(10.0, height), layout="constrained")
    means, shares = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    rows = [comparisons[name] for name in drawn]
    for place, row in enumerate(rows):
        _difference(means, place, row)
        _probability(shares, place, row)
    means.axvline(0.0, color="black", lw=1.0, zorder=1)
    shares.axvline(0.5, color="black", lw=1.0, zorder=1)
    means.set_yticks(range(len(drawn)), drawn)
    means.set_ylim(len(drawn) - 0.5, -0.5)
    _, most = MEASURES["accuracy"].bounds
    stay_within(means, "x", (-most, most))
    shares.set_xlim(0.0, 1.0)
    for axes in (means, shares):
        axes.grid(visible=False, axis="y")
    samples = split_title(rows[0]["split"], protocol)
    means.set_title(f"Differences in accuracy: {samples}", loc="left")
    _label(means, shares, thin=any(row["interval_95_with_samples"] for row in rows), note=left_out)
    return figure


def _nothing(height: float) -> Figure:
    figure = Figure(figsize=(8.0, height), layout="constrained")
    axes = figure.subplots()
    axes.set_axis_off()
    axes.text(0.5, 0.5, "No comparison: it takes two models and two seeds.", ha="center")
    return figure


def _label(means: Axes, shares: Axes, *, thin: bool, note: str) -> None:
    """Say what is drawn. thin: whether intervals are that have the test samples' share."""
    samples = ";\nthin: over seeds and test samples" if thin else ", not over samples"
    words = (
        "first minus second (percentage points): mean over seeds,\n"
        f"95 % bootstrap interval over seeds{samples};\n"
        f"filled: p ≤ {SIGNIFICANCE} (sign-flip permutation test, Holm-corrected)"
    )
    means.set_xlabel(with_notes(words, note))
    shares.set_xlabel("P(difference > 0): share of seeds,\nties half, 95 % Wilson interval")


def _difference(axes: Axes, place: int, row: dict[str, Any]) -> None:
    color, face = _colors(row)
    for key, width in (("interval_95", 2.4), ("interval_95_with_samples", 0.9)):
        if row[key]:
            low, high = (100 * end for end in row[key])
            axes.hlines(place, low, high, color=color, lw=width)
    axes.plot(100 * row["mean"], place, "o", color=color, ms=6, mfc=face, zorder=3)


def _probability(axes: Axes, place: int, row: dict[str, Any]) -> None:
    color, face = _colors(row)
    axes.hlines(place, *row["probability_interval_95"], color=color, lw=2.4)
    axes.plot(
        row["probability_better"], place, "o",
        color=color, ms=6, mfc=face, zorder=3, clip_on=False,  # at 0 and 1, too, it is whole
    )  # fmt: skip


def _colors(row: dict[str, Any]) -> tuple[str, str]:
    """Return the colour of a row, and that of the inside of its dots."""
    significant = row["p_holm"] <= SIGNIFICANCE
    color = COLORS[0] if significant else COLORS[3]
    return color, color if significant else "white"
