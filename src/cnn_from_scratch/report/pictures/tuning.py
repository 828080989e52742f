"""The pictures of the choice of a learning rate: one line per optimizer, panels by network."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator, PercentFormatter

from cnn_from_scratch.report.measures import MEASURES
from cnn_from_scratch.report.names import by_group, group_variant
from cnn_from_scratch.report.pictures.style import (
    LABEL_HEIGHT,
    MAX_MODELS,
    STYLE,
    LineStyle,
    first,
    stay_within,
    variant_styles,
    with_notes,
)

COLUMNS = 2  # of panels
MAX_NETWORKS = 12  # of which each is a line of panels
LANES = 0.8  # of the space between two numbers of rates, shared out among the optimizers
TITLES = {"val": "validation", "test": "test"}
TITLE = "Expected best of so many rates, chosen on the validation samples; bars: 95 % over seeds"
TICKS = (
    *(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95),
    *(0.98, 0.99, 0.995),
)

Curve = Mapping[str, Mapping[str, Any]]  # mean and interval_95 by the number of rates tried
Curves = Mapping[str, Curve]  # by split


@mpl.rc_context(STYLE)
def rates_figure(rates: pd.DataFrame, chosen: Mapping[str, str]) -> Figure:
    """Draw mean validation accuracy by learning rate: a panel per network, a line per optimizer.

    rates: one row per (model, lr) with val_accuracy, 0..1. chosen: by model, the lr whose dot is
    filled.
    """
    models, left_out = first(dict.fromkeys(rates["model"]), MAX_MODELS, "models")
    groups = by_group(models)
    figure, panels = _panels(-(-len(groups) // COLUMNS), min(len(groups), COLUMNS), models, 2.8)
    for axes in panels[len(groups) :]:
        axes.set_visible(False)
    styles = variant_styles(models)
    for axes, (group, of_group) in zip(panels, groups.items(), strict=False):
        for model in of_group:
            variant = group_variant(model)[1]
            color, dash = styles[variant]
            rows = rates[rates["model"] == model]
            axes.plot(rows["lr"].astype(float), rows["val_accuracy"], color=color, linestyle=dash,
                      marker="o", ms=4, mfc="white", label=variant)  # fmt: skip
            best = rows[rows["lr"] == chosen[model]]
            axes.plot(best["lr"].astype(float), best["val_accuracy"], "o", color=color, ms=7)
        axes.set(xscale="log", xlabel="learning rate", title=f"network {group}")
    _percent(panels[0])
    panels[0].set_ylabel(with_notes("validation accuracy, mean over seeds", left_out))
    _legend(figure, panels, "filled: chosen")
    return figure


@mpl.rc_context(STYLE)
def tuning_figure(curves: Mapping[str, Curves]) -> Figure:
    """Draw the expected accuracy of the best of k rates tried, with its interval, over k.

    curves: of `tuning_curves`, by model. Two panels per network, validation and test; a line per
    optimizer, those of a panel side by side. The axis is the logit's, log(a / (1 - a)), so that the
    few points at the top can be told apart; 0 and 1 are nowhere on it.
    """
    models, left_out = first(curves, MAX_MODELS, "models")
    groups, networks_left_out = first(by_group(models).items(), MAX_NETWORKS, "networks")
    figure, panels = _panels(len(groups), COLUMNS, models, 3.4)
    places = [(group, of_group, split) for group, of_group in groups for split in TITLES]
    for axes, (group, of_group, split) in zip(panels, places, strict=True):
        _curves(axes, {model: curves[model][split] for model in of_group}, variant_styles(models))
        axes.set_title(f"network {group}: {TITLES[split]}", loc="left")
    accuracies = [
        accuracy
        for model in models
        for split in TITLES
        for told in curves[model][split].values()
        for accuracy in (told["mean"], *told["interval_95"])
    ]
    _logit_axis(panels[0], accuracies)
    is_whole = _drawn(*accuracies) == accuracies
    beyond = "" if is_whole else "what is beyond the last tick is drawn there"
    words = "number of learning rates tried (within a number, left to right: optimizers as listed)"
    figure.supxlabel(with_notes(words, left_out, networks_left_out, beyond), fontsize="medium")
    figure.supylabel("expected accuracy (logit axis)", fontsize="medium")
    figure.suptitle(TITLE, x=0.01, ha="left")
    _legend(figure, panels, "optimizer")
    return figure


def _curves(axes: Axes, curves: Mapping[str, Curve], styles: Mapping[str, LineStyle]) -> None:
    """Draw the curve of each model of a panel, beside each other. styles: of the variants."""
    for place, (model, curve) in enumerate(curves.items()):
        variant = group_variant(model)[1]
        color, dash = styles[variant]
        x = [int(k) + LANES * ((place + 0.5) / len(curves) - 0.5) for k in curve]
        low, high = zip(*(_drawn(*told["interval_95"]) for told in curve.values()), strict=True)
        axes.vlines(x, low, high, color=color, alpha=0.5, lw=2.0)
        means = _drawn(*(told["mean"] for told in curve.values()))
        axes.plot(x, means, color=color, linestyle=dash, lw=0.8, alpha=0.5)
        axes.plot(x, means, "o", color=color, ms=4, label=variant)
    most = max(map(len, curves.values()))
    for k in range(1, most + 1, 2):  # so that one sees what is of the same number of rates
        axes.axvspan(k - 0.5, k + 0.5, color="0.95", lw=0, zorder=0)
    axes.set_xlim(0.5, most + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(visible=False, axis="x")


def _logit_axis(axes: Axes, accuracies: Sequence[float]) -> None:
    """Let the axis go from a tick to a higher tick, around the accuracies."""
    drawn = _drawn(*accuracies)
    low = sum(tick <= min(drawn) for tick in TICKS[:-1]) - 1
    high = max(low + 1, sum(tick < max(drawn) for tick in TICKS))
    axes.set_yscale("logit")
    axes.set_ylim(TICKS[low], TICKS[high])
    axes.yaxis.set_major_locator(FixedLocator(TICKS))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(lambda tick, _: f"{100 * tick:g}%")


def _drawn(*accuracies: float) -> list[float]:
    """Return the accuracies, or what is drawn in their place: 0 and 1 are nowhere on the axis."""
    return [min(max(accuracy, TICKS[0]), TICKS[-1]) for accuracy in accuracies]


def _panels(
    lines: int, columns: int, models: Iterable[str], height: float
) -> tuple[Figure, list[Axes]]:
    """Return a figure with panels of a height in inches, and room for a legend of the variants."""
    legend = LABEL_HEIGHT * len(variant_styles(models)) + 1.0
    figure = Figure(figsize=(9.0, max(height * lines, legend, 4.2)), layout="constrained")
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    return figure, list(panels.flatten())


def _percent(axes: Axes) -> None:
    accuracy = MEASURES["accuracy"]
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    stay_within(axes, "y", (accuracy.low, accuracy.high))


def _legend(figure: Figure, panels: Iterable[Axes], title: str) -> None:
    """Draw one legend for the lines of all panels that have a name."""
    lines = {str(line.get_label()): line for axes in panels for line in axes.lines}
    named = {name: line for name, line in lines.items() if not name.startswith("_")}
    figure.legend(handles=list(named.values()), loc="outside right upper", title=title)
