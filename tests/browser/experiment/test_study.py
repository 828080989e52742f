"""The committed study's runs come out of the browser's library to the last bit."""

import csv
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import yaml

from cnn_from_scratch.data.sources import resolve_source
from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.identity import trained_from
from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.params import load_params, protocol_name
from cnn_from_scratch.experiment.records import record_files, run_folder
from cnn_from_scratch.experiment.run import train_run
from page.study_json import parameters_digest, study_json
from tests.browser.node import Node
from tests.workflow.project import ROOT

RUN = """
const { fit, network, scores } = trainRun(study, name, seed);
const rows = fit.history.map(({ epoch, train, val }) =>
  [epoch, train.loss, train.accuracy, val.loss, val.accuracy]);
return { rows, scores, digest: parametersDigest(network.state()) };
"""

PARAMS = load_params(ROOT / "params.yaml")
MODELS = resolve_models(PARAMS)


@cache
def dataset() -> Dataset:
    """Return the study's dataset, from its workbook."""
    source = resolve_source(PARAMS)
    return replace(source, path=str(ROOT / source.path)).read()  # type: ignore[type-var]


@cache
def committed() -> dict[str, str]:
    """Return the MD5 of each output in dvc.lock."""
    stages = yaml.safe_load((ROOT / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    return {out["path"]: out["md5"] for stage in stages.values() for out in stage["outs"]}


def record(name: str, seed: int) -> dict[str, bytes]:
    """Return a run's record, trained by Python: the committed one, says dvc.lock."""
    model, split, train = MODELS[name], PARAMS.models[name].split, PARAMS.models[name].train
    files = record_files(
        train_run(model, seed, dataset(), split, train),
        model=name,
        seed=seed,
        optimizer=model.optimizer,
        epochs=train.epochs,
        protocol=protocol_name(split, train),
        trained_from=trained_from(model, split, train, seed, dataset()),
    )
    assert _md5(files) == committed()[run_folder(name, seed).as_posix()]
    return files


def _md5(files: Mapping[str, bytes]) -> str:
    """Return a folder's MD5 as DVC takes it: of the list of its files."""
    listed = [
        {"md5": hashlib.md5(content, usedforsecurity=False).hexdigest(), "relpath": name}
        for name, content in sorted(files.items())
    ]
    listing = json.dumps(listed, sort_keys=True).encode()
    return hashlib.md5(listing, usedforsecurity=False).hexdigest() + ".dir"


@cache
def study() -> dict[str, Any]:
    return study_json(PARAMS, dataset())


def check_run(node: Node, name: str, seed: int) -> None:
    """Check a run of the browser's: all epochs, the scores in the end, and the parameters."""
    files = record(name, seed)
    ours = node(RUN, study=study(), name=name, seed=seed)
    header, *rows = csv.reader(files["history.csv"].decode().splitlines())
    assert header == ["epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy"]
    assert len(rows) == 301
    assert ours["rows"] == [[*map(float, row)] for row in rows]
    assert ours["scores"] == json.loads(files["result.json"])["scores"]
    assert ours["digest"] == parameters_digest(files["checkpoint.npz"])


@pytest.mark.parametrize("name", MODELS)
def test_a_run_of_each_model_is_the_committed_one(node: Node, name: str) -> None:
    check_run(node, name, PARAMS.seeds[0])


@pytest.mark.release
@pytest.mark.parametrize("seed", PARAMS.seeds[1:])
@pytest.mark.parametrize("name", MODELS)
def test_every_other_run_is_the_committed_one(node: Node, name: str, seed: int) -> None:
    check_run(node, name, seed)


def test_one_bit_of_a_setting_would_be_noticed(node: Node) -> None:
    """The learning rate's last bit is in the digest, and sooner or later in the losses."""
    model = study()["models"]["S-SGD"]
    lr = float(np.nextafter(model["optimizer"]["lr"], 1.0))
    changed = study() | {"models": {"S-SGD": model | {"optimizer": {"name": "sgd", "lr": lr}}}}
    ours, theirs = (node(RUN, study=each, name="S-SGD", seed=0) for each in (study(), changed))
    assert ours["digest"] != theirs["digest"]
    assert ours["rows"][0] == theirs["rows"][0]
    assert ours["rows"] != theirs["rows"]
