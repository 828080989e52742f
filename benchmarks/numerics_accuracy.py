"""Train the whole study with portable and with native numerics, and compare what comes out.

Usage: python benchmarks/numerics_accuracy.py; writes benchmarks/numerics_accuracy.md. The part of
docs/portability.md that shows this table is made by tools/refresh.py.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from cnn_from_scratch.experiment.dataset import Dataset, load_dataset
from cnn_from_scratch.experiment.models import Model, resolve_models
from cnn_from_scratch.experiment.params import Params, load_params
from cnn_from_scratch.experiment.run import Run, train_run
from cnn_from_scratch.nn.numerics import NumericsName
from cnn_from_scratch.report.measures import mean_and_population_sd

FIRST_EPOCHS = 10


def runs(model: Model, params: Params, dataset: Dataset, numerics: NumericsName) -> list[Run]:
    """Train a model from every seed."""
    split = params.models[model.name].split
    train = replace(params.train, numerics=numerics)
    return [train_run(model, seed, dataset, split, train) for seed in params.seeds]


def accuracy(some: list[Run], split: str) -> str:
    """Return mean and population SD over the runs, in percent."""
    mean, sd = mean_and_population_sd(run.scores[split].accuracy for run in some)
    return f"{100 * mean:.2f} ± {100 * sd:.2f}"


def losses(run: Run) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the training loss of every epoch."""
    return np.array([row.train.loss for row in run.fit.history])


def row(name: str, portable: list[Run], native: list[Run]) -> str:
    """Return a model's row of the table."""
    answers = [[run.predictions["test"].predicted for run in some] for some in (portable, native)]
    differ = np.sum(np.array(answers[0]) != np.array(answers[1]))
    distance = np.array(
        [np.abs(losses(a) - losses(b)) for a, b in zip(portable, native, strict=True)]
    )
    cells = [
        name,
        accuracy(portable, "train"),
        accuracy(native, "train"),
        accuracy(portable, "test"),
        accuracy(native, "test"),
        f"{differ} of {np.array(answers[0]).size}",
        f"{distance[:, : FIRST_EPOCHS + 1].max():.0e}",
        f"{distance.max():.0e}",
        f"{distance[:, -1].max():.0e}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Train everything twice and write the table."""
    params, dataset = load_params(), load_dataset()
    header = (
        "| model | training, portable | training, native | test, portable | test, native |"
        " test answers that differ |"
        f" largest difference in loss, epochs 0-{FIRST_EPOCHS} | any epoch | last epoch |"
    )
    lines = [header, "|" + " --- |" * 9]
    for name, model in resolve_models(params).items():
        portable = runs(model, params, dataset, "portable")
        lines.append(row(name, portable, runs(model, params, dataset, "native")))
    table = "\n".join(lines) + "\n"
    Path(__file__).with_suffix(".md").write_text(table, encoding="utf-8", newline="\n")
    print(table, end="")


if __name__ == "__main__":
    main()
