"""Reading what `aggregate` wrote: a file that is missing or damaged is named."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.report.measures import MEASURES
from cnn_from_scratch.report.outputs import Outputs, best_run, read_json


def outputs() -> Outputs:
    return Outputs(Path("data/dataset.npz"))


FILES: dict[str, Callable[[], object]] = {
    "metrics/runs.parquet": lambda: outputs().scores,
    "metrics/statistics.json": lambda: outputs().statistics,
    "plot_data/classes.json": lambda: outputs().class_names,
    "plot_data/confusion.json": lambda: outputs().confusion,
    "plot_data/misclassified.json": lambda: outputs().misclassified,
    "plot_data/reliability.json": lambda: outputs().reliability,
    "plot_data/train_loss.json": lambda: outputs().train_loss,
    "rates/rates.json": lambda: read_json(Path("rates/rates.json")),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("metrics", "plot_data", "rates"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("name", "read"), FILES.items(), ids=FILES)
@pytest.mark.parametrize("content", [b"", bytes(500), b"PAR1", b'{"a": 1'])
def test_a_damaged_file_is_named(name: str, read: Callable[[], object], content: bytes) -> None:
    Path(name).write_bytes(content)
    with pytest.raises(InputError) as error:
        read()
    assert str(error.value) == f"{name}: damaged; delete it, and 'dvc repro' makes it"


@pytest.mark.parametrize(("name", "read"), FILES.items(), ids=FILES)
def test_a_missing_file_is_named(name: str, read: Callable[[], object]) -> None:
    with pytest.raises(InputError) as error:
        read()
    assert str(error.value) == f"{name}: not found; 'dvc repro' makes it"


def test_good_files_are_read_once() -> None:
    table = pd.DataFrame({"model": ["A", "B"], "label": ["01", "1"], "loss_floor": [0.5, 0.0]})
    measured = table.assign(protocol="holdout", **dict.fromkeys(MEASURES, 0.5))
    measured.to_parquet("metrics/runs.parquet")
    Path("metrics/statistics.json").write_text('{"µ": 1}', encoding="utf-8")
    table.to_json("plot_data/confusion.json", orient="records")
    Path("plot_data/classes.json").write_text('["01", "1"]')
    read = outputs()
    assert read.statistics == {"µ": 1}
    pd.testing.assert_frame_equal(read.confusion, table)
    assert (read.class_names, read.protocol) == (["01", "1"], "holdout")
    assert read.loss_floors == {"A": 0.5, "B": 0.0}
    for file in Path().glob("*/*.*"):
        file.unlink()
    assert read.statistics == {"µ": 1}
    assert (read.class_names, read.protocol) == (["01", "1"], "holdout")


def test_runs_without_a_measure_are_told_to_be_aggregated_anew() -> None:
    pd.DataFrame({"model": ["A"], "accuracy": [0.5]}).to_parquet("metrics/runs.parquet")
    with pytest.raises(InputError) as error:
        _ = outputs().scores
    assert str(error.value) == (
        f"{Path('metrics/runs.parquet')}: has no column 'loss'; 'dvc repro' makes it anew"
    )


def test_a_dataset_that_is_missing_is_named() -> None:
    with pytest.raises(InputError, match="not found"):
        _ = outputs().dataset


def test_the_run_is_the_first_seed_of_the_model_best_on_validation() -> None:
    """Not on the test samples, and the first of equally good models."""
    means = {"A": {"val": 0.5, "test": 1.0}, "B": {"val": 0.75, "test": 0.0}, "C": {"val": 0.75}}
    scores = pd.DataFrame(
        {"model": model, "seed": seed, "split": split, "accuracy": accuracy + offset}
        for model, accuracies in means.items()
        for seed, offset in ((7, -0.125), (3, 0.125))
        for split, accuracy in accuracies.items()
    )
    assert best_run(scores) == ("B", 7)
