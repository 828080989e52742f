"""The page holds the runs' records, and of a study that it only shows a sample of the data."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.identity import trained_from
from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.params import Params, load_params
from cnn_from_scratch.experiment.records import record_files, run_folder, write_record
from cnn_from_scratch.experiment.run import train_run
from page import explained as module
from page.explained import explained
from tests.experiment.params_files import changed, write_params
from tests.experiment.studies import stripes

Arrays = dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def trained(folder: Path, dataset: Dataset, numerics: str = "portable") -> tuple[Params, Arrays]:
    """Record a run of one model and seed 4; return the parameters file and the run's state."""
    given = changed("train", {"epochs": 2, "numerics": numerics, "batch_size": None})
    models = {"mine": given["models"]["S-SGD"]}
    file = write_params(folder / "params.yaml", given | {"seeds": [4], "models": models})
    params = load_params(file)
    model, own = resolve_models(params)["mine"], params.models["mine"]
    run = train_run(model, 4, dataset, own.split, own.train)
    files = record_files(
        run,
        model="mine",
        seed=4,
        optimizer=model.optimizer,
        epochs=2,
        protocol="holdout",
        trained_from=trained_from(model, own.split, own.train, 4, dataset),
    )
    write_record(run_folder("mine", 4), files)
    return params, run.checkpoint


def test_a_study_that_it_trains_has_its_digests_and_parameters(folder: Path) -> None:
    dataset = stripes()
    params, state = trained(folder, dataset)
    study = explained(params, dataset)
    assert study["untrainable"] is None
    assert "records" not in study
    assert len(study["dataset"]["X"]) == len(dataset.X)
    assert [*study["digests"]["mine"]] == [4]
    encoded = study["parameters"]["mine"][4]["theta"]["float64"]
    assert np.array_equal(np.frombuffer(base64.b64decode(encoded), "<f8"), state["theta"])
    assert json.dumps(study) == json.dumps(explained(params, dataset))


def test_a_study_of_native_numerics_is_only_shown(folder: Path) -> None:
    dataset = stripes(test=230)
    params, _ = trained(folder, dataset, "native")
    study = explained(params, dataset)
    assert study["untrainable"] == (
        "params.yaml: models.mine: expected numerics: portable, for a browser"
    )
    assert study["dataset"]["X"] == []
    assert dataset.X_test is not None
    assert study["dataset"]["X_test"][-1] == dataset.X_test[227].ravel().tolist()
    assert len(study["dataset"]["X_test"]) == len(study["dataset"]["y_test"]) == 100
    record = study["records"]["mine"][4]
    assert record["checkpoint_epoch"] == 2
    assert [epoch["epoch"] for epoch in record["history"]] == [0, 1, 2]
    assert {*record["history"][2]["val"]} == {"loss", "accuracy"}


def test_without_test_samples_the_sample_is_of_all(folder: Path) -> None:
    dataset = stripes(test=0)
    params, _ = trained(folder, dataset, "native")
    study = explained(params, dataset)
    assert len(study["dataset"]["X"]) == len(dataset.X) < 100
    assert "X_test" not in study["dataset"]


def test_a_large_dataset_is_only_shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = stripes()
    params, _ = trained(folder, dataset)
    monkeypatch.setattr(module, "MOST_NUMBERS", 1187)
    assert explained(params, dataset)["untrainable"] == (
        "its images are 1,188 numbers, and a page takes 1,187"
    )
    monkeypatch.setattr(module, "MOST_NUMBERS", 1188)
    assert explained(params, dataset)["untrainable"] is None


def test_a_record_of_other_data_is_refused(folder: Path) -> None:
    dataset = stripes()
    params, _ = trained(folder, dataset)
    with pytest.raises(InputError, match="dvc repro"):
        explained(params, replace(dataset, X=dataset.X / 2))
