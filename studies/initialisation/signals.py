"""The signals of the untrained networks, and the units that are dead before and after training.

Usage: python signals.py, in this folder;
../../data/dataset.npz, runs/ -> signals/signals.json, .md and .png
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "stages"))

import start

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.experiment.backends import backend_for
from cnn_from_scratch.experiment.dataset import Dataset, load_dataset
from cnn_from_scratch.experiment.diagnostics import diagnose
from cnn_from_scratch.experiment.files import replacing, write_json, write_text
from cnn_from_scratch.experiment.models import Model, resolve_models
from cnn_from_scratch.experiment.params import Params, load_params
from cnn_from_scratch.experiment.run import build_network
from cnn_from_scratch.experiment.splits import run_split
from cnn_from_scratch.experiment.streams import Purpose
from cnn_from_scratch.nn.backend import Backend
from cnn_from_scratch.nn.layers import Conv2D
from cnn_from_scratch.nn.network import Sequential
from cnn_from_scratch.nn.numerics import using
from cnn_from_scratch.report.measures import mean_and_population_sd, rounded
from cnn_from_scratch.report.names import group_variant
from cnn_from_scratch.report.pictures.style import (
    MAX_MODELS,
    STYLE,
    first,
    line_styles,
    save_figure,
    with_notes,
)
from cnn_from_scratch.report.runs import read_named_record
from cnn_from_scratch.report.tables import markdown_table

COLUMNS = 3  # of panels
LAYERS_NAMED = 4  # of a panel, about


def variances(network: Sequential, x: Array) -> list[float]:
    """Return the variance of the pixels x, then of each convolution's output, before activation.

    Over samples, channels and places.
    """
    result = [mean_and_population_sd(x.ravel().tolist())[1] ** 2]
    for layer, params in zip(network.layers, network.params, strict=True):
        x, _ = layer.forward(params, x)
        if isinstance(layer, Conv2D):
            result.append(mean_and_population_sd(x.ravel().tolist())[1] ** 2)
    return result


def of_model(
    name: str, model: Model, params: Params, dataset: Dataset, backend: Backend
) -> dict[str, Any]:
    """Return what signals.json holds of a model.

    variances: of the pixels and of each convolution's output, each with mean, population_sd, min
    and max over the seeds. activations: for each layer of them its kind and number of units, and
    before and after training the mean number of dead ones (ReLU), or the mean share of saturated
    outputs.
    """
    own = params.models[name]
    by_seed, before, after = [], [], []
    for seed in params.seeds:
        chosen, _ = run_split(dataset, own.split, seed)
        init_seed = own.train.seed_of(Purpose.INIT, seed)
        network = build_network(model, init_seed, dataset, backend)
        x = dataset.pixels[chosen]
        by_seed.append(variances(network, x))
        before.append([vars(units) for units in diagnose(network, x).activations])
        record = read_named_record(params, name, model, seed, dataset)
        after.append(json.loads(record["result.json"])["diagnostics"]["activations"])
    return {
        "variances": [spread(values) for values in zip(*by_seed, strict=True)],
        "activations": [
            {key: units[key] for key in ("kind", "units")}
            | {"before": mean_share(before, i), "after": mean_share(after, i)}
            for i, units in enumerate(before[0])
        ],
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return mean, population_sd, min and max."""
    mean, population_sd = mean_and_population_sd(values)
    return {"mean": mean, "population_sd": population_sd, "min": min(values), "max": max(values)}


def mean_share(diagnoses: list[list[dict[str, Any]]], layer: int) -> dict[str, float]:
    """Return the mean over seeds of a layer's dead units, or of its saturated outputs' share."""
    key = "saturated" if diagnoses[0][layer]["dead"] is None else "dead"
    return {key: mean_and_population_sd(diagnosis[layer][key] for diagnosis in diagnoses)[0]}


def signals_table(signals: dict[str, Any]) -> str:
    """Return the signals as Markdown: variances as mean ± SD, then dead units or saturation."""
    header = ["Model", "Variance at conv 1", "conv 2", "conv 3", "Dead or saturated", "trained"]
    rows = []
    for name, entry in signals.items():
        cells = [f"{v['mean']:.3f} ± {v['population_sd']:.3f}" for v in entry["variances"][1:]]
        states = [
            "; ".join(in_words(layer, when) for layer in entry["activations"])
            for when in ("before", "after")
        ]
        rows.append([name, *cells, *["-"] * (3 - len(cells)), *states])
    return markdown_table(header, rows)


def in_words(layer: dict[str, Any], when: str) -> str:
    """Return a layer's mean number of dead units, or its share of saturated outputs."""
    [(key, value)] = layer[when].items()
    return f"{value:.1f} of {layer['units']} dead" if key == "dead" else f"{100 * value:.0f} %"


@mpl.rc_context(STYLE)
def signals_figure(signals: dict[str, Any]) -> Figure:
    """Draw the variance along the network, one panel per network and activation."""
    groups: dict[str, dict[str, Any]] = {}
    drawn, left_out = first(signals, MAX_MODELS, "models")
    for name in drawn:
        group, initializer = group_variant(name)
        groups.setdefault(group, {})[initializer] = signals[name]["variances"]
    rows = -(-len(groups) // COLUMNS)
    figure = Figure(figsize=(9.0, 2.8 * max(rows, 2)), layout="constrained")
    panels = figure.subplots(rows, min(len(groups), COLUMNS), sharey=True, squeeze=False).flatten()
    for axes in panels[len(groups) :]:
        axes.set_visible(False)
    for axes, (group, lines) in zip(panels, groups.items(), strict=False):
        _panel(axes, group, lines)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 5))
    figure.supylabel("variance of the signal (before activation)")
    title = "Untrained networks: mean over seeds, bars from the lowest to the highest"
    figure.suptitle(with_notes(title, left_out))
    return figure


def _panel(axes: Axes, title: str, lines: dict[str, Any]) -> None:
    for place, ((initializer, rows), (color, dash)) in enumerate(
        zip(lines.items(), line_styles(), strict=False)
    ):
        mean, low, high = (np.array([row[key] for row in rows]) for key in ("mean", "min", "max"))
        x = np.arange(len(mean)) + 0.06 * (place - 2)  # beside each other, so that bars are seen
        bars = np.array([mean - low, high - mean])
        axes.errorbar(x, mean, bars, color=color, linestyle=dash, lw=1.4, marker="o", ms=3,
                      label=initializer)  # fmt: skip
    layers = ["pixels", *(f"conv {i}" for i in range(1, len(mean)))]
    places = range(0, len(layers), -(-len(layers) // LAYERS_NAMED))
    axes.set_xticks(places, [layers[place] for place in places])
    axes.set_title(title, loc="left")
    axes.set_yscale("log")


def main() -> None:
    """Build every untrained network, read the trained ones' diagnostics, and write both."""
    params, dataset = load_params(), load_dataset(Path("../../data/dataset.npz"))
    backend = backend_for(params.train)
    with using(backend.numerics):
        signals = rounded(
            {
                name: of_model(name, model, params, dataset, backend)
                for name, model in resolve_models(params).items()
            }
        )
    with (
        replacing(Path("signals/signals.json")) as data,
        replacing(Path("signals/signals.md")) as table,
        replacing(Path("signals/signals.png")) as picture,
    ):
        write_json(data, signals)
        write_text(table, signals_table(signals))
        save_figure(signals_figure(signals), picture)


if __name__ == "__main__":
    main()
