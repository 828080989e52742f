"""What the stages wrote, read back: each file when it is asked for, and once."""

import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pandas as pd

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.dataset import Dataset, load_dataset
from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.params import load_params
from cnn_from_scratch.experiment.trained import read_trained
from cnn_from_scratch.nn.network import Sequential
from cnn_from_scratch.report.measures import MEASURES, mean_and_population_sd
from cnn_from_scratch.report.runs import read_named_record

RUNS = Path("metrics/runs.parquet")

T = TypeVar("T")


class TrainedNetwork(NamedTuple):
    """The network of one run."""

    network: Sequential
    model: str
    seed: int


class Outputs:
    """What there is to draw, in the current folder. All of it raises InputError.

    dataset: what `convert` wrote.
    """

    def __init__(self, dataset: Path) -> None:
        self._dataset = dataset

    @cached_property
    def dataset(self) -> Dataset:
        """The samples."""
        return load_dataset(self._dataset)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """`Runs.scores`, of metrics/runs.parquet."""
        scores = _read(RUNS, pd.read_parquet)
        for name in MEASURES:
            if name not in scores:
                raise InputError(f"{RUNS}: has no column {name!r}; 'dvc repro' makes it anew")
        return scores

    @cached_property
    def statistics(self) -> dict[str, Any]:
        """All of metrics/statistics.json."""
        return read_json(Path("metrics/statistics.json"))

    @cached_property
    def class_names(self) -> list[str]:
        """All classes, in the dataset's order."""
        return list(read_json(Path("plot_data/classes.json")))

    @cached_property
    def train_loss(self) -> pd.DataFrame:
        """One row per (model, epoch), as `curve` makes them."""
        return _rows("train_loss")

    @cached_property
    def confusion(self) -> pd.DataFrame:
        """As `confusion` makes it."""
        return _rows("confusion")

    @cached_property
    def misclassified(self) -> pd.DataFrame:
        """As `misclassified` makes it."""
        return _rows("misclassified")

    @cached_property
    def reliability(self) -> pd.DataFrame:
        """As `reliability` makes it."""
        return _rows("reliability")

    @property
    def protocol(self) -> str:
        """How the samples were split."""
        return str(self.scores["protocol"].iloc[0])

    @property
    def loss_floors(self) -> dict[str, float]:
        """By model, the least loss in nats that the activation on its logits allows."""
        return dict(zip(self.scores["model"], self.scores["loss_floor"], strict=True))

    @cached_property
    def best_network(self) -> TrainedNetwork:
        """The network of the run that `best_run` chooses."""
        params = load_params()
        models = resolve_models(params)
        model, seed = best_run(self.scores)
        if model not in models:
            raise InputError(f"{RUNS}: {model!r} is not in params.yaml; run 'dvc repro'")
        record = read_named_record(params, model, models[model], seed, self.dataset)
        trained = read_trained(record["checkpoint.npz"], f"checkpoint.npz of {model}, seed {seed}")
        return TrainedNetwork(trained.network, model, seed)


def best_run(scores: pd.DataFrame) -> tuple[str, int]:
    """Return the model with the best mean validation accuracy, and its first seed.

    Of equally good models it is the first. scores: one row per (model, seed, split).
    """
    validation = scores[scores["split"] == "val"]
    means = {
        str(model): mean_and_population_sd(rows["accuracy"])[0]
        for model, rows in validation.groupby("model", sort=False)
    }
    model = max(means, key=means.__getitem__)
    return model, int(validation.loc[validation["model"] == model, "seed"].iloc[0])


def read_json(file: Path) -> Any:
    """Return what is in a JSON file that a stage wrote. Raises InputError."""
    return _read(file, lambda path: json.loads(path.read_bytes()))


def _rows(name: str) -> pd.DataFrame:
    """Return a table; pandas' own reader would make a number of a class called "01"."""
    return _read(
        Path("plot_data", f"{name}.json"), lambda path: pd.DataFrame(json.loads(path.read_bytes()))
    )


def _read(file: Path, read: Callable[[Path], T]) -> T:
    try:
        return read(file)
    except FileNotFoundError as error:
        raise InputError(f"{file}: not found; 'dvc repro' makes it") from error
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the system's, not pyarrow's
            raise
        raise InputError(f"{file}: damaged; delete it, and 'dvc repro' makes it") from error
