"""aggregate.py: the contrasts that params.yaml names are computed with the rest."""

import json

import pytest

from tests.stages.project import Project

COMMAND = "stages/aggregate.py"


@pytest.fixture
def trained(project: Project) -> Project:
    """A project with the runs of two models from two seeds."""
    architecture = {"name": "simple", "activate_logits": False}
    models = {
        name: {"architecture": architecture, "optimizer": {"name": name}}
        for name in ("sgd", "adam")
    }
    project.edit_params("models", models)
    project.edit_params("seeds", [0, 1])
    project.edit_params("train/epochs", 2)
    for model in models:
        project.python("stages/train_seeds.py", "--dataset", "data/dataset.npz", "--model", model)
    return project


def test_it_writes_every_contrast_as_data_and_as_a_table(trained: Project) -> None:
    trained.python(COMMAND)
    without = trained.files("metrics")
    trained.edit_params("contrasts", {"Adam: effect": {"adam": 1, "sgd": -1}})
    trained.python(COMMAND)
    files = trained.files("metrics")
    effects, statistics = json.loads(files["contrasts.json"]), json.loads(files["statistics.json"])
    pair = statistics["comparisons"]["sgd - adam"]
    assert effects["Adam: effect"]["mean"] == -pair["mean"]
    assert effects["Adam: effect"]["p"] == pair["p"]
    assert b"| Adam: effect | " in files["contrasts.md"]
    assert {name: files[name] for name in without} == without


@pytest.mark.release
def test_contrasts_of_one_seed_are_one_line_and_nothing_is_written(trained: Project) -> None:
    trained.edit_params("contrasts", {"c": {"adam": 1, "sgd": -1}})
    trained.edit_params("seeds", [0])
    message = "params.yaml: seeds: contrasts take at least two seeds"
    assert trained.refusal(COMMAND) == message
    assert not (trained.folder / "metrics").exists()


def test_missing_runs_are_one_line_and_nothing_is_written(trained: Project) -> None:
    trained.edit_params("seeds", [0, 2])
    assert trained.refusal(COMMAND).endswith("not found; 'dvc repro' makes it")
    assert not (trained.folder / "metrics").exists()
