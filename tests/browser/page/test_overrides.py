"""The `dvc exp run` line of a model with other settings makes params.yaml that model."""

import shlex
from copy import deepcopy
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.utils.hydra import apply_overrides

from cnn_from_scratch.experiment.identity import trained_from
from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.params import Params, load_params, protocol_name
from cnn_from_scratch.experiment.records import record_files
from cnn_from_scratch.experiment.run import train_run
from cnn_from_scratch.experiment.settings import settings
from cnn_from_scratch.nn.optimizers import OPTIMIZERS, AdamW
from page.params_json import params_json
from page.study_json import model_json, parameters_digest
from tests.browser.experiment.test_study import dataset, study
from tests.browser.node import Node
from tests.workflow.project import ROOT

COMMAND = "return commandOf(overridesOf(name, raw, model))"
COMMITTED = (ROOT / "params.yaml").read_text(encoding="utf-8")
SPARSE = """\
seeds: [0]
split: {protocol: holdout, validation_fraction: 0.2}
train: {epochs: 3, numerics: portable, batch_size: null}
models:
  plain: {architecture: {name: simple}, optimizer: {name: adam}}
  quoted: {architecture: {name: enhanced, init: he}, optimizer: {name: sgd, lr: "0.1"}}
  grid: {architecture: {name: simple, pool: avg}, optimizer: {name: nag, lr: [0.1, 0.2]}}
  layers:
    architecture: {name: stack, stack: [{name: flatten}, {name: dense, out_features: 3}]}
    optimizer: {name: momentum, momentum: 0.5, weight_decay: 0.001}
"""


def model_of(params: Params, name: str) -> dict[str, Any]:
    own = params.models[name]
    found: dict[str, Any] = model_json(resolve_models(params)[name], own.split, own.train)
    return found


def overridden(node: Node, file: Path, name: str, model: dict[str, Any]) -> Params:
    """Return the parameters of the file after the page's command for the model."""
    raw = params_json(file)["models"][name.partition("/")[0]]
    command = node(COMMAND, name=name, raw=raw, model=model)
    program, *arguments = shlex.split(command)
    assert [program, *arguments[:2]] == ["dvc", "exp", "run"]
    assert set(arguments[2::2]) <= {"-S"}
    if arguments[3::2]:
        apply_overrides(file, arguments[3::2])
    return load_params(file)


def changed(model: dict[str, Any], architecture: dict[str, Any], optimizer: Any) -> Any:
    """Return the model as JSON with settings of its architecture and another optimizer."""
    result = deepcopy(model)
    known = {k: v for k, v in architecture.items() if k in result["architecture"]}
    result["architecture"] |= known
    result["optimizer"] = optimizer
    return result


CHANGES: list[tuple[dict[str, Any], dict[str, float]]] = [
    ({}, {}),
    ({"activation": "tanh", "activate_logits": False, "pool": "avg"}, {"lr": 0.5}),
    ({"activation": "relu"}, {"lr": 1e-7, "weight_decay": 1e-05, "eps": 1e-12}),
    ({"activate_logits": False, "pool": "max"}, {"lr": 1e21, "weight_decay": 3.0, "rho": 0.0}),
    ({"activation": "sigmoid"}, {"lr": 0.1, "momentum": 0.5, "beta1": 0.25}),
]


@pytest.mark.parametrize("text", [COMMITTED, SPARSE], ids=["the study's", "with defaults"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_command_makes_the_file_the_model(
    node: Node, tmp_path: Path, text: str, optimizer: str
) -> None:
    """Each model is given the optimizer and another of the changes."""
    file = tmp_path / "params.yaml"
    file.write_text(text, encoding="utf-8")
    start = list(OPTIMIZERS).index(optimizer)
    for i, name in enumerate(load_params(file).models, start):
        architecture, numbers = CHANGES[i % len(CHANGES)]
        file.write_text(text, encoding="utf-8")
        known = {f.name for f in fields(OPTIMIZERS[optimizer])}  # type: ignore[arg-type]
        kind = OPTIMIZERS[optimizer](**{k: v for k, v in numbers.items() if k in known})
        model = changed(model_of(load_params(file), name), architecture, settings(kind))
        params = overridden(node, file, name, model)
        assert model_of(params, name.partition("/")[0]) == model


@pytest.mark.parametrize("name", yaml.safe_load(COMMITTED)["models"])
def test_the_committed_settings_need_no_override(node: Node, name: str) -> None:
    raw = params_json(ROOT / "params.yaml")["models"][name]
    assert node(COMMAND, name=name, raw=raw, model=study()["models"][name]) == "dvc exp run"


def test_only_what_differs_is_named(node: Node) -> None:
    raw = params_json(ROOT / "params.yaml")["models"]
    model = study()["models"]["S-SGD"]
    slower = changed(model, {}, model["optimizer"] | {"lr": 0.5})
    line = node(COMMAND, name="S-SGD", raw=raw["S-SGD"], model=slower)
    assert line == "dvc exp run -S models.S-SGD.optimizer.lr=0.5"
    averaged = changed(model, {"pool": "avg"}, model["optimizer"])
    line = node(COMMAND, name="S-SGD", raw=raw["S-SGD"], model=averaged)
    assert line == "dvc exp run -S '+models.S-SGD.architecture.pool=avg'"
    model = study()["models"]["S-RMS"]
    plain = changed(model, {}, settings(OPTIMIZERS["sgd"]()))
    line = node(COMMAND, name="S-RMS", raw=raw["S-RMS"], model=plain)
    assert line == (
        "dvc exp run -S models.S-RMS.optimizer.name=sgd -S models.S-RMS.optimizer.lr=0.9"
        " -S '~models.S-RMS.optimizer.rho'"
    )


def test_the_experiments_run_has_the_digest_that_the_browser_tells(
    node: Node, tmp_path: Path
) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(COMMITTED.replace("epochs: 300", "epochs: 5"), encoding="utf-8")
    model = model_of(load_params(file), "S-RMS")
    adamw = settings(AdamW(lr=0.03))
    model = changed(model, {"activation": "tanh", "activate_logits": False, "pool": "avg"}, adamw)
    ours = node(
        "return parametersDigest(trainRun(study, 'S-RMS', 3).network.state())",
        study=study() | {"models": {"S-RMS": model}},
    )
    params = overridden(node, file, "S-RMS", model)
    python = replace(resolve_models(params)["S-RMS"], name="S-RMS")
    split, train = params.models["S-RMS"].split, params.models["S-RMS"].train
    assert train.epochs == 5
    files = record_files(
        train_run(python, 3, dataset(), split, train),
        model="S-RMS",
        seed=3,
        optimizer=python.optimizer,
        epochs=train.epochs,
        protocol=protocol_name(split, train),
        trained_from=trained_from(python, split, train, 3, dataset()),
    )
    assert ours == parameters_digest(files["checkpoint.npz"])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_default_settings_are_pythons(node: Node, name: str) -> None:
    assert node("return defaultOptimizer(name)", name=name) == settings(OPTIMIZERS[name]())


@pytest.mark.parametrize("value", [-1.0, 0.0, 1e-9, 0.5, 1.0, 1.5])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_same_numbers_are_refused_as_in_python(node: Node, name: str, value: float) -> None:
    kind = OPTIMIZERS[name]
    for field in fields(kind):  # type: ignore[arg-type]
        try:
            kind(**{field.name: value})
            expected = []
        except ValueError as error:
            expected = [str(error)]
        asked = settings(kind()) | {field.name: value}
        ours = node("return problemsOf(optimizer)", optimizer=asked)
        assert [line.partition(", got")[0] for line in ours] == [
            line.partition(", got")[0] for line in expected
        ]


def test_a_number_left_out_is_told(node: Node) -> None:
    assert node("return problemsOf({ name: 'sgd', lr: NaN, weight_decay: 0 })") == [
        "lr: expected a number above 0, got none"
    ]
