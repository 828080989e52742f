"""A record that is kept is found by what decides its bits, whole, and never of anything else."""

from dataclasses import replace
from pathlib import Path

import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.jobs import Job
from cnn_from_scratch.experiment.params import Train
from cnn_from_scratch.experiment.records import FILES, SUMS
from engine.kept import Kept
from tests.experiment.studies import HOLDOUT, SIMPLE, stripes

DATASET = stripes()
JOB = Job(replace(SIMPLE, name="A"), 3, HOLDOUT, Train(epochs=1, batch_size=None), Path("runs/A/3"))
CODE = {"src/a.py": "0" * 32}


@pytest.fixture(scope="module")
def record() -> dict[str, bytes]:
    return JOB.record(DATASET)


@pytest.fixture
def kept(record: dict[str, bytes], tmp_path: Path) -> Kept:
    kept = Kept(tmp_path, CODE)
    kept.put(JOB, DATASET, record, "host, process 7")
    return kept


def test_it_is_found_by_a_later_build(kept: Kept, record: dict[str, bytes], tmp_path: Path) -> None:
    found = Kept(tmp_path, dict(CODE)).get(JOB, stripes())
    assert found == (record, "host, process 7")


def test_its_place_in_the_project_and_what_computes_it_do_not_matter(kept: Kept) -> None:
    compiled = replace(JOB.train, backend="compiled")
    assert kept.get(replace(JOB, folder=Path("elsewhere"), train=compiled), DATASET)


@pytest.mark.parametrize(
    "other",
    [
        replace(JOB, seed=4),
        replace(JOB, model=replace(JOB.model, name="B")),
        replace(JOB, train=replace(JOB.train, epochs=2)),
        replace(JOB, train=replace(JOB.train, numerics="native")),
    ],
)
def test_another_run_is_not_found(kept: Kept, other: Job) -> None:
    assert kept.get(other, DATASET) is None


def test_nor_is_one_of_another_dataset_or_code(kept: Kept, tmp_path: Path) -> None:
    assert kept.get(JOB, stripes(25)) is None
    assert Kept(tmp_path, CODE | {"src/b.py": "1" * 32}).get(JOB, DATASET) is None


@pytest.mark.parametrize("name", [*FILES, SUMS])
def test_a_damaged_one_is_not_found(kept: Kept, name: str) -> None:
    [file] = kept.folder.glob(f"*/{name}")
    file.write_bytes(file.read_bytes()[1:])
    assert kept.get(JOB, DATASET) is None
    file.unlink()
    assert kept.get(JOB, DATASET) is None


def test_a_damaged_one_is_not_kept(record: dict[str, bytes], tmp_path: Path) -> None:
    kept = Kept(tmp_path, CODE)
    for name in FILES:
        with pytest.raises(InputError, match=f"^{name}, as trained by host: damaged$"):
            kept.put(JOB, DATASET, record | {name: b"else"}, "host")
    with pytest.raises(InputError, match=r"^checkpoint\.npz, as trained by host: damaged$"):
        kept.put(JOB, DATASET, {}, "host")
    assert not kept.folder.exists()


def test_files_that_belong_to_no_record_are_left_out(
    record: dict[str, bytes], tmp_path: Path
) -> None:
    kept = Kept(tmp_path, CODE)
    kept.put(JOB, DATASET, record | {"../../outside": b"bad", "more": b"bad"}, "host")
    assert kept.get(JOB, DATASET) == (record, "host")
    assert not list(tmp_path.rglob("outside"))
    assert not list(tmp_path.rglob("more"))


def test_all_are_forgotten_at_once(kept: Kept) -> None:
    kept.clear()
    assert kept.get(JOB, DATASET) is None
    kept.clear()  # where there is nothing
