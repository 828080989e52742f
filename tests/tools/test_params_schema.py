"""docs/params.schema.json: what editors know of params.yaml is what the code knows of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import params_schema
from cnn_from_scratch.experiment.params_file import read_params
from tests.experiment.params_files import changed, committed
from tests.workflow.project import ROOT

SCHEMA = json.loads(params_schema.FILE.read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
PARAMS = sorted([ROOT / "params.yaml", *ROOT.glob("studies/*/params.yaml")])
ADAM = "models/S-Adam"


def test_it_is_in_step_with_the_code() -> None:
    assert params_schema.params_schema() == SCHEMA
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("file", PARAMS, ids=lambda file: file.parent.name)
def test_every_committed_file_is_valid_and_names_the_schema(file: Path) -> None:
    VALIDATOR.validate(read_params(file))
    line, _, _ = file.read_text(encoding="utf-8").partition("\n")
    assert line.startswith("# yaml-language-server: $schema=")
    assert (file.parent / line.partition("=")[2]).resolve() == params_schema.FILE


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("train/augment", {"shift": 1, "noise": 0.1}),
        ("train/early_stopping", 5),
        ("train/backend", "compiled"),
        ("train/dtype", "float32"),
        (f"{ADAM}/train", {"epochs": 5}),
        (f"{ADAM}/schedule", {"name": "cosine", "warmup_epochs": 3}),
        (f"{ADAM}/optimizer/lr", [0.1, 1]),
        (
            f"{ADAM}/architecture",
            {"name": "stack", "stack": [{"name": "relu"}, {"name": "flatten"}]},
        ),
        ("contrasts", {"a": {"S-SGD": 1, "S-RMS": -1}}),
        ("convert/source", {"name": "idx", "path": "data", "test_images": None, "md5": {"a": "b"}}),
        ("convert/source", {"name": "cifar10", "path": "cifar-10-binary.tar.gz"}),
        ("convert/source", {"name": "images", "path": "x", "height": 8, "width": 8, "mode": "rgb"}),
        ("convert/hold_out", {"fraction": 0.2, "seed": 0}),
    ],
)
def test_what_the_code_takes_is_valid(path: str, value: Any) -> None:
    VALIDATOR.validate(changed(path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("epochs", 5),
        ("train/epochs", "many"),
        ("train/backend", "torch"),
        ("train/dtype", "float16"),
        ("train/augment", {"shfit": 1}),
        ("split/protocol", "hold-out"),
        ("seeds", []),
        ("seeds", [1, 1]),
        ("seeds", [-1]),
        ("models", {}),
        *(
            ("models", {name: committed()["models"]["S-SGD"]})
            for name in ("a.b", "9", "NO", "null")
        ),
        (f"{ADAM}/optimizer", {"name": "adm"}),
        (f"{ADAM}/optimizer/momentum", 0.9),
        (f"{ADAM}/optimizer/lr", "fast"),
        (f"{ADAM}/architecture/activation", "elu"),
        (f"{ADAM}/architecture", {"name": "stack", "stack": [{"name": "dense"}]}),
        (f"{ADAM}/schedule", {"name": "linear"}),
        (f"{ADAM}/train", {"numerics": "native"}),
        ("contrasts", {"a": {"S-SGD": "1"}}),
        ("convert/source", {"name": "mnist", "path": "data"}),
        ("convert/source", {"name": "cifar10"}),
        ("convert/source/images", "train-images-idx3-ubyte"),
    ],
)
def test_what_the_code_refuses_is_marked(path: str, value: Any) -> None:
    assert not VALIDATOR.is_valid(changed(path, value))
