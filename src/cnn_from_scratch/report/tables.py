"""The results table, as Markdown."""

import dataclasses
from typing import Any

import pandas as pd

from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.nn.layers import Activation, AvgPool2D, MaxPool2D
from cnn_from_scratch.nn.optimizers import Optimizer
from cnn_from_scratch.nn.schedules import Schedule
from cnn_from_scratch.nn.training import CONSTANT
from cnn_from_scratch.report.moments import mean_sd
from cnn_from_scratch.report.names import split_title
from cnn_from_scratch.report.published import PUBLISHED_ACCURACY

SELDOM_CHANGED = ("eps", "weight_decay", "warmup_epochs")  # named in the table only where they are


def results_table(models: dict[str, Model], scores: pd.DataFrame, notes: list[str]) -> str:
    """Return the published table's columns, our accuracy on every split, and the published one.

    The last column is left out if none of the models is a published one. notes: sentences to stand
    below the table.
    """
    protocol = scores["protocol"].iloc[0]
    splits = list(dict.fromkeys(scores["split"]))
    titles = [split_title(split, protocol).capitalize() for split in splits]
    published = ["Published"] if any(name in PUBLISHED_ACCURACY for name in models) else []
    header = ["Model", "Activation", "Pool", "Optimizer", *titles, *published]
    rows = [
        [
            name,
            _activation(model),
            _pooling(model),
            _optimizer(model),
            *(_accuracy(scores, name, split) for split in splits),
            *(_published(name) for _ in published),
        ]
        for name, model in models.items()
    ]
    seeds = scores["seed"].nunique()
    return (
        f"Accuracy in percent, mean ± population SD over {count(seeds, 'seed')}"
        f" (protocol: {protocol}).\n\n"
        + markdown_table(header, rows)
        + "".join(f"\n{line}\n" for line in [*_divergence(scores), *notes])
    )


def _accuracy(scores: pd.DataFrame, model: str, split: str) -> str:
    chosen = scores[(scores["model"] == model) & (scores["split"] == split)]
    mean, sd = mean_sd(chosen["accuracy"])
    return f"{100 * mean:.2f} ± {100 * sd:.2f}"


def _published(model: str) -> str:
    if model not in PUBLISHED_ACCURACY:
        return "-"
    mean, sd = PUBLISHED_ACCURACY[model]
    return f"{mean:.2f} ± {sd:.2f}"


def _activation(model: Model) -> str:
    layers = model.network.layers(2)
    names = [type(layer).__name__ for layer in layers if isinstance(layer, Activation)]
    return ", ".join(dict.fromkeys(names)) or "none"


def _pooling(model: Model) -> str:
    pools = []
    for layer in model.network.layers(2):
        if isinstance(layer, MaxPool2D):
            pools.append(f"{layer.kernel_size}x{layer.kernel_size} max")
        elif isinstance(layer, AvgPool2D):
            pools.append(f"{layer.kernel_size}x{layer.kernel_size} average")
    return ", ".join(pools) or "none"


def _optimizer(model: Model) -> str:
    schedule = "" if model.schedule == CONSTANT else f"; {_settings(model.schedule)} schedule"
    return _settings(model.optimizer) + schedule


def _settings(thing: Optimizer | Schedule) -> str:
    """Return a dataclass in words, such as 'SGD lr 0.9'."""
    settings = [
        f"{field.name} {_plain(getattr(thing, field.name))}"
        for field in dataclasses.fields(thing)  # type: ignore[arg-type]
        if field.name not in SELDOM_CHANGED or getattr(thing, field.name) != field.default
    ]
    return f"{type(thing).__name__} {', '.join(settings)}"


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _divergence(scores: pd.DataFrame) -> list[str]:
    """Return a sentence for every model with diverged runs."""
    runs = scores.drop_duplicates(["model", "seed"])
    counts = runs.groupby("model", sort=False)["diverged"].sum()
    return [
        f"{model}: {count(int(diverged), 'run')} diverged; what counts is the last finite epoch."
        for model, diverged in counts.items()
        if diverged > 0
    ]


def count(number: int, noun: str) -> str:
    """Return a number of things in words, such as '2 seeds'."""
    return f"{number} {noun}" + ("s" if number != 1 else "")


def markdown_table(header: list[str], rows: list[list[Any]]) -> str:
    """Return a Markdown table whose columns also line up as plain text."""
    cells = [header, *rows]
    widths = [max(len(str(row[i])) for row in cells) for i in range(len(header))]

    def line(row: list[Any]) -> str:
        padded = (str(cell).ljust(width) for cell, width in zip(row, widths, strict=True))
        return f"| {' | '.join(padded)} |\n"

    return line(header) + line(["-" * width for width in widths]) + "".join(map(line, rows))
