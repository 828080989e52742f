"""studies/variance/components.py: crossed runs, read and told."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.dataset import Dataset, save_dataset
from cnn_from_scratch.experiment.jobs import Job
from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.params import Params, load_params
from cnn_from_scratch.experiment.params_file import read_params
from cnn_from_scratch.experiment.records import run_folder, write_record
from cnn_from_scratch.report.variance import variance_components, variance_over_test_sets
from tests.experiment.params_files import write_params
from tests.experiment.studies import stripes
from tests.studies.scripts import script
from tests.workflow.project import ROOT

components = script("variance", "components")

COMMITTED = ROOT / "studies/variance/params.yaml"


def small(folder: Path, **changes: Any) -> Params:
    """Write the study's parameters, made small, into a folder, and load them."""
    params = read_params(COMMITTED)
    params["models"] = dict(list(params["models"].items())[:2])
    params |= {"seeds": [0, 1, 2], "train": params["train"] | {"epochs": 2}}
    params["split"]["seed"] = [3, 5, 8]
    return load_params(write_params(folder / "params.yaml", params | changes))


def train(params: Params, dataset: Dataset) -> None:
    for name, model in resolve_models(params).items():
        own = params.models[name]
        for seed in params.seeds:
            job = Job(model, seed, own.split, own.train, run_folder(name, seed))
            write_record(job.folder, job.record(dataset))


def test_the_squeezed_models_are_the_main_studys_and_the_others_differ_in_the_logits() -> None:
    published = resolve_models(load_params(ROOT / "params.yaml"))
    found = {
        name.removesuffix("/split-0"): model
        for name, model in resolve_models(load_params(COMMITTED)).items()
        if name.endswith("/split-0")
    }
    assert list(found) == [
        f"{name}-{logits}" for name in published for logits in ("squeezed", "free")
    ]
    for name, model in published.items():
        free: Any = replace(model.architecture, activate_logits=False)  # type: ignore[type-var]
        assert found[f"{name}-squeezed"] == model
        assert found[f"{name}-free"] == replace(model, architecture=free)


@pytest.mark.release
def test_it_reads_the_crossed_runs_and_deletes_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "studies/variance"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    (tmp_path / "data").mkdir()
    save_dataset(tmp_path / "data/dataset.npz", stripes())
    train(small(folder, split=read_params(COMMITTED)["split"] | {"seed": [3, 5, 8, 9]}), stripes())
    params = small(folder)
    components.main()
    data = json.loads(Path("components/variance.json").read_text(encoding="utf-8"))
    assert list(data) == ["S-SGD-squeezed", "S-SGD-free"]
    runs = components.read_runs(params, stripes())
    test = runs.scores[runs.scores["split"] == "test"]
    for model, entry in data.items():
        accuracies = test.loc[test["model"].str.startswith(f"{model}/"), "accuracy"]
        assert entry["n"] == len(accuracies) == 9
        assert entry["mean"] == pytest.approx(100 * accuracies.mean(), abs=1e-6)
    table = Path("components/variance.md").read_text(encoding="utf-8")
    assert f"| S-SGD-free     | {data['S-SGD-free']['mean']:.2f} " in table
    assert Path("components/variance.png").stat().st_size > 10_000
    assert capsys.readouterr().out.splitlines() == [
        f"{run_folder(f'{model}/split-9', seed)}: no longer named in params.yaml, deleted"
        for model in sorted(data)
        for seed in (0, 1, 2)
    ]


def predictions(labels: dict[str, list[str]]) -> pd.DataFrame:
    """Return predictions of the label 'a' by model and seed, from one string of labels a seed."""
    return pd.DataFrame(
        {"model": model, "seed": seed, "split": split, "index": i, "label": "a", "predicted": label}
        for model, of_seeds in labels.items()
        for seed, of_seed in enumerate(of_seeds)
        for split, some in (("val", "bb"), ("test", of_seed))
        for i, label in enumerate(some)
    )


def test_right_samples_stand_by_split_seed_and_sample(tmp_path: Path) -> None:
    params = small(
        tmp_path, split={"protocol": "holdout", "validation_fraction": 0.2, "seed": [3, 5]}
    )
    first, second = ["aab", "abb"], ["bbb", "bba"]
    found = components.correct_by_model(
        params,
        predictions(
            {
                "S-SGD-squeezed/split-3": first,
                "S-SGD-squeezed/split-5": second,
                "S-SGD-free/split-3": second,
                "S-SGD-free/split-5": first,
            }
        ),
    )
    squeezed = [[[1, 1, 0], [1, 0, 0]], [[0, 0, 0], [0, 0, 1]]]
    assert {name: correct.tolist() for name, correct in found.items()} == {
        "S-SGD-squeezed": squeezed,
        "S-SGD-free": squeezed[::-1],
    }


def test_without_test_samples_it_says_so(tmp_path: Path) -> None:
    of_validation = predictions({"S-SGD-squeezed/split-3": ["", ""]})
    with pytest.raises(InputError, match="has no test samples"):
        components.correct_by_model(small(tmp_path), of_validation)


def test_the_spread_is_that_of_the_components_and_0_where_a_variance_is_below() -> None:
    correct = np.random.RandomState(0).random_sample((4, 3, 50)) < 0.8
    found, expected = components.spread(correct), variance_components(correct)
    assert found["n"] == 12
    assert found["mean"] == pytest.approx(100 * correct.mean())
    assert found["sd"] ** 2 == pytest.approx(sum(c.variance for c in expected.values()))
    assert min(component.variance for component in expected.values()) < 0
    expected["test digits"] = variance_over_test_sets(correct)
    for source, component in expected.items():
        assert found[source]["variance"] == component.variance
        assert found[source]["sd"] == pytest.approx(max(0, component.variance) ** 0.5)
        assert np.square(found[source]["interval_95"]) == pytest.approx(component.interval_95)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"split": {"protocol": "holdout", "validation_fraction": 0.2}},
            "a list of seeds at split.seed",
        ),
        ({"seeds": [0, 1]}, "at least 3 of each"),
        (
            {"split": {"protocol": "holdout", "validation_fraction": 0.2, "seed": [4, 5]}},
            "at least 3 of each",
        ),
        (
            {
                "models": {
                    "A": {
                        "architecture": {"name": "simple"},
                        "optimizer": {"name": "sgd", "lr": [1, 2]},
                    }
                }
            },
            "no list of learning rates; got the model A/1",
        ),
    ],
)
def test_runs_that_are_not_crossed_are_refused(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        components.check(small(tmp_path, **changes))
