"""Which source makes the spread between runs: the components of the variance of test accuracy.

Usage: python components.py, in this folder; runs/ -> components/variance.json, .md and .png

The runs of a model are one for each pair of a split and an initialisation.
"""

import math
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "stages"))

import start

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.dataset import load_dataset
from cnn_from_scratch.experiment.files import replacing, write_json, write_text
from cnn_from_scratch.experiment.params import Params, load_params
from cnn_from_scratch.report.measures import rounded
from cnn_from_scratch.report.names import by_group, group_variant
from cnn_from_scratch.report.pictures.style import (
    LABEL_HEIGHT,
    MAX_MODELS,
    STYLE,
    LineStyle,
    first,
    save_figure,
    variant_styles,
    with_notes,
)
from cnn_from_scratch.report.pruning import prune_runs
from cnn_from_scratch.report.resampling import correct_table
from cnn_from_scratch.report.runs import read_runs
from cnn_from_scratch.report.tables import markdown_table
from cnn_from_scratch.report.variance import (
    LEAST_LEVELS,
    SOURCES,
    Correct,
    variance_components,
    variance_over_test_sets,
)

TEST_DIGITS = "test digits"
DRAWN = (*SOURCES, TEST_DIGITS)
COLUMNS = 3  # of panels
LINEAR = 1.0  # percentage points: above, the axis of SDs is logarithmic
TICKS = (0, 0.5, 1, 2, 5, 10, 20, 50)
MAX_SD = 50.0  # of accuracies, which lie between 0 and 100 %


def check(params: Params) -> None:
    """Check that the runs are crossed. Raises InputError."""
    for name, model in params.models.items():
        if name == f"{name.partition('/')[0]}/split-{model.split.seed}":
            continue
        raise InputError(
            "params.yaml: expected a list of seeds at split.seed, and no list of learning rates;"
            f" got the model {name}"
        )
    if min(len(params.seeds), len(splits(params))) < LEAST_LEVELS:
        raise InputError(
            f"params.yaml: seeds and split.seed: expected at least {LEAST_LEVELS} of each, to tell"
            " apart what they do"
        )


def splits(params: Params) -> list[str]:
    """Return the names of the splits, as the models' names end."""
    return list(dict.fromkeys(name.partition("/")[2] for name in params.models))


def correct_by_model(params: Params, predictions: pd.DataFrame) -> dict[str, Correct]:
    """Return which test samples are right, (splits, seeds, samples), by the model of params.yaml.

    predictions: of `read_runs`. Raises InputError if there are no test samples.
    """
    tables = correct_table(predictions)
    if not tables:
        raise InputError("../../data/dataset.npz: has no test samples, whose accuracy differs")
    models = dict.fromkeys(name.partition("/")[0] for name in params.models)
    return {
        model: np.stack([tables[f"{model}/{split}"] for split in splits(params)])
        for model in models
    }


def spread(correct: Correct) -> dict[str, Any]:
    """Return what variance.json holds of a model.

    n (runs), mean (of the accuracy, in percent) and sd (of a run of a new split and a new
    initialisation, in percentage points), then by what is DRAWN the variance, the sd and
    interval_95, of the sd. Where an estimated variance is below 0 the sd is 0.
    """
    components = variance_components(correct)
    of_run = math.fsum(component.variance for component in components.values())
    components[TEST_DIGITS] = variance_over_test_sets(correct)
    return {
        "n": correct.shape[0] * correct.shape[1],
        "mean": 100.0 * int(correct.sum()) / correct.size,
        "sd": _sd(of_run),
        **{
            source: {
                "variance": component.variance,
                "sd": _sd(component.variance),
                "interval_95": [_sd(end) for end in component.interval_95],
            }
            for source, component in components.items()
        },
    }


def _sd(variance: float) -> float:
    return math.sqrt(max(variance, 0.0))


def spread_table(spreads: dict[str, Any]) -> str:
    """Return the spreads as Markdown, SDs in percentage points with their intervals."""
    titles = [source.capitalize() for source in DRAWN]
    rows = [
        [
            model,
            f"{entry['mean']:.2f}",
            f"{entry['sd']:.2f}",
            *(_with_interval(entry[source]) for source in DRAWN),
        ]
        for model, entry in spreads.items()
    ]
    return markdown_table(["Model", "Accuracy", "SD of a run", *titles], rows)


def _with_interval(of_source: dict[str, Any]) -> str:
    low, high = of_source["interval_95"]
    return f"{of_source['sd']:.2f} ({low:.2f} to {high:.2f})"


@mpl.rc_context(STYLE)
def variance_figure(spreads: dict[str, Any]) -> Figure:
    """Draw the SDs by source with their intervals: a panel per group, a colour per variant.

    spreads: of `spread`, by model.
    """
    drawn, left_out = first(spreads, MAX_MODELS, "models")
    groups = by_group(drawn)
    lines = -(-len(groups) // COLUMNS)
    most = max(map(len, groups.values()))
    height = len(DRAWN) * LABEL_HEIGHT * max(most, 2) + 0.5
    figure = Figure(figsize=(9.5, 1.4 + height * lines), layout="constrained")
    panels = figure.subplots(
        lines, min(len(groups), COLUMNS), sharex=True, sharey=True, squeeze=False
    ).flatten()
    for axes in panels[len(groups) :]:
        axes.set_visible(False)
    styles = variant_styles(drawn)
    for axes, (group, models) in zip(panels, groups.items(), strict=False):
        of_group = {group_variant(model)[1]: spreads[model] for model in models}
        _panel(axes, group, of_group, styles)
    panels[0].set_xscale("symlog", linthresh=LINEAR)
    panels[0].set(xlim=(-0.05, MAX_SD), ylim=(len(DRAWN) - 0.5, -0.5))
    panels[0].set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
    panels[0].set_yticks(range(len(DRAWN)), DRAWN)
    for axes in panels[max(0, len(groups) - COLUMNS) : len(groups)]:  # none below
        axes.tick_params(labelbottom=True)
    handles = {
        label: handle
        for axes in panels
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles, loc="outside upper right", ncols=5)
    words = (
        "SD of test accuracy by source (percentage points), with 95 % bootstrap interval;"
        " 0: the estimated variance is not above 0"
    )
    figure.supxlabel(with_notes(words, left_out), fontsize="medium")
    return figure


def _panel(axes: Axes, title: str, variants: dict[str, Any], styles: dict[str, LineStyle]) -> None:
    """Draw a group's SDs: the variants of a source beside each other."""
    places = np.linspace(-0.35, 0.35, len(variants) + 2)[1:-1]
    for shift, (variant, entry) in zip(places, variants.items(), strict=True):
        y, color = np.arange(len(DRAWN)) + shift, styles[variant][0]
        lows, highs = zip(*(entry[source]["interval_95"] for source in DRAWN), strict=True)
        axes.hlines(y, lows, highs, color=color, lw=2)
        sds = [entry[source]["sd"] for source in DRAWN]
        axes.plot(sds, y, "o", color=color, ms=6, clip_on=False, label=variant)
    axes.grid(visible=False, axis="y")
    axes.set_title(title, loc="left")


def main() -> None:
    """Read every run, and write the components of each model's spread."""
    params = load_params()
    check(params)
    runs = read_runs(params, load_dataset(Path("../../data/dataset.npz")))
    by_model = correct_by_model(params, runs.predictions)
    spreads = {model: spread(correct) for model, correct in by_model.items()}
    with (
        replacing(Path("components/variance.json")) as data,
        replacing(Path("components/variance.md")) as table,
        replacing(Path("components/variance.png")) as picture,
    ):
        write_json(data, rounded(spreads))
        write_text(table, spread_table(spreads))
        save_figure(variance_figure(spreads), picture)
    for line in prune_runs(params.models, params.seeds):
        print(line)


if __name__ == "__main__":
    main()
