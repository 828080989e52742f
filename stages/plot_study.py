"""Draw a study's pictures, those that are named, in its folder: metrics/, plots/*.json -> *.png."""

import start

import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.files import replacing
from cnn_from_scratch.report.collapse import collapse_figure
from cnn_from_scratch.report.figures import save_figure
from cnn_from_scratch.report.outputs import read_metrics, read_rows, read_scores
from cnn_from_scratch.report.study_figures import loss_panels_figure, scores_figure


@dataclass(frozen=True)
class Results:
    """What `aggregate` wrote."""

    scores: pd.DataFrame
    statistics: dict[str, Any]
    train_loss: pd.DataFrame
    confusion: pd.DataFrame


def _scores(results: Results) -> Figure:
    return scores_figure(results.scores, results.statistics["models"])


def _losses(results: Results) -> Figure:
    floors = dict(zip(results.scores["model"], results.scores["loss_floor"], strict=True))
    return loss_panels_figure(results.train_loss, floors)


def _collapse(results: Results) -> Figure:
    num_classes = int(results.confusion[["label", "predicted"]].to_numpy().max())
    return collapse_figure(results.scores, num_classes)


PICTURES: dict[str, Callable[[Results], Figure]] = {
    "scores": _scores,
    "losses": _losses,
    "collapse": _collapse,
}


def main(names: list[str]) -> None:
    """Draw plots/<name>.png for every name, all or none."""
    known = ", ".join(PICTURES)
    if not names:
        raise InputError(f"name the pictures to draw; known: {known}")
    for name in names:
        if name not in PICTURES:
            raise InputError(f"unknown picture {name!r}; known: {known}")
    results = _read()
    with ExitStack() as stack:
        for name in names:
            path = stack.enter_context(replacing(Path(f"plots/{name}.png")))
            save_figure(PICTURES[name](results), path)


def _read() -> Results:
    return Results(
        scores=read_scores(),
        statistics=read_metrics("statistics"),
        train_loss=read_rows("train_loss"),
        confusion=read_rows("confusion"),
    )


if __name__ == "__main__":
    main(sys.argv[1:])
