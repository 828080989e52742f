"""The record of a run: its files, their columns, that they agree with the run, and stay so."""

import csv
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.params import Train
from cnn_from_scratch.experiment.records import (
    accuracies,
    check_run_folder,
    check_still_wanted,
    is_own_record,
    read_record,
    record_files,
    recorded_from,
    run_folder,
    write_record,
)
from cnn_from_scratch.experiment.run import Run, train_run
from cnn_from_scratch.experiment.trained import read_trained
from cnn_from_scratch.nn.optimizers import Adam
from tests.experiment.studies import (
    DIVERGING,
    HOLDOUT,
    RESUBSTITUTION,
    SIMPLE,
    stripes,
)

FILES = ["checkpoint.npz", "gradients.csv", "history.csv", "predictions.csv", "result.json"]
DIGEST = "0123456789abcdef" * 4


def record(run: Run, protocol: str = "holdout", trained_from: str = DIGEST) -> dict[str, bytes]:
    return record_files(
        run,
        model="mine",
        seed=3,
        optimizer=Adam(lr=0.05),
        epochs=5,
        protocol=protocol,
        trained_from=trained_from,
    )


def write(folder: Path, run: Run, protocol: str = "holdout", trained_from: str = DIGEST) -> Path:
    write_record(folder, record(run, protocol, trained_from))
    return folder


FIVE = Train(epochs=5, batch_size=None)


@pytest.fixture(scope="module")
def run() -> Run:
    return train_run(SIMPLE, 3, stripes(), HOLDOUT, FIVE)


@pytest.fixture
def folder(run: Run, tmp_path: Path) -> Path:
    return write(tmp_path / "run", run)


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def result(folder: Path) -> Any:
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def test_a_record_is_these_files(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["SHA256SUMS", *FILES]
    for name in ("SHA256SUMS", "history.csv", "predictions.csv", "result.json"):
        content = (folder / name).read_bytes()
        assert content.endswith(b"\n")
        assert b"\r" not in content


def test_a_record_is_written_as_it_is(folder: Path, run: Run) -> None:
    files = record(run)
    assert list(files) == [*FILES, "SHA256SUMS"]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files


def test_the_accuracies_in_words(run: Run) -> None:
    train, val, test = (f"{run.scores[split].accuracy:.1%}" for split in ("train", "val", "test"))
    assert accuracies(record(run)) == f"accuracy train {train}, val {val}, test {test}"
    diverged = train_run(DIVERGING, 1, stripes(), HOLDOUT, Train(epochs=50, batch_size=None))
    assert accuracies(record(diverged)).endswith("%, DIVERGED")


def test_the_history_has_every_epoch_with_all_digits(folder: Path, run: Run) -> None:
    lines = (folder / "history.csv").read_text().splitlines()
    assert lines[0] == "epoch,train_loss,train_accuracy,val_loss,val_accuracy"
    assert len(lines) == 1 + 6
    for line, epoch in zip(lines[1:], run.fit.history, strict=True):
        number, *scores = line.split(",")
        assert int(number) == epoch.epoch
        assert [float(score) for score in scores] == [*epoch.train, *epoch.val]


def test_the_result(folder: Path, run: Run) -> None:
    assert result(folder) == {
        "model": "mine",
        "seed": 3,
        "trained_from": DIGEST,
        "optimizer": {
            "name": "adam",
            "lr": 0.05,
            "beta1": 0.7,
            "beta2": 0.99,
            "eps": 1e-8,
            "weight_decay": 0.0,
        },
        "epochs": 5,
        "protocol": "holdout",
        "parameters": 69,
        "diverged": False,
        "last_finite_epoch": 5,
        "checkpoint_epoch": 5,
        "scores": {
            split: {"loss": run.scores[split].loss, "accuracy": run.scores[split].accuracy}
            for split in ("train", "val", "test")
        },
        "diagnostics": {
            "dead_logits": 0,
            "loss_floor": 0.0,
            "activations": [
                {
                    "layer": 2,
                    "kind": "Sigmoid",
                    "units": 3,
                    "dead": None,
                    "saturated": run.diagnostics.activations[0].saturated,
                }
            ],
        },
    }


def test_the_gradients(folder: Path, run: Run) -> None:
    written = rows(folder / "gradients.csv")
    assert [row.pop("epoch") for row in written] == ["1", "2", "3", "4", "5"]
    columns = {f"layer_{layer}": norms for layer, norms in run.gradient_norms.items()}
    assert list(columns) == list(written[0]) == ["layer_1", "layer_4"]
    for name, norms in columns.items():
        assert [float(row[name]) for row in written] == norms


def test_the_predictions_are_counted_in_the_scores(folder: Path) -> None:
    predictions = rows(folder / "predictions.csv")
    probabilities = ["p(1)", "p(2)", "p(3)"]
    assert list(predictions[0]) == ["split", "index", "label", "predicted", *probabilities]
    for split, size in (("val", 6), ("test", 9)):
        some = [row for row in predictions if row["split"] == split]
        assert len(some) == size
        hits = sum(row["label"] == row["predicted"] for row in some)
        assert result(folder)["scores"][split]["accuracy"] == hits / size
        indices = [int(row["index"]) for row in some]
        assert indices == sorted(set(indices))
    assert len(predictions) == 6 + 9


def test_the_predictions_name_samples_of_the_dataset(folder: Path) -> None:
    dataset = stripes()
    assert dataset.y_test is not None
    for row in rows(folder / "predictions.csv"):
        labels = {"val": dataset.y, "test": dataset.y_test}[row["split"]]
        assert row["label"] == dataset.class_names[labels[int(row["index"])]]
        assert row["predicted"] in dataset.class_names


def test_the_last_row_of_the_history_is_the_result(folder: Path) -> None:
    last = rows(folder / "history.csv")[-1]
    for split in ("train", "val"):
        scores = result(folder)["scores"][split]
        assert float(last[f"{split}_loss"]) == scores["loss"]
        assert float(last[f"{split}_accuracy"]) == scores["accuracy"]


def test_without_test_samples_no_file_speaks_of_a_test(tmp_path: Path) -> None:
    run = train_run(SIMPLE, 3, stripes(test=0), HOLDOUT, Train(epochs=2, batch_size=None))
    folder = write(tmp_path / "run", run)
    assert list(result(folder)["scores"]) == ["train", "val"]
    assert {row["split"] for row in rows(folder / "predictions.csv")} == {"val"}
    assert sorted(path.name for path in folder.iterdir()) == ["SHA256SUMS", *FILES]


def test_resubstitution_says_so(tmp_path: Path) -> None:
    run = train_run(SIMPLE, 3, stripes(), RESUBSTITUTION, Train(epochs=2, batch_size=None))
    folder = write(tmp_path / "run", run, "resubstitution")
    written = result(folder)
    assert written["protocol"] == "resubstitution"
    assert written["scores"]["val"] == written["scores"]["train"]
    for row in rows(folder / "history.csv"):
        assert row["val_loss"] == row["train_loss"]
        assert row["val_accuracy"] == row["train_accuracy"]
    assert sum(row["split"] == "val" for row in rows(folder / "predictions.csv")) == 24


def test_a_diverged_run_is_recorded_in_finite_numbers(tmp_path: Path) -> None:
    run = train_run(DIVERGING, 1, stripes(), HOLDOUT, Train(epochs=50, batch_size=None))
    folder = write(tmp_path / "run", run)
    written = result(folder)
    history = rows(folder / "history.csv")
    assert written["diverged"] is True
    assert written["last_finite_epoch"] == int(history[-1]["epoch"]) == len(history) - 1 < 50
    numbers = [float(value) for row in history for value in row.values()]
    assert np.isfinite(numbers).all()
    assert float(history[-1]["val_loss"]) == written["scores"]["val"]["loss"]
    assert len(rows(folder / "predictions.csv")) == 6 + 9
    with np.load(folder / "checkpoint.npz", allow_pickle=False) as file:
        assert np.isfinite(file["theta"]).all()


def test_a_record_replaces_an_earlier_one_whole(folder: Path, run: Run) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "stale.txt").write_text("stale")
    (folder / "result.json").write_text("stale")
    write(folder, run)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["run"]


def test_the_workflow_keeps_a_run_by_model_and_seed() -> None:
    assert run_folder("S-Adam", 3) == Path("runs", "S-Adam", "3")


def test_the_checkpoint_gives_the_recorded_labels(folder: Path) -> None:
    dataset = stripes()
    assert dataset.X_test is not None
    trained = read_trained(read_record(folder, DIGEST)["checkpoint.npz"], "checkpoint.npz")
    recorded = [row["predicted"] for row in rows(folder / "predictions.csv")]
    given = dataset.names(trained.probabilities(dataset.X_test).argmax(axis=1))
    assert recorded[-len(given) :] == given
    assert len(set(given)) > 1  # so these are no constant answers


# ---------------------------------------------------------------- a record vouches for itself


def test_the_sums_are_such_as_the_system_checks(folder: Path) -> None:
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    expected = [
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}" for name in FILES
    ]
    assert lines == expected


def test_what_is_read_is_what_was_written(folder: Path) -> None:
    files = read_record(folder, DIGEST)
    assert files == {name: (folder / name).read_bytes() for name in FILES}


@pytest.mark.parametrize("name", FILES)
def test_a_changed_byte_anywhere_is_found(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    for place in (0, len(content) // 2, len(content) - 1):
        changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        (folder / name).write_bytes(changed)
        with pytest.raises(InputError) as error:
            read_record(folder, DIGEST)
        assert str(error.value) == (
            f"{folder / name}: damaged; 'make check-cache', then 'dvc repro' makes it anew"
        )


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", [b"", bytes(500), b"[]"], ids=["empty", "zeros", "a list"])
def test_other_content_is_found(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}: damaged; "):
        read_record(folder, DIGEST)


@pytest.mark.parametrize("content", [b"", bytes(500), b"\xff\n", b"a  b  c\n"])
def test_damaged_sums_vouch_for_nothing(folder: Path, content: bytes) -> None:
    (folder / "SHA256SUMS").write_bytes(content)
    with pytest.raises(InputError, match=r"checkpoint.npz: damaged; "):
        read_record(folder, DIGEST)


@pytest.mark.parametrize("name", ["SHA256SUMS", *FILES])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(InputError) as error:
        read_record(folder, DIGEST)
    assert str(error.value) == f"{folder / name}: not found; 'dvc repro' makes it"


def test_a_record_of_other_settings_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"result.json: of other settings, another seed or"):
        read_record(folder, "0" * 64)


def test_what_it_was_trained_from_is_told(folder: Path) -> None:
    assert recorded_from(folder) == DIGEST
    for content in (b"", bytes(9), b"[]", b"{}"):
        (folder / "result.json").write_bytes(content)
        assert recorded_from(folder) is None
    (folder / "result.json").unlink()
    assert recorded_from(folder) is None


def test_only_an_untouched_record_at_its_place_is_ours(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    places = [Path("runs", name, seed) for name in ("mine", "copy") for seed in ("3", "4")]
    for place in places:
        write(place, run)
    assert [place for place in places if is_own_record(place)] == [Path("runs/mine/3")]
    note = Path("runs/mine/3/note.txt")
    note.write_text("mine")
    assert not is_own_record(Path("runs/mine/3"))
    note.unlink()
    assert is_own_record(Path("runs/mine/3"))
    with (Path("runs/mine/3") / "history.csv").open("a") as file:
        file.write("\n")
    assert not is_own_record(Path("runs/mine/3"))
    assert not is_own_record(Path("runs/nothing"))


def test_a_training_writes_only_what_is_still_wanted(folder: Path, run: Run) -> None:
    before = {folder: DIGEST}
    check_still_wanted(before, before, {folder: DIGEST})  # the same run, trained again
    with pytest.raises(InputError, match=r"run: not written, as params.yaml or the dataset is ano"):
        check_still_wanted(before, {folder: "1" * 64}, {folder: DIGEST})
    with pytest.raises(InputError, match=r"run: not written, as params.yaml or the dataset is ano"):
        check_still_wanted(before, {}, {folder: DIGEST})


def test_a_training_writes_over_no_run_that_came_meanwhile(folder: Path, run: Run) -> None:
    wanted = {folder: "1" * 64}
    check_still_wanted(wanted, wanted, {folder: DIGEST})  # it was there from the start
    for found in (None, "2" * 64):
        with pytest.raises(InputError, match=r"run: not written, as another training has put"):
            check_still_wanted(wanted, wanted, {folder: found})
    write(folder, run, trained_from="1" * 64)
    check_still_wanted(wanted, wanted, {folder: None})  # another training, of the same run


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_a_folder_that_links_to_itself_is_an_error_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    with pytest.raises(OSError, match="loop"):
        read_record(Path("loop"), DIGEST)
    assert not is_own_record(Path("loop"))
    with pytest.raises(InputError, match=r"^loop: is there already, and is no run's folder"):
        check_run_folder(Path("loop"), None)
