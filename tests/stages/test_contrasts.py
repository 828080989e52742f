"""contrasts.py: the contrasts that params.yaml names, from the runs' scores."""

import json

import pandas as pd

from tests.stages.project import Project


def with_scores(project: Project) -> None:
    """Write two models' accuracies from two seeds."""
    (project.folder / "metrics").mkdir(exist_ok=True)
    rows = [
        {"model": model, "seed": seed, "split": "test", "accuracy": accuracy + seed / 100}
        for model, accuracy in (("S-SGD", 0.5), ("S-Adam", 0.75))
        for seed in (0, 1)
    ]
    pd.DataFrame(rows).to_parquet(project.folder / "metrics/runs.parquet")


def test_it_writes_every_contrast_as_data_and_as_a_table(project: Project) -> None:
    with_scores(project)
    project.edit_params("contrasts", {"Adam: effect": {"S-Adam": 1, "S-SGD": -1}})
    project.python("stages/contrasts.py")
    effects = json.loads((project.folder / "metrics/contrasts.json").read_text())
    assert effects["Adam: effect"]["mean"] == 0.25
    assert "| Adam: effect | +25.00 |" in (project.folder / "metrics/contrasts.md").read_text()


def test_bad_input_is_one_line_and_writes_nothing(project: Project) -> None:
    assert project.refusal("stages/contrasts.py") == "params.yaml: contrasts: missing"
    project.edit_params("contrasts", {"c": {"S-Adam": 1, "S-SGD": -1}})
    assert "'dvc repro' makes it" in project.refusal("stages/contrasts.py")
    assert not (project.folder / "metrics/contrasts.json").exists()
