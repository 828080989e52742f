"""Writing what the runs amount to: metrics/ and the data of the plots."""

from contextlib import ExitStack
from pathlib import Path

import pandas as pd

from cnn_from_scratch.data.parquet import write_parquet
from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.files import replacing, write_json, write_rows, write_text
from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.report.comparisons import compare_models
from cnn_from_scratch.report.convergence import convergence_table, model_convergence
from cnn_from_scratch.report.duplicates import duplicate_notes
from cnn_from_scratch.report.plot_data import (
    accuracies,
    confusion,
    curve,
    misclassified,
    run_curves,
    shown_predictions,
)
from cnn_from_scratch.report.runs import Runs
from cnn_from_scratch.report.statistics import model_statistics, rounded, summary
from cnn_from_scratch.report.statistics_page import statistics_page
from cnn_from_scratch.report.tables import results_table

CURVES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")


def write_results(models: dict[str, Model], runs: Runs, dataset: Dataset) -> None:
    """Write the results of the models' runs below the current folder, all files or none.

    runs: of exactly these models, trained on the dataset. The files are metrics/summary.json,
    statistics.json and .md, results.md, convergence.md, runs.parquet, and plots/<column>.json of
    CURVES, run_curves.json, accuracy_by_seed.json, confusion.json, predictions/<model>.csv,
    misclassified.json.
    """
    statistics = model_statistics(runs.scores)
    comparisons = compare_models(runs.scores)
    convergence = model_convergence(runs.history)
    with ExitStack() as stack:

        def new(path: str) -> Path:
            return stack.enter_context(replacing(Path(path)))

        write_json(new("metrics/summary.json"), summary(runs.scores))
        everything = {
            "models": statistics,
            "comparisons": comparisons,
            "convergence": convergence,
        }
        write_json(new("metrics/statistics.json"), rounded(everything))
        page = statistics_page(runs.scores, statistics, comparisons, convergence)
        write_text(new("metrics/statistics.md"), page)
        notes = duplicate_notes(dataset, runs.scores["protocol"].iloc[0])
        write_text(new("metrics/results.md"), results_table(models, runs.scores, notes))
        write_text(new("metrics/convergence.md"), convergence_table(convergence))
        write_parquet(new("metrics/runs.parquet"), runs.scores)
        for column in CURVES:
            write_rows(new(f"plots/{column}.json"), curve(runs.history, column))
        write_rows(new("plots/run_curves.json"), run_curves(runs.history))
        write_rows(new("plots/accuracy_by_seed.json"), accuracies(runs.scores))
        write_rows(new("plots/confusion.json"), confusion(runs.predictions))
        _write_predictions(new("plots/predictions"), runs.predictions)
        write_rows(new("plots/misclassified.json"), misclassified(runs.predictions))


def _write_predictions(folder: Path, predictions: pd.DataFrame) -> None:
    """Write <model>.csv, a row per prediction of all seeds, as DVC's confusion matrix takes it."""
    for model, rows in shown_predictions(predictions).groupby("model"):
        file = folder / f"{model}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        rows.to_csv(file, columns=["label", "predicted"], index=False, lineterminator="\n")
