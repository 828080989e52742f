"""The pictures of every run's scores: upright for a few models, across for many in groups."""

import itertools
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cnn_from_scratch.report.measures import Measure, mean_and_population_sd, told_in
from cnn_from_scratch.report.names import by_group, group_variant, split_title
from cnn_from_scratch.report.pictures.style import (
    COLORS,
    LETTERS_PER_INCH,
    MAX_MODELS,
    MAX_NAMED,
    MAX_SEEDS,
    STYLE,
    Direction,
    first,
    stay_within,
    variant_styles,
    with_notes,
)

ROW_HEIGHT = 0.34  # inches per model, where the models are rows
TITLE_PAD = 8  # points, so that a dot at the top lies below the title


@dataclass(frozen=True)
class ModelScores:
    """A measure of a model's runs, in its unit, whether they diverged, and the mean's interval."""

    values: np.ndarray[Any, np.dtype[np.float64]]
    diverged: np.ndarray[Any, np.dtype[np.bool_]]
    interval: tuple[float, float] | None

    @property
    def mean(self) -> float:
        """The mean of all of them."""
        return mean_and_population_sd(self.values)[0]


@dataclass(frozen=True)
class Panel:
    """What one panel shows: a measure, on one split if it is of splits, by model."""

    measure: Measure
    title: str
    scores: dict[str, ModelScores]


def panels_of(scores: pd.DataFrame, statistics: dict[str, Any]) -> Iterator[Panel]:
    """Yield a panel for each measure and held-out split, then for each measure of whole runs.

    scores: one row per (model, seed, split) with the measures, the protocol and whether the run
    diverged. statistics: of `model_statistics`, for the means' intervals.
    """
    protocol = scores["protocol"].iloc[0]
    for name, measure in told_in("results", by_split=True).items():
        for split in (split for split in ("val", "test") if split in set(scores["split"])):
            title = split_title(split, protocol)
            title = title if name == "accuracy" else f"{measure.title}, {title}"
            rows = scores[scores["split"] == split]
            intervals = {m: of[split][name]["interval_95"] for m, of in statistics.items()}
            yield _panel(name, measure, title, rows, intervals)
    for name, measure in told_in("results", by_split=False).items():
        yield _panel(name, measure, measure.title, scores.drop_duplicates(["model", "seed"]), {})


def _panel(
    name: str, measure: Measure, title: str, rows: pd.DataFrame, intervals: dict[str, Any]
) -> Panel:
    by_model = {
        str(model): ModelScores(
            values=measure.scale * of_model[name].to_numpy(dtype=float),
            diverged=of_model["diverged"].to_numpy(dtype=bool),
            interval=_scaled(measure, intervals.get(str(model))),
        )
        for model, of_model in rows.dropna(subset=[name]).groupby("model", sort=False)
    }
    return Panel(measure, title[0].upper() + title[1:], by_model)


def _scaled(measure: Measure, interval: list[float] | None) -> tuple[float, float] | None:
    return (measure.scale * interval[0], measure.scale * interval[1]) if interval else None


@mpl.rc_context(STYLE)
def accuracy_figure(scores: pd.DataFrame, statistics: dict[str, Any]) -> Figure:
    """Draw every run's scores, by model and seed, with the mean; `panels_of` says in which panels.

    The dot of a run that diverged is hollow.
    """
    panels = list(panels_of(scores, statistics))
    models, left_out = first(dict.fromkeys(scores["model"]), MAX_MODELS, "models")
    size = (1.0 + 1.5 * len(models), 3.0 * len(panels))
    figure = Figure(figsize=size, layout="constrained")
    below = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, panel in zip(below, panels, strict=True):
        for place, (model, color) in enumerate(zip(models, itertools.cycle(COLORS))):
            if model in panel.scores:
                _upright(axes, place, panel.scores[model], color)
        axes.set_ylabel(panel.measure.axis)
        axes.set_title(panel.title, loc="left", pad=TITLE_PAD)
        axes.grid(visible=False, axis="x")
    _share_limits(below, panels, "y")
    below[-1].set_xticks(range(len(models)), models)
    label = f"model; {_dots_words(scores, 'left to right', 'at its right end')}"
    words = textwrap.fill(label, int(LETTERS_PER_INCH * figure.get_figwidth()))
    below[-1].set_xlabel(with_notes(words, left_out))
    return figure


@mpl.rc_context(STYLE)
def scores_figure(scores: pd.DataFrame, statistics: dict[str, Any]) -> Figure:
    """Draw every run's scores, one row per model; `panels_of` says in which panels.

    The dot of a run that diverged is hollow. The models of a group stand together; a variant has
    the same colour as in `loss_panels_figure`.
    """
    panels = list(panels_of(scores, statistics))
    every, left_out = first(dict.fromkeys(scores["model"]), MAX_MODELS, "models")
    groups = by_group(every)
    models = [model for group in groups.values() for model in group]
    styles = variant_styles(models)
    size = (2.0 + 4.0 * len(panels), 1.6 + ROW_HEIGHT * len(models))
    figure = Figure(figsize=size, layout="constrained")
    beside = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, panel in zip(beside, panels, strict=True):
        for place, model in enumerate(models):
            if model in panel.scores:
                _across(axes, place, panel.scores[model], styles[group_variant(model)[1]][0])
        for end in np.cumsum([len(group) for group in groups.values()])[:-1]:
            axes.axhline(end - 0.5, color="0.6", lw=0.8)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(panel.measure.axis)
        axes.set_title(panel.title, loc="left", pad=TITLE_PAD)
    _share_limits(beside, panels, "x")
    beside[0].set_yticks(range(len(models)), models)
    beside[0].set_ylim(len(models) - 0.5, -0.5)
    label = _dots_words(scores, "top to bottom", "below it")
    words = textwrap.fill(label, int(LETTERS_PER_INCH * figure.get_figwidth()))
    figure.supxlabel(with_notes(words, left_out), fontsize="medium")
    return figure


def _share_limits(axes: Iterable[Axes], panels: Iterable[Panel], direction: Direction) -> None:
    """Give the panels of a measure the same limits, within what the measure can be."""
    pairs = zip(axes, panels, strict=True)
    for measure, of_measure in itertools.groupby(pairs, key=lambda pair: pair[1].measure):
        same = [one for one, _ in of_measure]
        limits = [getattr(one, f"get_{direction}lim")() for one in same]
        lows, highs = zip(*limits, strict=True)
        for one in same:
            one.set(**{f"{direction}lim": (min(lows), max(highs))})
            stay_within(one, direction, measure.bounds)


def _upright(axes: Axes, place: int, scores: ModelScores, color: str) -> None:
    """Draw a model's runs as dots side by side, with the mean, its interval at the right end."""
    x = place + _spread(scores, -0.3, 0.3)
    for hollow, style in _dots(color, size=5):
        chosen = scores.diverged[:MAX_SEEDS] == hollow
        axes.plot(x[chosen], scores.values[:MAX_SEEDS][chosen], **style)
    axes.hlines(scores.mean, place - 0.4, place + 0.4, color=color, lw=2)
    if scores.interval is not None:
        x_end = place + 0.4
        axes.vlines(x_end, *scores.interval, color=color, lw=1.5)
        axes.hlines(scores.interval, x_end - 0.06, x_end + 0.06, color=color, lw=1.5)


def _across(axes: Axes, place: int, scores: ModelScores, color: str) -> None:
    """Draw a model's runs as dots in the upper part of its row, with the mean and its interval."""
    y = place + _spread(scores, -0.34, 0.1)
    for hollow, style in _dots(color, size=4):
        chosen = scores.diverged[:MAX_SEEDS] == hollow
        axes.plot(scores.values[:MAX_SEEDS][chosen], y[chosen], **style)
    axes.vlines(scores.mean, place - 0.4, place + 0.4, color=color, lw=2)
    if scores.interval is not None:
        axes.hlines(place + 0.3, *scores.interval, color=color, lw=2)


def _spread(scores: ModelScores, low: float, high: float) -> np.ndarray[Any, Any]:
    """Return where the runs' dots stand, one after the other."""
    number = len(scores.values[:MAX_SEEDS])
    return np.linspace(low, high, number) if number > 1 else np.zeros(1)


def _dots(color: str, size: int) -> list[tuple[bool, dict[str, Any]]]:
    """Return how the dots of runs look that did not diverge, and those of runs that did."""
    common = {"color": color, "ms": size, "marker": "o", "ls": ""}
    common |= {"clip_on": False, "in_layout": False}  # whole where the axis ends, and no layout's
    return [(False, common | {"alpha": 0.85}), (True, common | {"mfc": "white", "zorder": 3})]


def _dots_words(scores: pd.DataFrame, order: str, place: str) -> str:
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
