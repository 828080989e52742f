"""The pictures of a study of many models, which belong to groups by their names."""

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cnn_from_scratch.report.bounds import (
    MAX_MODELS,
    MAX_POINTS,
    MAX_SEEDS,
    first,
    thinned,
    with_notes,
)
from cnn_from_scratch.report.figures import (
    FLOOR_LINES,
    LABEL_HEIGHT,
    LETTERS_PER_INCH,
    LOSS_TITLE,
    STYLE,
    LineStyle,
    dots_words,
    draw_curve,
    draw_floors,
    line_styles,
)
from cnn_from_scratch.report.names import by_group, group_variant, split_title

ROW_HEIGHT = 0.34  # inches per model, in the picture of the scores
COLUMNS = 3  # of panels, at most; one less if each has a legend
PANEL_WIDTH, PANEL_HEIGHT = 2.9, 2.5  # inches
LEGEND_WIDTH = 1.6  # inches
TITLE_LENGTH = 7.5  # inches, of the losses' title beside a legend


@mpl.rc_context(STYLE)
def scores_figure(scores: pd.DataFrame, statistics: dict[str, Any]) -> Figure:
    """Draw every run's accuracy, one row per model: a panel for val, one for test.

    scores: one row per (model, seed, split) with accuracy in 0..1, the protocol and whether the run
    diverged; then its dot is hollow. statistics: of `model_statistics`, for the mean's intervals.
    The models of a group stand together; a variant has the same colour as in `loss_panels_figure`.
    """
    splits = [split for split in ("val", "test") if split in set(scores["split"])]
    every, left_out = first(dict.fromkeys(scores["model"]), MAX_MODELS, "models")
    groups = by_group(every)
    models = [model for group in groups.values() for model in group]
    styles = _variant_styles(models)
    size = (2.0 + 4.0 * len(splits), 1.6 + ROW_HEIGHT * len(models))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(splits), sharex=True, sharey=True, squeeze=False)[0]
    for axes, split in zip(panels, splits, strict=True):
        for place, model in enumerate(models):
            rows = scores[(scores["model"] == model) & (scores["split"] == split)]
            color, _ = styles[group_variant(model)[1]]
            _scores_row(axes, place, rows, statistics[model][split]["accuracy"], color)
        for end in np.cumsum([len(group) for group in groups.values()])[:-1]:
            axes.axhline(end - 0.5, color="0.6", lw=0.8)
        axes.grid(visible=False, axis="y")
        axes.set_title(split_title(split, scores["protocol"].iloc[0]).capitalize(), loc="left")
    panels[0].set_yticks(range(len(models)), models)
    panels[0].set_ylim(len(models) - 0.5, -0.5)
    label = f"accuracy in percent; {dots_words(scores, 'top to bottom', 'below it')}"
    words = textwrap.fill(label, int(LETTERS_PER_INCH * figure.get_figwidth()))
    figure.supxlabel(with_notes(words, left_out), fontsize="medium")
    return figure


@mpl.rc_context(STYLE)
def loss_panels_figure(curves: pd.DataFrame, floors: Mapping[str, float]) -> Figure:
    """Draw each model's mean training loss, with a band of +- one SD: one panel per group.

    curves: one row per (model, epoch) with mean, low and high in nats. floors: by model, the least
    loss, in nats, that the activation on its logits allows; it is drawn if above 0. A variant looks
    the same in all panels; if they do not all have the same ones, each has a legend of its own.
    """
    every, left_out = first(dict.fromkeys(curves["model"]), MAX_MODELS, "models")
    rows, sparse = thinned(curves, ["model"], MAX_POINTS)
    groups = by_group(every)
    variants = [{group_variant(model)[1] for model in group} for group in groups.values()]
    one_legend = all(some == variants[0] for some in variants)
    figure, panels = _panels(len(groups), max(map(len, variants)), one_legend)
    styles = _variant_styles(every)
    for axes, (group, models) in zip(panels, groups.items(), strict=True):
        for model in models:
            variant = group_variant(model)[1]
            draw_curve(axes, rows[rows["model"] == model], variant, styles[variant])
        draw_floors(axes, [floors[model] for model in models])
        axes.set_title(group, loc="left")
        if not one_legend:
            axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    panels[0].set_xlim(0, curves["epoch"].max())
    if one_legend:
        entries = {str(line.get_label()): line for axes in panels for line in axes.lines}
        figure.legend(handles=list(entries.values()), loc="outside right upper")
    figure.suptitle(LOSS_TITLE, x=0.01, ha="left")
    figure.supxlabel(with_notes("epoch", sparse, left_out), fontsize="medium")
    figure.supylabel("training loss (nats)", fontsize="medium")
    return figure


def _panels(groups: int, variants: int, one_legend: bool) -> tuple[Figure, list[Axes]]:
    """Return a figure with one panel per group, and room for legends of so many variants."""
    rows = -(-groups // (COLUMNS if one_legend else COLUMNS - 1))
    columns = -(-groups // rows)
    legend = LABEL_HEIGHT * (variants + FLOOR_LINES)
    width = PANEL_WIDTH * columns + LEGEND_WIDTH * (1 if one_legend else columns)
    height = max(PANEL_HEIGHT * rows, legend * (1 if one_legend else rows))
    figure = Figure(figsize=(max(width, TITLE_LENGTH), height + 0.8), layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flatten()
    for axes in panels[groups:]:
        axes.set_visible(False)
    for axes in panels[max(groups - columns, 0) : groups]:
        axes.tick_params(labelbottom=True)  # the lowest panel of its column, if others are hidden
    return figure, list(panels[:groups])


def _variant_styles(models: Iterable[str]) -> dict[str, LineStyle]:
    """Return the colour and the dashes of each variant of the models."""
    variants = dict.fromkeys(group_variant(model)[1] for model in models)
    return dict(zip(variants, line_styles(), strict=False))


def _scores_row(
    axes: Axes, place: int, rows: pd.DataFrame, accuracy: dict[str, Any], color: str
) -> None:
    """Draw a model's runs as dots, in the upper part of its row, with the mean and its interval."""
    drawn = rows.iloc[:MAX_SEEDS]
    values, diverged = 100 * drawn["accuracy"].to_numpy(), drawn["diverged"].to_numpy()
    y = place + (np.linspace(-0.34, 0.1, len(values)) if len(values) > 1 else np.zeros(1))
    axes.plot(values[~diverged], y[~diverged], "o", color=color, ms=4, alpha=0.85)
    axes.plot(values[diverged], y[diverged], "o", color=color, ms=4, mfc="white", zorder=3)
    axes.vlines(100 * accuracy["mean"], place - 0.4, place + 0.4, color=color, lw=2)
    if accuracy["interval_95"] is not None:
        low, high = (100 * end for end in accuracy["interval_95"])
        axes.hlines(place + 0.3, low, high, color=color, lw=2)
