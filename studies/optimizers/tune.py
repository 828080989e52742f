"""Choose each optimizer's learning rate on the validation samples, and report the tuned models.

Usage: python tune.py, in this folder; runs/ -> metrics/, plot_data/ and rates/

The tuned models, named <network>-<optimizer>, get what `aggregate` gives any models; besides them
there are the scores at every rate, what trying fewer rates would have given, and how the test
accuracy of each network's best optimizer, also chosen on the validation samples, differs from the
others'. The rule of every choice is that of report/choosing.py.
"""

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "stages"))

import start

import pandas as pd

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.dataset import load_dataset
from cnn_from_scratch.experiment.files import replacing, write_json, write_text
from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.params import load_params
from cnn_from_scratch.report.choosing import choose_optimizer, choose_rate, means_by_rate
from cnn_from_scratch.report.measures import rounded
from cnn_from_scratch.report.names import by_group
from cnn_from_scratch.report.pictures.style import save_figure
from cnn_from_scratch.report.pictures.tuning import rates_figure, tuning_figure
from cnn_from_scratch.report.pruning import prune_runs
from cnn_from_scratch.report.results import write_results
from cnn_from_scratch.report.runs import Runs, read_runs
from cnn_from_scratch.report.tuning import (
    Trials,
    read_trials,
    sensitivity,
    sensitivity_table,
    tuning_curves,
)


def rates_table(trials: Mapping[str, Trials]) -> pd.DataFrame:
    """Return one row per (model, lr), in order: mean val_accuracy, val_loss and test_accuracy."""
    tables = []
    for model, (validation, test_accuracy) in trials.items():
        accuracy, loss = validation.means()
        columns = {"val_accuracy": accuracy, "val_loss": loss}
        columns["test_accuracy"] = means_by_rate(test_accuracy)
        tables.append(pd.DataFrame({"model": model, "lr": validation.rates, **columns}))
    return pd.concat(tables, ignore_index=True)


def choices(trials: Mapping[str, Trials]) -> tuple[dict[str, str], dict[str, str]]:
    """Return each model's rate, and each network's model at its rate."""
    validations = {model: of_model.validation for model, of_model in trials.items()}
    lrs = {model: choose_rate(validation) for model, validation in validations.items()}
    winners = {
        network: choose_optimizer({name: validations[name] for name in names})
        for network, names in by_group(validations).items()
    }
    return lrs, winners


def tuned(runs: Runs, chosen: Mapping[str, str]) -> Runs:
    """Return the runs of the chosen models, under their new names. chosen: new names by old."""

    def of(table: pd.DataFrame) -> pd.DataFrame:
        rows = table[table["model"].isin(chosen)]
        return rows.assign(model=rows["model"].map(chosen)).reset_index(drop=True)

    return replace(
        runs, scores=of(runs.scores), history=of(runs.history), predictions=of(runs.predictions)
    )


def write_rates(
    trials: Mapping[str, Trials], lrs: Mapping[str, str], winners: Mapping[str, str]
) -> None:
    """Write rates/, all files or none. lrs, winners: chosen, by model and by network."""
    rates = rates_table(trials)
    by_model = {
        str(model): rows.set_index("lr").drop(columns="model").to_dict("index")
        for model, rows in rates.groupby("model", sort=False)
    }
    curves = {model: tuning_curves(of_model) for model, of_model in trials.items()}
    sensitivities = {model: sensitivity(of_model.validation) for model, of_model in trials.items()}
    with ExitStack() as stack:

        def new(name: str) -> Path:
            return stack.enter_context(replacing(Path("rates", name)))

        write_json(new("rates.json"), {"chosen": lrs, "rates": rounded(by_model)})
        write_json(new("winners.json"), winners)
        write_json(new("tuning.json"), rounded(curves))
        write_json(new("sensitivity.json"), rounded(sensitivities))
        write_text(new("sensitivity.md"), sensitivity_table(sensitivities))
        save_figure(rates_figure(rates, lrs), new("rates.png"))
        save_figure(tuning_figure(curves), new("tuning.png"))


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
    trials = read_trials(runs.scores)
    lrs, winners = choices(trials)
    differences = {
        f"{winners[network]} - {other}": {winners[network]: 1.0, other: -1.0}
        for network, names in by_group(lrs).items()
        for other in names
        if other != winners[network]
    }
    chosen = tuned(runs, {f"{model}/{lr}": model for model, lr in lrs.items()})
    tuned_models = {model: models[f"{model}/{lr}"] for model, lr in lrs.items()}
    write_results(tuned_models, chosen, dataset, differences)
    write_rates(trials, lrs, winners)
    for line in prune_runs(models, params.seeds):
        print(line)


if __name__ == "__main__":
    main()
