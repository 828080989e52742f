"""Reading the runs that are named: each is the one asked for, whole and undamaged."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.jobs import Job
from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.params import ModelParams, Params, Train
from cnn_from_scratch.experiment.records import run_folder, write_record
from cnn_from_scratch.report.runs import read_runs
from tests.experiment.studies import HOLDOUT, RESUBSTITUTION, stripes

DATASET = stripes()
TRAIN = Train(epochs=2, batch_size=None)
SGD = {"name": "sgd", "lr": 0.5}
PARAMS = Params(
    convert=None,
    seeds=(0, 1),
    train=TRAIN,
    models={name: ModelParams({"name": "simple"}, SGD, HOLDOUT, TRAIN) for name in ("A", "B")},
)


def write(params: Params, name: str, seed: int) -> None:
    model, own = resolve_models(params)[name], params.models[name]
    job = Job(model, seed, own.split, own.train, run_folder(name, seed))
    write_record(job.folder, job.record(DATASET))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the four runs."""
    folder = tmp_path_factory.mktemp("written")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        for name in PARAMS.models:
            for seed in PARAMS.seeds:
                write(PARAMS, name, seed)
    return folder


@pytest.fixture(autouse=True)
def folder(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of them, which is the current folder."""
    shutil.copytree(written / "runs", tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(params: Params = PARAMS, dataset: Any = DATASET) -> str:
    with pytest.raises(InputError) as error:
        read_runs(params, dataset)
    return str(error.value)


def test_the_named_runs_become_tables() -> None:
    runs = read_runs(PARAMS, DATASET)
    splits = ("train", "val", "test")
    rows = runs.scores[["model", "seed", "split"]].itertuples(index=False, name=None)
    assert list(rows) == [
        (name, seed, split) for name in "AB" for seed in (0, 1) for split in splits
    ]
    assert runs.scores["parameters"].unique().tolist() == [69]
    assert runs.history["epoch"].tolist() == [0, 1, 2] * 4
    assert runs.history.columns.tolist()[:3] == ["model", "seed", "epoch"]
    samples = runs.predictions[runs.predictions["split"] == "test"].groupby(["model", "seed"])
    assert [rows["index"].tolist() for _, rows in samples] == [list(range(9))] * 4


def test_only_named_runs_are_read() -> None:
    assert set(read_runs(replace(PARAMS, seeds=(1,)), DATASET).scores["seed"]) == {1}


def test_a_missing_run_is_named() -> None:
    file = run_folder("A", 2) / "SHA256SUMS"
    message = refusal(replace(PARAMS, seeds=(0, 1, 2)))
    assert message == f"{file}: not found; 'dvc repro' makes it"


def test_a_damaged_file_is_named() -> None:
    file = run_folder("B", 1) / "history.csv"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-1]))
    assert refusal().startswith(f"{file}: damaged; 'make check-cache', then 'dvc repro'")


def longer(model: ModelParams) -> ModelParams:
    return replace(model, train=replace(model.train, epochs=3))


def test_runs_of_other_settings_are_refused() -> None:
    foreign = f"{run_folder('B', 0) / 'result.json'}: of other settings, another seed or another"
    models = {"A": PARAMS.models["A"], "B": longer(PARAMS.models["B"])}
    assert refusal(replace(PARAMS, models=models)).startswith(foreign)


def elsewhere(model: ModelParams) -> ModelParams:
    return replace(model, split=RESUBSTITUTION)


OTHER: dict[str, Callable[[], tuple[Params, Any]]] = {
    "split": lambda: (
        replace(PARAMS, models={n: elsewhere(m) for n, m in PARAMS.models.items()}),
        DATASET,
    ),
    "dataset": lambda: (PARAMS, replace(DATASET, X=DATASET.X / 2)),
    "test": lambda: (PARAMS, replace(DATASET, X_test=None, y_test=None)),
}


@pytest.mark.parametrize("other", OTHER.values(), ids=OTHER)
def test_runs_of_another_split_or_dataset_are_refused(
    other: Callable[[], tuple[Params, Any]],
) -> None:
    foreign = f"{run_folder('A', 0) / 'result.json'}: of other settings, another seed or another"
    assert refusal(*other()).startswith(foreign)


def test_the_run_of_another_seed_is_refused() -> None:
    shutil.rmtree("runs/A/0")
    shutil.copytree("runs/A/1", "runs/A/0")
    assert refusal().startswith(str(run_folder("A", 0) / "result.json"))


def test_the_run_of_another_model_with_the_same_settings_is_refused() -> None:
    shutil.rmtree("runs/A/0")
    shutil.copytree("runs/B/0", "runs/A/0")
    expected = f"{run_folder('A', 0) / 'result.json'}: damaged: expected A seed 0, got B seed 0; "
    assert refusal().startswith(expected)


def test_one_file_of_another_run_is_refused() -> None:
    shutil.copy("runs/B/1/predictions.csv", "runs/B/0/predictions.csv")
    assert refusal().startswith(f"{run_folder('B', 0) / 'predictions.csv'}: damaged; ")


def test_equal_numbers_come_from_equal_runs() -> None:
    runs = read_runs(PARAMS, DATASET)
    a, b = (runs.scores[runs.scores["model"] == name]["loss"].to_numpy() for name in "AB")
    np.testing.assert_array_equal(a, b)
