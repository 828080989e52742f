"""studies/optimizers/tune.py: the choice of the rate, and what follows from it."""

import json

import numpy as np
import pandas as pd

from cnn_from_scratch.report.runs import Runs
from cnn_from_scratch.report.tuning import read_trials
from tests.studies.scripts import script
from tests.workflow.project import ROOT

tune = script("optimizers", "tune")


def scores(rows: list[tuple[str, str, float, float]]) -> pd.DataFrame:
    """Return one seed's scores from (model, split, accuracy, loss)."""
    columns = ["model", "split", "accuracy", "loss"]
    return pd.DataFrame(rows, columns=columns).assign(seed=0)


def test_the_table_holds_what_the_scores_say() -> None:
    trials = read_trials(
        scores(
            [
                *(("S-sgd/0.1", split, 0.9, 0.5) for split in ("train", "val", "test")),
                *(("S-sgd/0.3", split, 0.8, 0.4) for split in ("train", "val")),
                ("S-sgd/0.3", "test", 0.1, 9.0),
                *(("S-nag/0.3", split, 0.7, 0.1) for split in ("train", "val")),
                ("S-nag/0.3", "test", 1.0, 0.0),
            ]
        )
    )
    assert tune.rates_table(trials).to_dict("list") == {
        "model": ["S-sgd", "S-sgd", "S-nag"],
        "lr": ["0.1", "0.3", "0.3"],
        "val_accuracy": [0.9, 0.8, 0.7],
        "val_loss": [0.5, 0.4, 0.1],
        "test_accuracy": [0.9, 0.1, 1.0],
    }


def test_whatever_the_test_samples_say_the_choices_are_the_same() -> None:
    rng = np.random.RandomState(2)
    names = [f"{model}/{lr}" for model in ("S-a", "S-b", "E-a", "E-b") for lr in (0.1, 0.3, 1.0)]
    keys = pd.MultiIndex.from_product([names, ["val", "test"], range(3)])
    table = keys.to_frame(index=False, name=["model", "split", "seed"])
    table = table.assign(accuracy=rng.randint(0, 3, len(table)) / 2, loss=rng.rand(len(table)))
    made = tune.choices(read_trials(table))
    assert set(made[0]) == {"S-a", "S-b", "E-a", "E-b"}
    assert set(made[1]) == {"S", "E"}
    of_test = table["split"] == "test"
    for _ in range(20):
        table.loc[of_test, "accuracy"] = rng.permutation(table.loc[of_test, "accuracy"])
        assert tune.choices(read_trials(table)) == made


def test_the_tuned_runs_are_the_chosen_ones_under_their_new_names() -> None:
    table = pd.DataFrame({"model": ["S-sgd/0.1", "S-sgd/0.3", "E-sgd/0.1"], "value": [1, 2, 3]})
    runs = Runs(scores=table, history=table, predictions=table)
    result = tune.tuned(runs, {"S-sgd/0.3": "S-sgd", "E-sgd/0.1": "E-sgd"})
    for part in (result.scores, result.history, result.predictions):
        assert part.to_dict("list") == {"model": ["S-sgd", "E-sgd"], "value": [2, 3]}


def test_no_chosen_rate_lies_at_an_end_of_the_grid() -> None:
    """As the study's page says."""
    file = ROOT / "studies/optimizers/rates/rates.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    assert content["chosen"]
    for model, lr in content["chosen"].items():
        assert lr in list(content["rates"][model])[1:-1]
