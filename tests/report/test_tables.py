"""The tables: results, convergence, contrasts, and the notes below the results."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.nn.architectures import EnhancedCNN, SimpleCNN
from cnn_from_scratch.nn.optimizers import SGD, Adam
from cnn_from_scratch.nn.schedules import Constant, Cosine, Schedule
from cnn_from_scratch.report.measures import MEASURES
from cnn_from_scratch.report.statistics import model_convergence
from cnn_from_scratch.report.tables import (
    convergence_table,
    differences_table,
    duplicate_notes,
    results_table,
)
from tests.workbooks import grays

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


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Cosine(), "; Cosine schedule"),
        (Cosine(0.1, by="step"), "; Cosine schedule, by step, final 0.1"),
        (Constant(warmup_epochs=3), "; Constant schedule, warmup_epochs 3"),
        (Constant(), ""),
    ],
)
def test_a_schedule_is_told_with_what_is_changed(
    schedule: Schedule, words: str, scores: pd.DataFrame
) -> None:
    table = results_table(MODELS | {"A": Model(SimpleCNN(), SGD(0.5), schedule)}, scores, [])
    assert cells(table.splitlines()[4])[3] == f"SGD lr 0.5{words}"


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


def test_a_further_measure_has_a_table_of_its_own_with_the_splits_that_have_it(
    scores: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MEASURES, "loss", replace(MEASURES["loss"], told=("results",)))
    without = results_table(MODELS, scores.assign(loss=np.nan), [])
    lines = results_table(
        MODELS, scores.assign(loss=scores["loss"].where(scores["split"] != "train")), ["A note."]
    ).splitlines()
    assert lines[:7] == without.splitlines()[:7]
    assert lines[7] == "Loss in nats."
    assert cells(lines[9]) == ["Model", "Validation", "Test"]
    assert cells(lines[11]) == ["A", "1.750 ± 0.2041", "1.750 ± 0.2041"]
    assert lines[-1] == "A note."


@pytest.mark.parametrize(
    ("name", "of_a", "of_b"),
    [
        ("loss_area", {"Loss area": "2.00 ± 0.82"}, ["2.00 ± 0.82"]),
        (
            "epochs_to_95",
            {"Expected epochs to 95 %": "3.0", "Median epochs to 95 %": "2"},
            ["-", "> 3"],
        ),
        ("reached_95", {"Runs that reached 95 %": "2 of 3"}, ["0 of 3"]),
    ],
)
def test_a_further_measure_of_whole_runs_has_a_table_of_what_is_told_of_it(
    name: str,
    of_a: dict[str, str],
    of_b: list[str],
    scores: pd.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(MEASURES, name, replace(MEASURES[name], told=("results",)))
    lines = results_table(MODELS, scores, []).splitlines()
    assert lines[7] == f"{MEASURES[name].heading}."
    assert [cells(line) for line in (lines[9], *lines[11:13])] == [
        ["Model", *of_a], ["A", *of_a.values()], ["B", *of_b]
    ]  # fmt: skip


def test_the_table_of_convergence_has_a_row_a_model(scores: pd.DataFrame) -> None:
    assert convergence_table(model_convergence(scores)).splitlines() == [
        "| Model | Runs that reached 95 % | Expected epochs to 95 % | Median epochs to 95 % |"
        " Loss area   |",
        "| ----- | ---------------------- | ----------------------- | --------------------- |"
        " ----------- |",
        "| A     | 2 of 3                 | 3.0                     | 2                     |"
        " 2.00 ± 0.82 |",
        "| B     | 0 of 3                 | -                       | > 3                   |"
        " 2.00 ± 0.82 |",
    ]


FIRST: dict[str, Any] = {
    "mean": 0.35, "interval_95": [0.35, 0.35], "interval_95_with_samples": [0.3, 0.4],
    "probability_better": 1.0, "probability_interval_95": [0.4385, 1.0], "p": 0.25, "p_holm": 0.75,
    "seeds_needed": 6, "seeds_needed_holm": 1234,
}  # fmt: skip
SECOND: dict[str, Any] = {
    "mean": -0.1, "interval_95": [-0.2, 0.0], "interval_95_with_samples": [-0.25, 0.05],
    "probability_better": 0.25, "probability_interval_95": [0.1, 0.5], "p": 0.03125, "p_holm": 1.0,
    "seeds_needed": 17, "seeds_needed_holm": None,
}  # fmt: skip


def test_the_table_of_contrasts_is_in_points() -> None:
    table = differences_table("Effect", "Mean", {"first": FIRST, "interaction": SECOND})
    header, _, *rows = ([c.strip() for c in row.split("|")[1:-1]] for row in table.splitlines())
    assert header == [
        "Effect", "Mean", "95 % interval", "With samples", "P(> 0)", "p", "p (Holm)",
        "Seeds needed", "(Holm)",
    ]  # fmt: skip
    assert rows == [
        ["first", "+35.00", "+35.00 to +35.00", "+30.00 to +40.00", "1.00 (0.44 to 1.00)",
         "0.2500", "0.7500", "6", "1,234"],
        ["interaction", "-10.00", "-20.00 to +0.00", "-25.00 to +5.00", "0.25 (0.10 to 0.50)",
         "0.0312", "1.0000", "17", "-"],
    ]  # fmt: skip


def test_without_test_samples_the_table_of_contrasts_has_no_interval_of_them() -> None:
    table = differences_table("Effect", "Mean", {"A": FIRST | {"interval_95_with_samples": None}})
    assert "With samples" not in table
    assert "| +35.00 | +35.00 to +35.00 | 1.00 (0.44 to 1.00) | 0.2500 |" in table


IMAGES = grays(6)[:, None] / 255
NEW = grays(6, place=1)[:, None] / 255
TESTED = (
    "2 of 3 test samples have the same image as a sample to train or validate on: they don't tell"
    " how well a model does on new ones."
)
WITHIN = (
    "4 of 6 samples to train or validate on have the same image as another one: a split can train"
    " on one and validate on the other."
)


def dataset(images: list[int], tests: np.ndarray | None) -> Dataset:
    y = np.zeros(len(images), dtype=np.int64)
    y_test = None if tests is None else np.zeros(len(tests), dtype=np.int64)
    return Dataset(IMAGES[images], y, ("1",), tests, y_test)


@pytest.mark.parametrize("tests", [None, NEW])
@pytest.mark.parametrize("protocol", ["holdout", "resubstitution"])
def test_nothing_is_said_where_nothing_is_twice(tests: None, protocol: str) -> None:
    assert duplicate_notes(dataset([0, 1, 2, 3, 4, 5], tests), protocol) == []


@pytest.mark.parametrize("protocol", ["holdout", "holdout, network selected on validation"])
def test_both_are_said_of_a_split(protocol: str) -> None:
    found = dataset([0, 0, 1, 1, 2, 3], np.concatenate([IMAGES[[1, 3]], NEW[:1]]))
    assert duplicate_notes(found, protocol) == [TESTED, WITHIN]


def test_without_a_split_its_parts_are_not_spoken_of() -> None:
    found = dataset([0, 0, 1, 1, 2, 3], np.concatenate([IMAGES[[1, 3]], NEW[:1]]))
    assert duplicate_notes(found, "resubstitution") == [TESTED]
