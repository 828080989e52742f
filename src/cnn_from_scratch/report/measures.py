"""What is measured of a run, in one table: a new measure is one function and one row.

From its row it gets its place in the tables, the metrics files and the pictures.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from cnn_from_scratch.report.calibration import BINS, brier_score, expected_calibration_error

DIGITS = 6  # of every number that is written to a metrics or plots file
TIE_DIGITS = 12  # numbers that agree so far are equal: the order of a sum must not decide
LEARNT = 0.95  # of the training samples right: from then on a run counts as having learnt them

# Where a measure comes from; `Measure` says what its function gets.
Source = Literal["score", "predictions", "history", "result"]
# Where it is told: in summary.json; in statistics.json and the pages of statistics; in results.md
# and the pictures of every run.
Place = Literal["summary", "statistics", "results"]
EVERYWHERE: tuple[Place, ...] = ("summary", "statistics", "results")


@dataclass(frozen=True)
class Measure:
    """A number that a run has, and how it is told.

    title, unit: in words, such as 'accuracy' and 'percent'; the unit is '' if there is none.
    source: what `of` is a function of, and with it how many such numbers a run has.
        'score': the loss and accuracy of a split in result.json; one number per split.
        'predictions': the rows of predictions.csv of a split, with index, label, predicted and the
        `probability_column` of each class; one number per held-out split.
        'history': history.csv, by epoch; a run that ended before the last epoch of its model's runs
        keeps its last row till then. One number per run.
        'result': what is read of result.json, a `Result`; one number per run.
    of: the function; NaN, where it is of whole runs, says that the run has no such number.
    low, high: between which the numbers can be, and so a band or an axis.
    scale, form: by what they are multiplied to be in the unit, and the format of the product.
    over_seeds: what is told of a model's runs. 'mean': mean and SD of those that have a number.
        'count': how many have one above 0. 'arrival', of an epoch that not every run gets to:
        `statistics.arrivals`.
    told: the places where that is.
    note: what the page of statistics says of it, below its heading, if it has splits.
    key: its name in summary.json and in `convergence` of statistics.json, if another one.
    """

    title: str
    unit: str
    source: Source
    of: Callable[[Any], float]
    low: float = 0.0
    high: float = math.inf
    scale: float = 1.0
    form: str = ".2f"
    over_seeds: Literal["mean", "count", "arrival"] = "mean"
    told: tuple[Place, ...] = EVERYWHERE
    note: str = ""
    key: str | None = None

    @property
    def label(self) -> str:
        """The title, as a table's or a picture's begins."""
        return self.title[0].upper() + self.title[1:]

    @property
    def heading(self) -> str:
        """What it is, and in which unit."""
        return f"{self.label} in {self.unit}" if self.unit else self.label

    @property
    def axis(self) -> str:
        """The label of an axis."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    @property
    def by_split(self) -> bool:
        """Whether a run has such a number for each split."""
        return self.source in ("score", "predictions")

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest number there can be, in the unit."""
        return self.scale * self.low, self.scale * self.high

    def text(self, value: float | None) -> str:
        """Return a number in the unit, as tables show it."""
        return "-" if value is None else f"{self.scale * value:{self.form}}"

    def clamp(self, value: float) -> float:
        """Return the number nearest to a value that there can be."""
        return min(max(value, self.low), self.high)


def epochs_to_95(history: pd.DataFrame) -> float:
    """Return the first epoch with train_accuracy >= 0.95, NaN if there is none."""
    return float(history.loc[history["train_accuracy"] >= LEARNT, "epoch"].min())


def loss_area(history: pd.DataFrame) -> float:
    """Return the area under the training loss L, in nats x epochs.

    sum over e of (L_(e-1) + L_e) / 2
    """
    return float(np.trapezoid(history["train_loss"], history["epoch"]))


BRIER_NOTE = (
    "The squared error of a sample's probabilities, summed over the classes (Brier 1950): 0 where"
    " the right class is given all, 2 where a wrong one is, 1 - 1/K where all K are given the same."
    " Unlike the accuracy it counts how sure a network is, and unlike the loss it has a greatest"
    " value."
)
CALIBRATION_NOTE = (
    "Whether a network is right as often as it says (Guo et al. 2017). A sample's confidence is the"
    f" probability of its predicted class. In each of {BINS} bins of equal width the mean"
    " confidence is compared with the accuracy; the error is the mean difference, each bin weighted"
    " with its share of the samples. It does not tell too sure from not sure enough;"
    " `plot_data/reliability.json` does, and the picture `calibration` where it is drawn. Chance"
    " alone puts it above 0, as it is never negative: of few samples it is too high, even where the"
    " probabilities are right (Bröcker 2012; Kumar, Liang and Ma 2019)."
)

MEASURES: dict[str, Measure] = {
    "accuracy": Measure(
        "accuracy", "percent", "score", lambda score: score["accuracy"], high=1.0, scale=100.0
    ),
    "loss": Measure(
        "loss", "nats", "score", lambda score: score["loss"], form="#.4g",
        told=("summary", "statistics"),
    ),
    "brier_score": Measure(
        "Brier score", "", "predictions", brier_score, high=2.0, form="#.4g",
        told=("summary", "statistics"), note=BRIER_NOTE,
    ),
    "calibration_error": Measure(
        "expected calibration error", "percent", "predictions", expected_calibration_error,
        high=1.0, scale=100.0, told=("summary", "statistics"), note=CALIBRATION_NOTE,
    ),
    "diverged": Measure(
        "diverged", "runs", "result", lambda result: result.diverged,
        over_seeds="count", told=("summary",),
    ),
    "dead_logits": Measure(
        "runs with a dead logit", "runs", "result", lambda result: result.diagnostics.dead_logits,
        over_seeds="count", told=("summary",), key="dead_logit_runs",
    ),
    "reached_95": Measure(
        "runs that reached 95 %", "runs", "history",
        lambda history: not math.isnan(epochs_to_95(history)),
        over_seeds="count", told=("statistics",),
    ),
    "epochs_to_95": Measure(
        "epochs to 95 %", "epochs", "history", epochs_to_95, form=".1f",
        over_seeds="arrival", told=("statistics",),
    ),
    "loss_area": Measure(
        "loss area", "nats x epochs", "history", loss_area, told=("statistics",)
    ),
}  # fmt: skip


def told_in(place: Place, *, by_split: bool) -> dict[str, Measure]:
    """Return the measures of the splits, or of whole runs, that are told in a place."""
    return {
        name: measure
        for name, measure in MEASURES.items()
        if place in measure.told and measure.by_split == by_split
    }


def values_of(source: Source, told: Any) -> dict[str, float]:
    """Return every measure of a source, by name. told: what its functions get."""
    return {name: m.of(told) for name, m in MEASURES.items() if m.source == source}


def mean_and_population_sd(values: Iterable[float]) -> tuple[float, float]:
    """Return the mean and the population SD, sqrt(sum((x - mean)^2) / n), of n >= 1 numbers.

    The sums are exact (math.fsum), so their order does not matter.
    """
    numbers = list(values)
    mean = math.fsum(numbers) / len(numbers)
    deviations = [x - mean for x in numbers]
    return mean, math.sqrt(math.fsum(d * d for d in deviations) / len(numbers))


def rounded(value: Any) -> Any:
    """Return a value of dicts and lists with its floats rounded, as it is written to a file."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return round(value, DIGITS) if isinstance(value, float) else value
