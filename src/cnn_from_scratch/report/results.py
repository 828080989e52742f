"""Writing what the runs amount to: metrics/ and the data of the plots."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import pandas as pd

from cnn_from_scratch.data.parquet import write_parquet
from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.files import replacing, write_json, write_rows, write_text
from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.report.comparisons import Weights, compare_models, contrast_models
from cnn_from_scratch.report.measures import rounded
from cnn_from_scratch.report.pages import statistics_page
from cnn_from_scratch.report.plot_data import (
    confusion,
    curve,
    misclassified,
    reliability,
    run_curves,
    scores_by_seed,
    shown_predictions,
)
from cnn_from_scratch.report.resampling import correct_table, resampled_means
from cnn_from_scratch.report.runs import Runs
from cnn_from_scratch.report.statistics import model_convergence, model_statistics, summary
from cnn_from_scratch.report.tables import (
    convergence_table,
    differences_table,
    duplicate_notes,
    results_table,
)

CONTRASTS = ("metrics/contrasts.json", "metrics/contrasts.md")
CURVES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")


def write_results(
    models: dict[str, Model], runs: Runs, dataset: Dataset, contrasts: Mapping[str, Weights]
) -> None:
    """Write the results of the models' runs below the current folder, all files or none.

    runs: of exactly these models, trained on the dataset. contrasts: of these models, maybe none.
    The files are metrics/summary.json, statistics.json and .md, results.md, convergence.md,
    runs.parquet, if there are contrasts contrasts.json and .md; and plot_data/<column>.json of
    CURVES, run_curves.json, accuracy_by_seed.json, classes.json (their names, in order),
    confusion.json, predictions/<model>.csv, reliability.json, misclassified.json.
    """
    scores = runs.scores
    resampled = resampled_means(correct_table(runs.predictions))
    statistics = {
        "models": model_statistics(scores, resampled),
        "comparisons": compare_models(scores, resampled),
        "convergence": model_convergence(scores),
    }
    with ExitStack() as stack:

        def new(path: str) -> Path:
            return stack.enter_context(replacing(Path(path)))

        write_json(new("metrics/summary.json"), summary(scores))
        write_json(new("metrics/statistics.json"), rounded(statistics))
        write_text(new("metrics/statistics.md"), statistics_page(scores, **statistics))
        notes = duplicate_notes(dataset, scores["protocol"].iloc[0])
        write_text(new("metrics/results.md"), results_table(models, scores, notes))
        write_text(new("metrics/convergence.md"), convergence_table(statistics["convergence"]))
        write_parquet(new("metrics/runs.parquet"), scores)
        if contrasts:
            effects = contrast_models(scores, contrasts, resampled)
            write_json(new(CONTRASTS[0]), rounded(effects))
            write_text(new(CONTRASTS[1]), differences_table("Effect", "Mean", effects))
        for column in CURVES:
            write_rows(new(f"plot_data/{column}.json"), curve(runs.history, column))
        write_rows(new("plot_data/run_curves.json"), run_curves(runs.history))
        write_rows(new("plot_data/accuracy_by_seed.json"), scores_by_seed(scores))
        write_json(new("plot_data/classes.json"), dataset.class_names)
        write_rows(new("plot_data/confusion.json"), confusion(runs.predictions))
        _write_predictions(new("plot_data/predictions"), runs.predictions)
        write_rows(new("plot_data/reliability.json"), reliability(runs.predictions))
        write_rows(new("plot_data/misclassified.json"), misclassified(runs.predictions))
    if not contrasts:  # no longer
        for name in CONTRASTS:
            Path(name).unlink(missing_ok=True)


def _write_predictions(folder: Path, predictions: pd.DataFrame) -> None:
    """Write <model>.csv, a row per prediction of all seeds, as DVC's confusion matrix takes it."""
    for model, rows in shown_predictions(predictions).groupby("model"):
        file = folder / f"{model}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        rows.to_csv(file, columns=["label", "predicted"], index=False, lineterminator="\n")
