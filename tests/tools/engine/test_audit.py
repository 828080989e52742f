"""The first difference of two records is told: the file, and in a checkpoint the array."""

import io

import numpy as np
import pytest

from cnn_from_scratch.experiment.npz import write_npz
from engine.audit import first_difference


def npz(**arrays: float) -> bytes:
    write_npz(file := io.BytesIO(), {name: np.full(3, value) for name, value in arrays.items()})
    return file.getvalue()


RECORD = {
    "checkpoint.npz": npz(theta=1.0, mean=0.5),
    "history.csv": b"epoch\n0\n",
    "result.json": b"{}\n",
    "SHA256SUMS": b"sums\n",
}


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def test_a_record_is_as_itself() -> None:
    assert first_difference(RECORD, dict(RECORD)) is None


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"history.csv": b"epoch\n1\n", "result.json": b"[]\n"}, "history.csv"),
        ({"result.json": b"[]\n", "SHA256SUMS": b"others\n"}, "result.json"),
        ({"SHA256SUMS": b"others\n"}, "SHA256SUMS"),
        ({"more.csv": b""}, "more.csv"),
        ({"checkpoint.npz": npz(theta=1.0, mean=0.6)}, "checkpoint.npz, array mean"),
        ({"checkpoint.npz": npz(theta=np.nan, mean=0.6)}, "checkpoint.npz, array theta"),
        ({"checkpoint.npz": npz(theta=1.0)}, "checkpoint.npz, array mean"),
        ({"checkpoint.npz": npz(mean=0.5, theta=1.0)}, "checkpoint.npz"),
        ({"checkpoint.npz": b""}, "checkpoint.npz"),
        ({"checkpoint.npz": b"PK\3\4, and no archive"}, "checkpoint.npz"),
    ],
)
def test_the_first_difference_is_named(change: dict[str, bytes], place: str) -> None:
    assert first_difference(RECORD, RECORD | change) == place


def test_a_flipped_bit_in_an_array_names_it() -> None:
    content = RECORD["checkpoint.npz"]
    start = content.index(np.full(3, 0.5).tobytes())
    changed = RECORD | {"checkpoint.npz": flipped(content, start)}
    assert first_difference(RECORD, changed) == "checkpoint.npz, array mean"
    assert first_difference(changed, RECORD) == "checkpoint.npz, array mean"


def test_a_file_that_is_missing_is_named() -> None:
    for name, place in [("checkpoint.npz", "checkpoint.npz"), ("history.csv", "history.csv")]:
        less = {key: content for key, content in RECORD.items() if key != name}
        assert first_difference(RECORD, less) == place
        assert first_difference(less, RECORD) == place
