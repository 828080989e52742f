"""Writing what the runs amount to: metrics/ and the data of the plots."""

from contextlib import ExitStack
from pathlib import Path

from cnn_from_scratch.data.parquet import write_parquet
from cnn_from_scratch.experiment.files import replacing, write_json, write_rows, write_text
from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.report.comparisons import compare_models
from cnn_from_scratch.report.convergence import convergence_table, model_convergence
from cnn_from_scratch.report.runs import Runs
from cnn_from_scratch.report.statistics import (
    confusion,
    curve,
    misclassified,
    model_statistics,
    rounded,
    summary,
)
from cnn_from_scratch.report.statistics_page import statistics_page
from cnn_from_scratch.report.tables import results_table

CURVES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")


def write_results(models: dict[str, Model], runs: Runs) -> None:
    """Write the results of the models' runs below the current folder, all files or none.

    runs: of exactly these models. The files are metrics/summary.json, statistics.json and .md,
    results.md, convergence.md, runs.parquet, and plots/<column>.json of CURVES, confusion.json,
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
        write_text(new("metrics/results.md"), results_table(models, runs.scores))
        write_text(new("metrics/convergence.md"), convergence_table(convergence))
        write_parquet(new("metrics/runs.parquet"), runs.scores)
        for column in CURVES:
            write_rows(new(f"plots/{column}.json"), curve(runs.history, column))
        write_rows(new("plots/confusion.json"), confusion(runs.predictions))
        write_rows(new("plots/misclassified.json"), misclassified(runs.predictions))
