"""How fast the models learn their training samples, from the runs' histories."""

from typing import Any

import numpy as np
import pandas as pd

from cnn_from_scratch.report.moments import mean_sd
from cnn_from_scratch.report.statistics import by_seed
from cnn_from_scratch.report.tables import markdown_table

LEARNT = 0.95  # of the training samples right: from then on a run counts as having learnt them


def run_convergence(history: pd.DataFrame) -> pd.DataFrame:
    """Return one row per (model, seed): epochs_to_95, and loss_area in nats x epochs.

    history: of `Runs`. epochs_to_95: the first epoch e with train_accuracy >= 0.95, NaN if there
    is none. loss_area: that under the training loss L, sum over e of (L_(e-1) + L_e) / 2 from epoch
    0 to the last one of the model's runs; a run that ended before keeps its last loss.
    """
    tables = []
    for model, of_model in history.groupby("model", sort=False):
        losses = by_seed(of_model, "train_loss")
        learnt = of_model[of_model["train_accuracy"] >= LEARNT]
        table = pd.DataFrame(
            {
                "model": model,
                "seed": losses.columns,
                "epochs_to_95": learnt.groupby("seed")["epoch"].min().reindex(losses.columns),
                "loss_area": np.trapezoid(losses.to_numpy(), losses.index, axis=0),
            }
        )
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def model_convergence(history: pd.DataFrame) -> dict[str, Any]:
    """Return the convergence of each model's n runs, by model.

    Keys: n; reached_95, the number of runs that got to 95 % training accuracy;
    median_epochs_to_95, over those runs alone, None if there are none; loss_area.mean and
    .population_sd, in nats x epochs, over all runs.
    """
    result: dict[str, Any] = {}
    for model, runs in run_convergence(history).groupby("model", sort=False):
        epochs = runs["epochs_to_95"].dropna()
        mean, sd = mean_sd(runs["loss_area"])
        result[str(model)] = {
            "n": len(runs),
            "reached_95": len(epochs),
            "median_epochs_to_95": float(epochs.median()) if len(epochs) else None,
            "loss_area": {"mean": mean, "population_sd": sd},
        }
    return result


def convergence_table(convergence: dict[str, Any]) -> str:
    """Return the result of `model_convergence` as Markdown."""
    rows = [
        [
            model,
            f"{entry['reached_95']} of {entry['n']}",
            "-" if entry["median_epochs_to_95"] is None else f"{entry['median_epochs_to_95']:g}",
            f"{entry['loss_area']['mean']:.2f} ± {entry['loss_area']['population_sd']:.2f}",
        ]
        for model, entry in convergence.items()
    ]
    header = ["Model", "Runs that reached 95 %", "Median epochs to 95 %", "Loss area"]
    return markdown_table(header, rows)
