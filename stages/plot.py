"""Draw the pictures: data/dataset.npz, runs/, metrics/, the data of the plots -> plots/*.png."""

import start

from contextlib import ExitStack
from pathlib import Path

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.dataset import load_dataset
from cnn_from_scratch.experiment.files import replacing
from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.params import load_params
from cnn_from_scratch.experiment.records import read_network
from cnn_from_scratch.report.collapse import collapse_figure
from cnn_from_scratch.report.figures import (
    accuracy_figure,
    confusion_figure,
    dataset_figure,
    loss_figure,
    save_figure,
)
from cnn_from_scratch.report.filters import filters_figure, run_to_draw
from cnn_from_scratch.report.forest import comparisons_figure
from cnn_from_scratch.report.misclassified import misclassified_figure
from cnn_from_scratch.report.outputs import read_metrics, read_rows, read_scores
from cnn_from_scratch.report.runs import read_named_record


def main() -> None:
    """Read what `convert`, `train` and `aggregate` wrote, and draw it."""
    params = load_params()
    models = resolve_models(params)
    dataset = load_dataset()
    scores, statistics = read_scores(), read_metrics("statistics")
    train_loss, confusion = read_rows("train_loss"), read_rows("confusion")
    misclassified = read_rows("misclassified")
    protocol = scores["protocol"].iloc[0]
    model, seed = run_to_draw(scores)
    if model not in models:
        raise InputError(f"metrics/runs.parquet: {model!r} is not in params.yaml; run 'dvc repro'")
    record = read_named_record(params, model, models[model], seed, dataset)
    network = read_network(record, models[model], seed, dataset)
    figures = {
        "plots/accuracy_by_seed.png": accuracy_figure(scores, statistics["models"]),
        "plots/collapse.png": collapse_figure(scores, dataset.num_classes),
        "plots/comparisons.png": comparisons_figure(statistics["comparisons"], protocol),
        "plots/confusion.png": confusion_figure(confusion, protocol),
        "plots/dataset.png": dataset_figure(dataset.X[:, 0], dataset.y),
        "plots/filters.png": filters_figure(network, dataset, model, seed, protocol),
        "plots/loss.png": loss_figure(train_loss, scores["loss_floor"]),
        "plots/misclassified.png": misclassified_figure(misclassified, dataset, protocol),
    }
    with ExitStack() as stack:
        for path, figure in figures.items():
            save_figure(figure, stack.enter_context(replacing(Path(path))))


if __name__ == "__main__":
    main()
