"""The tables, as Markdown: the results, the convergence, the contrasts.

The published figures, to stand beside ours, are from S.-W. Lee 2025, "CNN-from-Scratch: A Minimal
NumPy Implementation for 6 x 6 Digit Classification", its table: mean and population SD of the
accuracy in percent over ten seeds, measured on the 96 samples that the networks were trained on.
"""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import pandas as pd

from cnn_from_scratch.data.duplicates import count_duplicates
from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.nn.layers import Activation, AvgPool2D, MaxPool2D
from cnn_from_scratch.nn.optimizers import Optimizer
from cnn_from_scratch.nn.schedules import Schedule
from cnn_from_scratch.nn.training import CONSTANT
from cnn_from_scratch.report.measures import MEASURES, Measure, told_in
from cnn_from_scratch.report.names import split_title
from cnn_from_scratch.report.statistics import WITH_SAMPLES, by_model, over_seeds

PUBLISHED_ACCURACY = {
    "S-SGD": (96.25, 0.51),
    "S-RMS": (93.33, 2.80),
    "S-Adam": (99.06, 0.98),
    "E-RMS": (83.13, 16.67),
    "E-Adam": (82.71, 21.91),
}
WITH_SAMPLES_TITLE = "With samples"  # of the column of intervals_95_with_samples
# Named in the table only where they are not the default.
SELDOM_CHANGED = ("eps", "weight_decay")  # of an optimizer


def results_table(models: dict[str, Model], scores: pd.DataFrame, notes: list[str]) -> str:
    """Return the published table's columns, our accuracy on every split, and the published one.

    The last column is left out if none of the models is a published one. The other measures that
    are told in the results follow, each in a table of its own. notes: sentences to stand below.
    """
    protocol = scores["protocol"].iloc[0]
    splits = list(dict.fromkeys(scores["split"]))
    titles = [split_title(split, protocol).capitalize() for split in splits]
    published = ["Published"] if any(name in PUBLISHED_ACCURACY for name in models) else []
    header = ["Model", "Activation", "Pool", "Optimizer", *titles, *published]
    accuracy = MEASURES["accuracy"]
    rows = [
        [
            name,
            _activation(model),
            _pooling(model),
            _optimizer(model),
            *(_cell(scores, "accuracy", name, split) for split in splits),
            *(_published(name) for _ in published),
        ]
        for name, model in models.items()
    ]
    seeds = scores["seed"].nunique()
    return (
        f"{accuracy.heading}, mean ± population SD over {count(seeds, 'seed')}"
        f" (protocol: {protocol}).\n\n"
        + markdown_table(header, rows)
        + "".join(_further_tables(models, scores, dict(zip(splits, titles, strict=True))))
        + "".join(f"\n{line}\n" for line in [*_divergence(scores), *notes])
    )


def _further_tables(
    models: Iterable[str], scores: pd.DataFrame, titles: dict[str, str]
) -> Iterator[str]:
    """Yield a table for each measure but the accuracy. titles: of the splits."""
    for name, measure in told_in("results", by_split=True).items():
        if name == "accuracy":
            continue
        there = set(scores.dropna(subset=[name])["split"])
        rows = [
            [model, *(_cell(scores, name, model, split) for split in titles if split in there)]
            for model in models
        ]
        header = ["Model", *(title for split, title in titles.items() if split in there)]
        yield f"\n{measure.heading}.\n\n{markdown_table(header, rows)}"
    for name, measure in told_in("results", by_split=False).items():
        one = {name: measure}
        yield f"\n{measure.heading}.\n\n{_runs_table(one, by_model(scores, one))}"


def _cell(scores: pd.DataFrame, name: str, model: str, split: str) -> str:
    chosen = scores[(scores["model"] == model) & (scores["split"] == split)]
    (cell,) = told_cells(MEASURES[name], over_seeds(name, chosen), len(chosen)).values()
    return cell


def told_cells(measure: Measure, told: Any, n: int) -> dict[str, str]:
    """Return what `over_seeds` tells of n runs, in words, each under its heading."""
    if measure.over_seeds == "count":
        return {measure.label: f"{told} of {n}"}
    if measure.over_seeds == "arrival":
        median = told["kaplan_meier_median"]
        return {
            f"Expected {measure.title}": measure.text(told["expected"]),
            f"Median {measure.title}": f"> {told['followed_to']:g}"
            if median is None
            else f"{median:g}",
        }
    if told is None:
        return {measure.label: measure.text(None)}
    mean, sd = measure.text(told["mean"]), measure.text(told["population_sd"])
    return {measure.label: f"{mean} ± {sd}"}


def _published(model: str) -> str:
    if model not in PUBLISHED_ACCURACY:
        return "-"
    mean, sd = PUBLISHED_ACCURACY[model]
    return f"{mean:.2f} ± {sd:.2f}"


def _activation(model: Model) -> str:
    layers = model.architecture.layers(2)
    names = [type(layer).__name__ for layer in layers if isinstance(layer, Activation)]
    return ", ".join(dict.fromkeys(names)) or "none"


def _pooling(model: Model) -> str:
    pools = []
    for layer in model.architecture.layers(2):
        if isinstance(layer, MaxPool2D):
            pools.append(f"{layer.kernel_size}x{layer.kernel_size} max")
        elif isinstance(layer, AvgPool2D):
            pools.append(f"{layer.kernel_size}x{layer.kernel_size} average")
    return ", ".join(pools) or "none"


def _optimizer(model: Model) -> str:
    """Return the optimizer in words, such as 'SGD lr 0.9', and the schedule, if it has one."""
    told = " ".join([type(model.optimizer).__name__, _settings(model.optimizer, SELDOM_CHANGED)])
    if model.schedule == CONSTANT:
        return told
    names = {field.name for field in dataclasses.fields(model.schedule)}
    changed = _settings(model.schedule, names)
    return f"{told}; {type(model.schedule).__name__} schedule" + (changed and f", {changed}")


def _settings(thing: Optimizer | Schedule, seldom_changed: Collection[str]) -> str:
    """Return a dataclass's settings, such as 'lr 0.9'; the seldom changed, if they are changed."""
    return ", ".join(
        f"{field.name} {_plain(getattr(thing, field.name))}"
        for field in dataclasses.fields(thing)  # type: ignore[arg-type]
        if field.name not in seldom_changed or getattr(thing, field.name) != field.default
    )


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


def convergence_table(convergence: dict[str, Any]) -> str:
    """Return the result of `model_convergence` as Markdown, with the columns of each measure."""
    return _runs_table(told_in("statistics", by_split=False), convergence)


def _runs_table(measures: dict[str, Measure], told: dict[str, dict[str, Any]]) -> str:
    """Return what `by_model` tells as Markdown, with a row per model."""
    rows = [
        {"Model": model}
        | {
            heading: cell
            for name, measure in measures.items()
            for heading, cell in told_cells(measure, entry[measure.key or name], entry["n"]).items()
        }
        for model, entry in told.items()
    ]
    return markdown_table(list(rows[0]), [list(row.values()) for row in rows])


def differences_table(what: str, mean: str, rows: dict[str, dict[str, Any]]) -> str:
    """Return rows of `contrast_models` as Markdown, in percentage points.

    what, mean: the headings of the rows' names and of their means. The interval with samples has a
    column if there is one.
    """
    columns: dict[str, Callable[[dict[str, Any]], str]] = {
        mean: lambda row: _points(row["mean"]),
        "95 % interval": lambda row: interval_text(_points, row["interval_95"]),
        WITH_SAMPLES_TITLE: lambda row: interval_text(_points, row[WITH_SAMPLES]),
        "P(> 0)": lambda row: _probability(
            row["probability_better"], row["probability_interval_95"]
        ),
        "p": lambda row: _p(row["p"]),
        "p (Holm)": lambda row: _p(row["p_holm"]),
        "Seeds needed": lambda row: _seeds(row["seeds_needed"]),
        "(Holm)": lambda row: _seeds(row["seeds_needed_holm"]),
    }
    if all(row[WITH_SAMPLES] is None for row in rows.values()):
        del columns[WITH_SAMPLES_TITLE]
    cells = [[name, *(text(row) for text in columns.values())] for name, row in rows.items()]
    return markdown_table([what, *columns], cells)


def interval_text(text: Callable[[float], str], interval: list[float] | None) -> str:
    """Return an interval, if there is one, in words. text: makes some of a number."""
    return " to ".join(map(text, interval)) if interval else "-"


def _probability(share: float, interval: list[float]) -> str:
    return f"{share:.2f} ({interval_text('{:.2f}'.format, interval)})"


def _seeds(needed: int | None) -> str:
    return "-" if needed is None else f"{needed:,}"


def _points(difference: float) -> str:
    return f"{100 * difference:+.2f}"


def _p(p: float) -> str:
    return f"{p:.4f}" if p >= 0.0001 else "< 0.0001"


def duplicate_notes(dataset: Dataset, protocol: str) -> list[str]:
    """Return a sentence on the test samples, and one on the samples of a split, if any are twice.

    Under the protocol resubstitution nothing is held out, so that there is no split to speak of.
    """
    found = count_duplicates(dataset.X, dataset.X_test)
    notes = []
    if dataset.X_test is not None and found.tested:
        notes.append(
            f"{found.tested} of {len(dataset.X_test)} test samples have the same image as a sample"
            " to train or validate on: they don't tell how well a model does on new ones."
        )
    if found.within and protocol.startswith("holdout"):
        notes.append(
            f"{found.within} of {len(dataset.X)} samples to train or validate on have the same"
            " image as another one: a split can train on one and validate on the other."
        )
    return notes


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
