"""The results table."""

from dataclasses import dataclass

import pandas as pd

from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.nn.architectures import EnhancedCNN, SimpleCNN
from cnn_from_scratch.nn.optimizers import SGD, Adam
from cnn_from_scratch.report.tables import results_table

MODELS = {"A": Model(SimpleCNN(), SGD(lr=0.9)), "B": Model(EnhancedCNN(), Adam(eps=1e-6))}


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|\n ").split("|")]


def test_the_table_has_the_published_columns_and_ours(scores: pd.DataFrame) -> None:
    lines = results_table(MODELS, scores, []).splitlines()
    assert lines[0] == (
        "Accuracy in percent, mean ± population SD over 3 seeds (protocol: holdout)."
    )
    assert cells(lines[2]) == [
        "Model", "Activation", "Pool", "Optimizer", "Training", "Validation", "Test",
    ]  # fmt: skip
    assert cells(lines[4]) == [
        "A", "Sigmoid", "2x2 max", "SGD lr 0.9", *["75.00 ± 20.41"] * 3,
    ]  # fmt: skip
    assert cells(lines[5]) == [
        "B", "ReLU", "none", "Adam lr 0.01, beta1 0.7, beta2 0.99, eps 1e-06",
        *["25.00 ± 0.00"] * 3,
    ]  # fmt: skip
    assert len({len(line) for line in lines[2:6]}) == 1


def test_settings_of_any_kind_are_told(scores: pd.DataFrame) -> None:
    @dataclass(frozen=True)
    class Other(SGD):
        lr: float = 1e-7
        rule: str = "plain"
        nesterov: bool = True
        steps: int = 1000000

    table = results_table(MODELS | {"A": Model(SimpleCNN(), Other())}, scores, [])
    expected = "Other lr 1e-07, rule plain, nesterov True, steps 1000000"
    assert cells(table.splitlines()[4])[3] == expected


def test_divergence_is_told(scores: pd.DataFrame) -> None:
    table = results_table(MODELS, scores, [])
    assert "B: 1 run diverged; what counts is the last finite epoch." in table
    assert "A: " not in table


def test_notes_stand_below_the_table(scores: pd.DataFrame) -> None:
    without = results_table(MODELS, scores, [])
    noted = results_table(MODELS, scores, ["One thing.", "Another."])
    assert noted == without + "\nOne thing.\n\nAnother.\n"


def test_a_published_model_has_its_published_figure(scores: pd.DataFrame) -> None:
    renamed = scores.replace({"model": {"A": "S-SGD"}})
    table = results_table({"S-SGD": MODELS["A"], "B": MODELS["B"]}, renamed, [])
    assert cells(table.splitlines()[2])[-1] == "Published"
    assert cells(table.splitlines()[4])[-1] == "96.25 ± 0.51"
    assert cells(table.splitlines()[5])[-1] == "-"


def test_under_resubstitution_the_validation_column_says_so(scores: pd.DataFrame) -> None:
    header = results_table(MODELS, scores.assign(protocol="resubstitution"), []).splitlines()[2]
    assert "Validation = training samples (resubstitution)" in cells(header)
    assert "Validation" not in cells(header)
