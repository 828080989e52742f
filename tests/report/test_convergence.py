"""How fast training samples are learnt: known histories, and what is said of them."""

import json

import numpy as np
import pandas as pd
import pytest

from cnn_from_scratch.report.convergence import (
    convergence_table,
    model_convergence,
    run_convergence,
)


def history(runs: dict[tuple[str, int], list[tuple[float, float]]]) -> pd.DataFrame:
    """Return a history; runs: (train_loss, train_accuracy) by epoch, by model and seed."""
    return pd.DataFrame(
        {"model": model, "seed": seed, "epoch": epoch, "train_loss": loss, "train_accuracy": right}
        for (model, seed), epochs in runs.items()
        for epoch, (loss, right) in enumerate(epochs)
    )


HISTORY = history(
    {
        ("B", 7): [(4.0, 0.5), (2.0, 0.95), (2.0, 0.9), (0.0, 1.0)],  # falls below 95 % again
        ("B", 3): [(1.0, 0.949), (3.0, 0.9)],  # ended early
        ("B", 5): [(1.0, 0.99), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0)],  # is right untrained
        ("A", 7): [(8.0, 0.0), (2.0, 0.5)],
    }
)


def test_every_run_has_its_first_epoch_at_95_percent_and_its_area() -> None:
    runs = run_convergence(HISTORY).set_index(["model", "seed"])
    epochs = {("B", 7): 1.0, ("B", 3): np.nan, ("B", 5): 0.0, ("A", 7): np.nan}
    areas = {("B", 7): 6.0, ("B", 3): 8.0, ("B", 5): 3.0, ("A", 7): 5.0}
    assert len(runs) == 4
    for run in epochs:
        assert runs["epochs_to_95"][run] == pytest.approx(epochs[run], nan_ok=True)
        assert runs["loss_area"][run] == areas[run]


def test_a_run_that_ended_early_keeps_its_last_loss_to_the_end_of_its_own_model() -> None:
    short, long = [(1.0, 0.0), (3.0, 0.0)], [(0.0, 0.0)] * 5
    runs = run_convergence(history({("A", 0): short, ("A", 1): long, ("B", 0): short}))
    assert runs["loss_area"].tolist() == [2.0 + 3 * 3.0, 0.0, 2.0]


def test_the_order_of_the_rows_does_not_matter() -> None:
    backwards = model_convergence(HISTORY.iloc[::-1])
    assert backwards == model_convergence(HISTORY)
    assert list(backwards) == ["A", "B"]


def test_a_models_convergence() -> None:
    convergence = model_convergence(HISTORY)
    assert list(convergence) == ["B", "A"]
    area = convergence["B"].pop("loss_area")
    assert convergence["B"] == {"n": 3, "reached_95": 2, "median_epochs_to_95": 0.5}
    assert area["mean"] == pytest.approx(17 / 3)
    assert area["population_sd"] == pytest.approx(np.std([6.0, 8.0, 3.0]))
    assert convergence["A"] == {
        "n": 1,
        "reached_95": 0,
        "median_epochs_to_95": None,
        "loss_area": {"mean": 5.0, "population_sd": 0.0},
    }
    json.dumps(convergence, allow_nan=False)


def test_the_table_has_a_row_a_model() -> None:
    assert convergence_table(model_convergence(HISTORY)).splitlines() == [
        "| Model | Runs that reached 95 % | Median epochs to 95 % | Loss area   |",
        "| ----- | ---------------------- | --------------------- | ----------- |",
        "| B     | 2 of 3                 | 0.5                   | 5.67 ± 2.05 |",
        "| A     | 0 of 1                 | -                     | 5.00 ± 0.00 |",
    ]
