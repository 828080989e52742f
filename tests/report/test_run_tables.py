"""A record's tables: whatever cannot be, or contradicts the rest, is refused with its file."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cnn_from_scratch.experiment.params import Train
from cnn_from_scratch.experiment.records import FILES, record_files
from cnn_from_scratch.experiment.run import train_run
from cnn_from_scratch.report.measures import MEASURES, Measure
from cnn_from_scratch.report.runs import FileError, RunTables, predicted_samples, run_tables
from tests.experiment.studies import DIVERGING, HOLDOUT, SIMPLE, stripes

DATASET = stripes()
TRAIN = Train(epochs=3, batch_size=None)
SAMPLES = predicted_samples(HOLDOUT, 3, DATASET)


def record(model: Any = SIMPLE, train: Train = TRAIN, **changes: Any) -> dict[str, bytes]:
    files = record_files(
        train_run(model, 3, replace(DATASET, **changes), HOLDOUT, train),
        model="A",
        seed=3,
        optimizer=model.optimizer,
        epochs=train.epochs,
        protocol="holdout",
        trained_from="",
    )
    return {name: files[name] for name in FILES}


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return record()


def tables(files: dict[str, bytes], train: Train = TRAIN, samples: Any = SAMPLES) -> RunTables:
    return run_tables(files, "A", 3, train, samples)


def test_the_tables_hold_what_the_files_say(files: dict[str, bytes]) -> None:
    run = tables(files)
    assert run.history["epoch"].tolist() == [0, 1, 2, 3]
    assert run.predictions["label"].tolist() == SAMPLES["label"].tolist()
    result = json.loads(files["result.json"])
    rows = run.scores(last_epoch=3).to_dict("records")
    assert [row["split"] for row in rows] == ["train", "val", "test"]
    for row in rows:
        score = result["scores"][row["split"]]
        assert (row["loss"], row["accuracy"]) == (score["loss"], score["accuracy"])
        assert row["checkpoint_epoch"] == 3


def test_a_run_that_ended_early_keeps_its_last_row_to_the_end_of_its_own_model(
    files: dict[str, bytes],
) -> None:
    run = tables(files)
    alone, beside_longer = (run.scores(last)["loss_area"].iloc[0] for last in (3, 5))
    losses = run.history["train_loss"].tolist()
    assert alone == pytest.approx(losses[0] / 2 + losses[1] + losses[2] + losses[3] / 2)
    assert beside_longer == pytest.approx(alone + 2 * losses[3])
    assert len(run.history) == 4


def test_a_measure_of_the_predictions_is_of_each_held_out_split(
    files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(rows: Any) -> float:
        return float((rows["label"] != rows["predicted"]).mean())

    monkeypatch.setitem(MEASURES, "wrong", Measure("error", "percent", "predictions", wrong))
    scores = tables(files).scores(3).set_index("split")
    assert scores["wrong"].isna().tolist() == [True, False, False]
    for split in ("val", "test"):
        assert scores["wrong"][split] == pytest.approx(1 - scores["accuracy"][split])


@pytest.mark.parametrize(
    "train",
    [
        replace(TRAIN, epochs=60, early_stopping=1),
        replace(TRAIN, best_checkpoint=True),
        replace(TRAIN, numerics="native"),
        replace(TRAIN, numerics="native", dtype="float32", batch_size=5),
    ],
)
def test_good_runs_of_all_kinds_are_read(train: Train) -> None:
    tables(record(train=train), train)


def test_a_diverged_run_and_one_without_test_samples_are_read() -> None:
    train = replace(TRAIN, epochs=50)
    assert tables(record(DIVERGING, train), train).result.diverged
    alone: Any = {"X_test": None, "y_test": None}
    samples = predicted_samples(HOLDOUT, 3, replace(DATASET, **alone))
    assert set(tables(record(**alone), samples=samples).predictions["split"]) == {"val"}


def row(number: int, change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Return what changes a line of a file; 0 is the header."""

    def changed(content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        lines[number] = change(lines[number])
        return b"".join(lines)

    return changed


def cell(number: int, column: int, value: str) -> Callable[[bytes], bytes]:
    """Return what changes a cell of a CSV file."""

    def change(line: bytes) -> bytes:
        cells = line.rstrip(b"\n").split(b",")
        cells[column] = value.encode()
        return b",".join(cells) + b"\n"

    return row(number, change)


def unlikely_prediction(content: bytes) -> bytes:
    """Let the first prediction be another class than the most probable one."""
    predicted = int(content.splitlines()[1].split(b",")[3])
    return cell(1, 3 + predicted, "0.0")(cell(1, 3 + predicted % 3 + 1, "1.0")(content))


def edit(**changes: Any) -> Callable[[bytes], bytes]:
    """Return what changes keys of a JSON file."""
    return lambda content: json.dumps(json.loads(content) | changes).encode()


def score(split: str, **changes: Any) -> Callable[[bytes], bytes]:
    """Return what changes a split's score."""

    def change(content: bytes) -> bytes:
        result = json.loads(content)
        result["scores"][split] |= changes
        return json.dumps(result).encode()

    return change


def without(split: str) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        result = json.loads(content)
        del result["scores"][split]
        return json.dumps(result).encode()

    return change


def fullwidth(line: bytes) -> bytes:
    return line.decode().translate({ord("0") + i: chr(0xFF10 + i) for i in range(10)}).encode()


def swap(content: bytes) -> bytes:
    head, first, second, *rest = content.splitlines(keepends=True)
    return b"".join([head, second, first, *rest])


CSV = ("history.csv", "gradients.csv", "predictions.csv")
DAMAGES: list[tuple[str, Callable[[bytes], bytes]]] = [
    *((name, lambda _: b"") for name in CSV),
    *((name, lambda content: bytes(len(content))) for name in ("result.json", *CSV)),
    *((name, row(2, lambda line: b"")) for name in CSV),
    *((name, row(2, lambda line: line + line)) for name in CSV),
    *((name, row(2, fullwidth)) for name in CSV),
    *((name, row(-1, lambda line: b"")) for name in CSV),
    ("history.csv", swap),
    ("predictions.csv", swap),
    ("history.csv", lambda content: content.replace(b"val_loss", b"loss")),
    ("history.csv", cell(1, 1, "")),
    ("history.csv", cell(1, 1, "inf")),
    ("history.csv", cell(1, 1, "nan")),
    ("history.csv", cell(1, 1, "low")),
    ("history.csv", cell(1, 1, "-0.5")),
    ("history.csv", cell(1, 2, "1.5")),
    ("history.csv", cell(1, 4, "-0.5")),
    ("history.csv", cell(1, 0, "7")),
    ("history.csv", lambda content: content + b'"'),
    ("history.csv", lambda content: content + b"\xff"),
    ("predictions.csv", cell(1, 0, "va")),
    ("predictions.csv", cell(1, 1, "99")),
    ("predictions.csv", cell(1, 2, "7")),
    ("predictions.csv", cell(1, 3, "0")),
    ("predictions.csv", cell(1, 4, "")),
    ("predictions.csv", cell(1, 4, "1.5")),
    ("predictions.csv", cell(1, 4, "-0.5")),
    ("predictions.csv", cell(0, 4, "p(7)")),
    ("predictions.csv", unlikely_prediction),
    ("predictions.csv", cell(1, 3, "4")),
    ("predictions.csv", cell(1, 3, str(10**20))),
    ("predictions.csv", cell(1, 3, "1.0")),
    ("result.json", lambda content: content[:-5]),
    ("result.json", lambda content: b"[]"),
    ("result.json", edit(model="B")),
    ("result.json", edit(seed=4)),
    ("result.json", edit(epochs=4)),
    ("result.json", edit(last_finite_epoch=2, checkpoint_epoch=2)),
    ("result.json", edit(checkpoint_epoch=4)),
    ("result.json", edit(checkpoint_epoch=-1)),
    ("result.json", edit(diverged="no")),
    ("result.json", edit(protocol=None)),
    ("result.json", edit(scores=[1, 2])),
    ("result.json", edit(scores={})),
    ("result.json", edit(scores={"train": 1, "val": 1})),
    ("result.json", without("test")),
    ("result.json", score("train", accuracy=0.01)),
    ("result.json", score("train", loss=0.01)),
    ("result.json", score("val", accuracy=0.01)),
    ("result.json", score("val", loss=0.01)),
    ("result.json", score("test", accuracy=0.01)),
    ("result.json", score("test", loss=-1.0)),
    ("result.json", score("test", loss=float("nan"))),
]


@pytest.mark.parametrize(
    ("name", "damage"), DAMAGES, ids=[f"{name}-{i}" for i, (name, _) in enumerate(DAMAGES)]
)
def test_what_cannot_be_is_refused(
    files: dict[str, bytes], name: str, damage: Callable[[bytes], bytes]
) -> None:
    changed = damage(files[name])
    assert changed != files[name]
    with pytest.raises(FileError) as error:
        tables(files | {name: changed})
    assert error.value.file == name


def test_a_prediction_changed_to_another_label_contradicts_the_score(
    files: dict[str, bytes],
) -> None:
    for line in (1, -1):
        cells = files["predictions.csv"].splitlines()[line].decode().split(",")
        label, predicted = cells[2:4]
        other = next(c for c in (label, "1", "2") if (c == label) != (predicted == label))
        changed = cell(line, 3, other)(files["predictions.csv"])
        for name in ("1", "2", "3"):
            changed = cell(line, 3 + int(name), str(float(name == other)))(changed)
        with pytest.raises(FileError, match=re.escape("expected those of the predictions")):
            tables(files | {"predictions.csv": changed})


def test_the_last_epochs_row_is_the_score(files: dict[str, bytes]) -> None:
    with pytest.raises(FileError, match="expected those of epoch 3"):
        tables(files | {"history.csv": cell(-1, 1, "0.123")(files["history.csv"])})


ODD_NAMES = [
    ("10", "2", "01"), ("a,b", 'say "x"', "Ä Ö"), ("#", " a", "a "), ("1", "1.0", "nan"),
]  # fmt: skip


@pytest.mark.parametrize("names", ODD_NAMES)
def test_names_are_read_letter_for_letter_and_keep_their_order(names: tuple[str, ...]) -> None:
    dataset = replace(DATASET, class_names=names)
    run = tables(record(class_names=names), samples=predicted_samples(HOLDOUT, 3, dataset))
    labels = run.predictions["label"]
    assert tuple(labels.cat.categories) == names
    assert labels.cat.codes.tolist() == SAMPLES["label"].cat.codes.tolist()
    assert set(run.predictions["predicted"]) <= set(names)


def test_a_name_that_is_no_class_is_told(files: dict[str, bytes]) -> None:
    changed = cell(1, 3, "01")(files["predictions.csv"])
    with pytest.raises(FileError, match=re.escape("that name a class, got '01'")):
        tables(files | {"predictions.csv": changed})
