"""Aggregate the runs that params.yaml names: runs/ -> metrics/ and the data of the plots."""

import sys
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from cnn_from_scratch import one_line_errors

one_line_errors()

from cnn_from_scratch.data.parquet import write_parquet
from cnn_from_scratch.experiment.files import replacing, write_json, write_rows, write_text
from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.params import load_params
from cnn_from_scratch.report.comparisons import compare_models
from cnn_from_scratch.report.runs import prune_runs, read_runs
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


def main() -> None:
    """Read every named run, write what they amount to, and delete the runs no longer named."""
    params = load_params()
    models = resolve_models(params)
    runs = read_runs(models, params.seeds)
    statistics = model_statistics(runs.scores)
    comparisons = compare_models(runs.scores)
    with ExitStack() as stack:

        def new(path: str) -> Path:
            return stack.enter_context(replacing(Path(path)))

        write_json(new("metrics/summary.json"), summary(runs.scores))
        both = {"models": statistics, "comparisons": comparisons}
        write_json(new("metrics/statistics.json"), rounded(both))
        page = statistics_page(runs.scores, statistics, comparisons)
        write_text(new("metrics/statistics.md"), page)
        write_text(new("metrics/results.md"), results_table(models, runs.scores))
        write_parquet(new("metrics/runs.parquet"), runs.scores)
        for column in CURVES:
            write_rows(new(f"plots/{column}.json"), curve(runs.history, column))
        write_rows(new("plots/confusion.json"), confusion(runs.predictions))
        write_rows(new("plots/misclassified.json"), misclassified(runs.predictions))
    for folder in prune_runs(models, params.seeds):
        print(f"{folder}: no longer named in params.yaml, deleted")


if __name__ == "__main__":
    main()
