"""Choose each optimizer's learning rate on the validation samples, and report the tuned models.

Usage: python tune.py, in this folder; runs/ -> metrics/, plot_data/ and rates/

The tuned models, named <network>-<optimizer>, get what `aggregate` gives any models; besides them
there are the scores at every rate, and how the test accuracy of each network's best optimizer, also
chosen on the validation samples, differs from the others'.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "stages"))

import start

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.dataset import load_dataset
from cnn_from_scratch.experiment.files import replacing, write_json
from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.params import load_params
from cnn_from_scratch.report.measures import MEASURES, mean_and_population_sd, rounded
from cnn_from_scratch.report.names import by_group
from cnn_from_scratch.report.pictures.style import (
    LABEL_HEIGHT,
    MAX_MODELS,
    STYLE,
    first,
    line_styles,
    save_figure,
    stay_within,
    with_notes,
)
from cnn_from_scratch.report.pruning import prune_runs
from cnn_from_scratch.report.results import write_results
from cnn_from_scratch.report.runs import Runs, read_runs

COLUMNS = 2  # of panels


def rates_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Return one row per (model, lr), in order: mean val_accuracy, val_loss and test_accuracy."""
    mean: dict[str, list[Any]] = {}
    for (name, split), rows in scores.groupby(["model", "split"], sort=False):
        for measure in ("accuracy", "loss"):
            mean.setdefault(f"{split}_{measure}", []).append(
                mean_and_population_sd(rows[measure])[0]
            )
        if split == "val":
            model, _, lr = str(name).partition("/")
            mean.setdefault("model", []).append(model)
            mean.setdefault("lr", []).append(lr)
    columns = ["model", "lr", "val_accuracy", "val_loss", "test_accuracy"]
    return pd.DataFrame(mean)[columns]


def best(rates: pd.DataFrame) -> Any:
    """Return the row of the highest validation accuracy; of equal ones that of the lowest loss."""
    order = rates.assign(val_accuracy=rates["val_accuracy"].round(9))  # the same number of samples
    return order.sort_values(["val_accuracy", "val_loss"], ascending=[False, True]).iloc[0]


def tuned(runs: Runs, chosen: dict[str, str]) -> Runs:
    """Return the runs of the chosen models, under their new names. chosen: new names by old."""

    def of(table: pd.DataFrame) -> pd.DataFrame:
        rows = table[table["model"].isin(chosen)]
        return rows.assign(model=rows["model"].map(chosen)).reset_index(drop=True)

    return replace(
        runs, scores=of(runs.scores), history=of(runs.history), predictions=of(runs.predictions)
    )


@mpl.rc_context(STYLE)
def rates_figure(rates: pd.DataFrame) -> Figure:
    """Draw mean validation accuracy by learning rate: a panel per network, a line per optimizer.

    rates: of `rates_table`; a filled dot is the chosen rate.
    """
    drawn, left_out = first(dict.fromkeys(rates["model"]), MAX_MODELS, "models")
    groups = by_group(drawn)
    lines = -(-len(groups) // COLUMNS)
    height = max(2.8 * lines, LABEL_HEIGHT * max(map(len, groups.values())) + 1.0, 4.2)
    figure = Figure(figsize=(9.0, height), layout="constrained")
    panels = figure.subplots(
        lines, min(len(groups), COLUMNS), sharex=True, sharey=True, squeeze=False
    ).flatten()
    for axes in panels[len(groups) :]:
        axes.set_visible(False)
    for axes, (group, models) in zip(panels, groups.items(), strict=False):
        for model, (color, dash) in zip(models, line_styles(), strict=False):
            rows = rates[rates["model"] == model]
            x = rows["lr"].astype(float)
            axes.plot(x, rows["val_accuracy"], color=color, linestyle=dash, marker="o", ms=4,
                      mfc="white", label=model.removeprefix(f"{group}-"))  # fmt: skip
            chosen = best(rows)
            axes.plot(float(chosen["lr"]), chosen["val_accuracy"], "o", color=color, ms=7)
        axes.set(xscale="log", xlabel="learning rate", title=f"network {group}")
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    accuracy = MEASURES["accuracy"]
    stay_within(panels[0], "y", (accuracy.low, accuracy.high))
    panels[0].set_ylabel(with_notes("validation accuracy, mean over seeds", left_out))
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", title="filled: chosen")
    return figure


def main() -> None:
    """Read every run, choose, and write the results of the chosen ones."""
    params = load_params()
    models = resolve_models(params)
    for name in models:
        if "/" not in name:
            raise InputError(f"params.yaml: models.{name}.optimizer.lr: expected a list of rates")
    if len(params.seeds) < 2:
        raise InputError("params.yaml: seeds: expected at least two, to compare models by")
    dataset = load_dataset(Path("../../data/dataset.npz"))
    runs = read_runs(params, dataset)
    rates = rates_table(runs.scores)
    choices = {str(model): best(rows) for model, rows in rates.groupby("model", sort=False)}
    lrs = {model: row["lr"] for model, row in choices.items()}
    chosen = tuned(runs, {f"{model}/{lr}": model for model, lr in lrs.items()})
    winners = {
        network: best(pd.DataFrame([choices[model] for model in names]))["model"]
        for network, names in by_group(choices).items()
    }
    differences = {
        f"{winners[network]} - {other}": {winners[network]: 1.0, other: -1.0}
        for network, names in by_group(choices).items()
        for other in names
        if other != winners[network]
    }
    tuned_models = {model: models[f"{model}/{lr}"] for model, lr in lrs.items()}
    write_results(tuned_models, chosen, dataset, differences)
    with (
        replacing(Path("rates/rates.json")) as of_rates,
        replacing(Path("rates/winners.json")) as of_winners,
        replacing(Path("rates/rates.png")) as picture,
    ):
        by_model = {
            str(model): rows.set_index("lr").drop(columns="model").to_dict("index")
            for model, rows in rates.groupby("model", sort=False)
        }
        write_json(of_rates, {"chosen": lrs, "rates": rounded(by_model)})
        write_json(of_winners, winners)
        save_figure(rates_figure(rates), picture)
    for line in prune_runs(models, params.seeds):
        print(line)


if __name__ == "__main__":
    main()
