"""The pictures of the training loss: one for a few models, and one with a panel per group."""

from collections.abc import Iterable, Mapping

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cnn_from_scratch.report.measures import MEASURES
from cnn_from_scratch.report.names import by_group, group_variant
from cnn_from_scratch.report.pictures.style import (
    LABEL_HEIGHT,
    MAX_MODELS,
    STYLE,
    LineStyle,
    first,
    line_styles,
    stay_within,
    variant_styles,
    with_notes,
)
from cnn_from_scratch.report.plot_data import thinned

MAX_POINTS = 1000  # of a curve
TITLE = "Training loss: mean over seeds, band ± one population SD"
FLOOR_LINES = 3  # of a legend, those that name a floor
COLUMNS = 3  # of panels, at most; one less if each has a legend
PANEL_WIDTH, PANEL_HEIGHT = 2.9, 2.5  # inches
LEGEND_WIDTH = 1.6  # inches
TITLE_LENGTH = 7.5  # inches, beside a legend


@mpl.rc_context(STYLE)
def loss_figure(curves: pd.DataFrame, floors: Iterable[float]) -> Figure:
    """Draw the published figure: each model's mean training loss, with a band of +- one SD.

    curves: one row per (model, epoch) with step, and mean, low and high in nats. floors: the least
    losses, in nats, that the activations on the logits allow; those above 0 are drawn.
    """
    models, left_out = first(dict.fromkeys(curves["model"]), MAX_MODELS, "models")
    rows, sparse = thinned(curves, ["model"], MAX_POINTS)
    x, label = _progress(curves)
    height = max(4.8, LABEL_HEIGHT * (len(models) + FLOOR_LINES) + 0.8)
    figure = Figure(figsize=(8.0, height), layout="constrained")
    axes = figure.subplots()
    for model, style in zip(models, line_styles(), strict=False):
        _curve(axes, rows[rows["model"] == model], x, model, style)
    _floors(axes, floors)
    axes.set(xlim=(0, curves[x].max()), ylabel="training loss (nats)")
    axes.set_xlabel(with_notes(label, sparse, left_out))
    axes.set_title(TITLE, loc="left")
    stay_within(axes, "y", MEASURES["loss"].bounds)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


@mpl.rc_context(STYLE)
def loss_panels_figure(curves: pd.DataFrame, floors: Mapping[str, float]) -> Figure:
    """Draw each model's mean training loss, with a band of +- one SD: one panel per group.

    curves: one row per (model, epoch) with step, and mean, low and high in nats. floors: by model,
    the least loss, in nats, that the activation on its logits allows; it is drawn if above 0. A
    variant looks the same in all panels; if they do not all have the same ones, each has a legend
    of its own.
    """
    every, left_out = first(dict.fromkeys(curves["model"]), MAX_MODELS, "models")
    rows, sparse = thinned(curves, ["model"], MAX_POINTS)
    x, label = _progress(curves)
    groups = by_group(every)
    variants = [{group_variant(model)[1] for model in group} for group in groups.values()]
    one_legend = all(some == variants[0] for some in variants)
    figure, panels = _panels(len(groups), max(map(len, variants)), one_legend)
    styles = variant_styles(every)
    for axes, (group, models) in zip(panels, groups.items(), strict=True):
        for model in models:
            variant = group_variant(model)[1]
            _curve(axes, rows[rows["model"] == model], x, variant, styles[variant])
        _floors(axes, [floors[model] for model in models])
        axes.set_title(group, loc="left")
        if not one_legend:
            axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    panels[0].set_xlim(0, curves[x].max())
    stay_within(panels[0], "y", MEASURES["loss"].bounds)
    if one_legend:
        entries = {str(line.get_label()): line for axes in panels for line in axes.lines}
        figure.legend(handles=list(entries.values()), loc="outside right upper")
    figure.suptitle(TITLE, x=0.01, ha="left")
    figure.supxlabel(with_notes(label, sparse, left_out), fontsize="medium")
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


def _progress(curves: pd.DataFrame) -> tuple[str, str]:
    """Return the column that the curves are drawn over, and its name.

    Epochs, if each is one update of the parameters; else an epoch is not the same work for all.
    """
    if (curves["step"] == curves["epoch"]).all():
        return "epoch", "epoch"
    return "step", "updates (steps)"


def _curve(axes: Axes, rows: pd.DataFrame, x: str, label: str, style: LineStyle) -> None:
    """Draw a model's curve with its band over a column x of rows: one per epoch."""
    color, dash = style
    axes.plot(rows[x], rows["mean"], color=color, linestyle=dash, lw=1.8, label=label)
    axes.fill_between(rows[x], rows["low"], rows["high"], color=color, alpha=0.15, lw=0)


def _floors(axes: Axes, floors: Iterable[float]) -> None:
    """Draw the floors above 0, in nats, each once."""
    for floor in sorted({floor for floor in floors if floor > 0}):
        label = f"floor of\nsqueezed logits\n({floor:.3f} nats)"
        axes.axhline(floor, color="gray", lw=1.0, linestyle=(0, (1, 3)), label=label)
