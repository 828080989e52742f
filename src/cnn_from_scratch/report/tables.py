"""The results table, as Markdown."""

import dataclasses
from typing import Any

import pandas as pd

from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.nn.layers import MaxPool2D
from cnn_from_scratch.nn.optimizers import Optimizer
from cnn_from_scratch.report.names import split_title
from cnn_from_scratch.report.published import PUBLISHED_ACCURACY
from cnn_from_scratch.report.statistics import mean_sd


def results_table(models: dict[str, Model], scores: pd.DataFrame) -> str:
    """Return the published table's columns, our accuracy on every split, and the published one."""
    protocol = scores["protocol"].iloc[0]
    splits = list(dict.fromkeys(scores["split"]))
    titles = [split_title(split, protocol).capitalize() for split in splits]
    header = ["Model", "Activation", "Pool", "Optimizer", *titles, "Published"]
    rows = [
        [
            name,
            model.network.activation,
            _pooling(model),
            _optimizer(model.optimizer),
            *(_accuracy(scores, name, split) for split in splits),
            _published(name),
        ]
        for name, model in models.items()
    ]
    seeds = scores["seed"].nunique()
    return (
        f"Accuracy in percent, mean ± population SD over {_count(seeds, 'seed')}"
        f" (protocol: {protocol}).\n\n"
        + _markdown(header, rows)
        + "".join(f"\n{line}\n" for line in _divergence(scores))
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


def _pooling(model: Model) -> str:
    pools = [layer for layer in model.network.layers(2) if isinstance(layer, MaxPool2D)]
    return ", ".join(f"{p.kernel_size}x{p.kernel_size} max" for p in pools) or "none"


def _optimizer(optimizer: Optimizer) -> str:
    settings = [
        f"{field.name} {getattr(optimizer, field.name):g}"
        for field in dataclasses.fields(optimizer)  # type: ignore[arg-type]
        if field.name != "eps" or optimizer.eps != field.default  # type: ignore[attr-defined]
    ]
    return f"{type(optimizer).__name__} {', '.join(settings)}"


def _divergence(scores: pd.DataFrame) -> list[str]:
    """Return a sentence for every model with diverged runs."""
    runs = scores.drop_duplicates(["model", "seed"])
    counts = runs.groupby("model", sort=False)["diverged"].sum()
    return [
        f"{model}: {_count(int(count), 'run')} diverged and counts as of its last finite epoch."
        for model, count in counts.items()
        if count > 0
    ]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("s" if number != 1 else "")


def _markdown(header: list[str], rows: list[list[Any]]) -> str:
    """Return a Markdown table whose columns also line up as plain text."""
    cells = [header, *rows]
    widths = [max(len(str(row[i])) for row in cells) for i in range(len(header))]

    def line(row: list[Any]) -> str:
        padded = (str(cell).ljust(width) for cell, width in zip(row, widths, strict=True))
        return f"| {' | '.join(padded)} |\n"

    return line(header) + line(["-" * width for width in widths]) + "".join(map(line, rows))
