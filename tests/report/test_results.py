"""Writing the results: which files, of which models, and all of them or none."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.nn.architectures import SimpleCNN
from cnn_from_scratch.nn.optimizers import SGD
from cnn_from_scratch.report import results
from cnn_from_scratch.report.measures import MEASURES, Measure, rounded
from cnn_from_scratch.report.results import write_results
from cnn_from_scratch.report.runs import Runs
from cnn_from_scratch.report.statistics import model_convergence
from tests.workbooks import grays, labels

MODEL = Model(SimpleCNN(), SGD(lr=0.9))
IMAGES = grays(6)[:, None] / 255
DATASET = Dataset(IMAGES, labels(6) - 1, ("1", "2", "3"), IMAGES[:2], labels(2) - 1)
KIND = pd.CategoricalDtype(["1", "2", "3"], ordered=True)
FILES = [
    "metrics/convergence.md",
    "metrics/results.md",
    "metrics/runs.parquet",
    "metrics/statistics.json",
    "metrics/statistics.md",
    "metrics/summary.json",
    "plot_data/accuracy_by_seed.json",
    "plot_data/classes.json",
    "plot_data/confusion.json",
    "plot_data/misclassified.json",
    "plot_data/predictions/A.csv",
    "plot_data/predictions/B.csv",
    "plot_data/reliability.json",
    "plot_data/run_curves.json",
    "plot_data/train_accuracy.json",
    "plot_data/train_loss.json",
    "plot_data/val_accuracy.json",
    "plot_data/val_loss.json",
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def runs(scores: pd.DataFrame) -> Runs:
    """The runs whose scores those are."""
    named = scores[["model", "seed"]].drop_duplicates()
    history = named.merge(
        pd.DataFrame({"epoch": [0, 1], "step": [0, 1], "train_loss": [1.0, 1 / 3]}), how="cross"
    )
    return Runs(
        scores=scores,
        history=history.assign(train_accuracy=1.0, val_loss=0.5, val_accuracy=0.75),
        predictions=named.assign(split="test", index=0, label="1", predicted="2")
        .assign(**{"p(1)": 0.25, "p(2)": 0.5, "p(3)": 0.25})
        .astype({"label": KIND, "predicted": KIND}),
    )


def of_model(runs: Runs, model: str) -> Runs:
    return Runs(
        *(table[table["model"] == model] for table in (runs.scores, runs.history, runs.predictions))
    )


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_every_file_is_written(folder: Path, runs: Runs) -> None:
    write_results({"A": MODEL, "B": MODEL}, runs, DATASET, {})
    assert list(files(folder)) == FILES
    statistics = json.loads((folder / "metrics/statistics.json").read_text())
    assert list(statistics) == ["models", "comparisons", "convergence"]
    assert statistics["convergence"] == rounded(model_convergence(runs.scores))
    assert list(json.loads((folder / "metrics/summary.json").read_text())) == ["A", "B"]
    page = (folder / "metrics/results.md").read_text(encoding="utf-8")
    assert "\n2 of 2 test samples have the same image as a sample to train" in page
    assert (folder / "plot_data/predictions/A.csv").read_text() == "label,predicted\n" + "1,2\n" * 3


def test_a_new_measure_of_whole_runs_is_in_every_file(
    folder: Path, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def best_epoch(history: pd.DataFrame) -> float:
        return float(history["val_loss"].to_numpy().argmin())

    measure = Measure("best epoch", "epochs", "history", best_epoch, form=".1f")
    monkeypatch.setitem(MEASURES, "best_epoch", measure)
    scores = runs.scores.assign(best_epoch=runs.scores["seed"] + 1.0)
    write_results({"A": MODEL, "B": MODEL}, replace(runs, scores=scores), DATASET, {})
    told = {"mean": 2.0, "population_sd": 0.816497}
    for name, keys in (("summary", ["A", "best_epoch"]),
                       ("statistics", ["convergence", "B", "best_epoch"])):  # fmt: skip
        value = json.loads((folder / f"metrics/{name}.json").read_text())
        for key in keys:
            value = value[key]
        assert value == told
    pages = {
        name: (folder / f"metrics/{name}.md").read_text(encoding="utf-8")
        for name in ("results", "statistics", "convergence")
    }
    assert "\nBest epoch in epochs.\n" in pages["results"]
    for page in pages.values():
        assert "2.0 ± 0.8" in page


def test_a_subset_of_the_models_has_results_of_its_own(folder: Path, runs: Runs) -> None:
    write_results({"B": MODEL}, of_model(runs, "B"), DATASET, {})
    statistics = json.loads((folder / "metrics/statistics.json").read_text())
    assert list(statistics["models"]) == list(statistics["convergence"]) == ["B"]
    assert statistics["comparisons"] == {}
    assert "| A " not in (folder / "metrics/results.md").read_text(encoding="utf-8")


def test_a_failure_leaves_all_files_as_they_were(
    folder: Path, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_results({"A": MODEL}, of_model(runs, "A"), DATASET, {})
    before = files(folder)

    def fail(_: Any) -> Any:
        raise OSError("the disk is full")

    monkeypatch.setattr(results, "misclassified", fail)  # which is written last
    with pytest.raises(OSError, match="full"):
        write_results({"A": MODEL, "B": MODEL}, runs, DATASET, {})
    assert files(folder) == before


def test_contrasts_are_data_and_a_table_and_those_taken_back_leave_none(
    folder: Path, runs: Runs
) -> None:
    models = {"A": MODEL, "B": MODEL}
    write_results(models, runs, DATASET, {"A: effect": {"A": 1.0, "B": -1.0}})
    effects = json.loads((folder / "metrics/contrasts.json").read_text())
    statistics = json.loads((folder / "metrics/statistics.json").read_text())
    assert effects == {"A: effect": statistics["comparisons"]["A - B"]}
    assert effects["A: effect"]["interval_95_with_samples"] == [0.0, 0.0]  # of the predictions
    assert "| A: effect | +50.00 |" in (folder / "metrics/contrasts.md").read_text()
    write_results(models, runs, DATASET, {})
    assert list(files(folder)) == FILES
