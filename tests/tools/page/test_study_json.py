"""A study as JSON has all that the browser needs, and refuses what that could not train."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.identity import trained_from
from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.params import Params, load_params
from cnn_from_scratch.experiment.records import record_files, run_folder, write_record
from cnn_from_scratch.experiment.run import train_run
from page.study_json import parameters_digest, recorded_digests, study_json
from tests.experiment.params_files import changed, committed, write_params
from tests.experiment.studies import stripes

DATASET = stripes()


def loaded(tmp_path: Path, params: Any) -> Params:
    return load_params(write_params(tmp_path / "params.yaml", params))


def test_it_has_the_images_as_training_sees_them(tmp_path: Path) -> None:
    pixels = (255 * DATASET.X).astype(np.uint8)
    of_bytes = replace(DATASET, X=pixels, X_test=pixels[:9], scale=255.0)
    made = study_json(loaded(tmp_path, committed()), of_bytes)["dataset"]
    assert made["shape"] == [1, 6, 6]
    assert made["X"] == (pixels / 255.0).reshape(24, 36).tolist()
    assert made["X_test"] == made["X"][:9]
    assert made["y"] == DATASET.y.tolist()
    assert made["class_names"] == ["1", "2", "3"]
    assert "X_test" not in study_json(loaded(tmp_path, committed()), stripes(test=0))["dataset"]


def test_it_has_all_settings_also_those_of_defaults(tmp_path: Path) -> None:
    params = changed("models/S-SGD/train", {"augment": {"shift": 1}, "batch_size": 8})
    made = study_json(loaded(tmp_path, params), DATASET)
    assert json.loads(json.dumps(made)) == made
    assert made["seeds"] == [*range(10)]
    assert [*made["models"]] == [*params["models"]]
    assert made["models"]["S-SGD"] == {
        "architecture": {
            "name": "simple",
            "activation": "sigmoid",
            "activate_logits": True,
            "pool": "max",
            "init": "published",
            "batch_norm": False,
            "dropout": 0.0,
        },
        "optimizer": {"name": "sgd", "lr": 0.9, "weight_decay": 0.0},
        "schedule": {"name": "constant", "warmup_epochs": 0, "by": "epoch"},
        "split": {"protocol": "holdout", "validation_fraction": 0.2, "seed": None},
        "train": {
            "epochs": 300,
            "batch_size": 8,
            "augment": {"shift": 1, "rotation": 0.0, "noise": 0.0, "flip": False},
            "standardize": False,
            "early_stopping": None,
            "best_checkpoint": False,
            "init_seed": None,
            "shuffle_seed": None,
            "dropout_seed": None,
            "augment_seed": None,
        },
    }


def test_layers_of_a_stack_are_named(tmp_path: Path) -> None:
    stack = {"name": "stack", "stack": [{"name": "flatten"}, {"name": "dense", "out_features": 3}]}
    params = changed("models/S-SGD/architecture", stack)
    made = study_json(loaded(tmp_path, params), DATASET)["models"]["S-SGD"]["architecture"]
    dense = {"name": "dense", "out_features": 3, "weight_init": "published"}
    assert made == {"name": "stack", "stack": [{"name": "flatten"}, dense]}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("train/numerics", "native", "models.S-SGD: expected numerics: portable, for a browser"),
        ("models/E-RMS/legacy_skip", 0, "models.E-RMS.legacy_skip: expected none, for a browser"),
        ("seeds", [1, 2**53], "seeds: expected at most 9007199254740991, for a browser"),
    ],
)
def test_what_a_browser_cannot_train_is_refused(
    tmp_path: Path, path: str, value: object, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        study_json(loaded(tmp_path, changed(path, value)), DATASET)


def test_digests_are_of_the_recorded_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    small = changed("train/epochs", 1) | {"seeds": [4]}
    params = loaded(tmp_path, small | {"models": {"mine": small["models"]["S-SGD"]}})
    model, own = resolve_models(params)["mine"], params.models["mine"]
    with pytest.raises(InputError, match="not found; 'dvc repro' makes it"):
        recorded_digests(params, DATASET)
    files = record_files(
        train_run(model, 4, DATASET, own.split, own.train),
        model="mine",
        seed=4,
        optimizer=model.optimizer,
        epochs=1,
        protocol="holdout",
        trained_from=trained_from(model, own.split, own.train, 4, DATASET),
    )
    write_record(run_folder("mine", 4), files)
    digest = parameters_digest(files["checkpoint.npz"])
    assert recorded_digests(params, DATASET) == {"mine": {4: digest}}
