"""studies/optimizers/tune.py: the choice of the rate, and what follows from it."""

import json

import pandas as pd

from cnn_from_scratch.report.runs import Runs
from tests.studies.scripts import script
from tests.workflow.project import ROOT

tune = script("optimizers", "tune")


def scores(rows: list[tuple[str, str, float, float]]) -> pd.DataFrame:
    """Return one seed's scores from (model, split, accuracy, loss)."""
    columns = ["model", "split", "accuracy", "loss"]
    return pd.DataFrame(rows, columns=columns).assign(seed=0)


RATES = tune.rates_table(
    scores(
        [
            *(("S-sgd/0.1", split, 0.9, 0.5) for split in ("train", "val", "test")),
            *(("S-sgd/0.3", split, 0.9, 0.4) for split in ("train", "val")),
            ("S-sgd/0.3", "test", 0.1, 9.0),
            *(("S-sgd/1.0", split, 0.8, 0.1) for split in ("train", "val")),
            ("S-sgd/1.0", "test", 1.0, 0.0),
        ]
    )
)


def test_the_table_holds_what_the_scores_say() -> None:
    assert RATES.to_dict("list") == {
        "model": ["S-sgd"] * 3,
        "lr": ["0.1", "0.3", "1.0"],
        "val_accuracy": [0.9, 0.9, 0.8],
        "val_loss": [0.5, 0.4, 0.1],
        "test_accuracy": [0.9, 0.1, 1.0],
    }


def test_the_best_has_the_most_right_then_the_lowest_loss_whatever_the_test_says() -> None:
    assert tune.best(RATES)["lr"] == "0.3"
    assert tune.best(RATES.iloc[::2])["lr"] == "0.1"


def test_accuracies_of_as_many_samples_are_equal_however_they_were_added_up() -> None:
    nearly = RATES.assign(val_accuracy=[0.9 + 1e-15, 0.9, 0.8])
    assert tune.best(nearly)["lr"] == "0.3"


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
