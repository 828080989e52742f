"""Arrays are written without a trace of when and where."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch.experiment.npz import write_npz


def test_npz_tells_nothing_of_the_time_and_the_system(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz", {"a": np.arange(3), "b": np.ones((2, 2))})
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert archive.namelist() == ["a.npy", "b.npy"]
        for entry in archive.infolist():
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert entry.create_system == 3
            assert entry.external_attr == 0o644 << 16
            assert entry.compress_type == zipfile.ZIP_STORED


def test_npz_in_memory_is_as_in_a_file(tmp_path: Path) -> None:
    arrays = {"a": np.arange(3), "b": np.ones((2, 2))}
    write_npz(tmp_path / "a.npz", arrays)
    write_npz(memory := io.BytesIO(), arrays)
    assert memory.getvalue() == (tmp_path / "a.npz").read_bytes()


def test_npz_keeps_arrays_of_every_kind(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {
        "theta": np.array([0.1, -np.inf, np.nan, 5e-324]),
        "labels": np.arange(6).reshape(2, 3),
        "number": np.array(3),
        "none": np.zeros((0, 1, 6, 6)),
    }
    write_npz(tmp_path / "a.npz", arrays)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        assert list(file) == list(arrays)
        for name, array in arrays.items():
            assert file[name].dtype == array.dtype
            assert file[name].shape == array.shape
            assert file[name].tobytes() == array.tobytes()


def test_npz_does_not_depend_on_the_order_in_memory(tmp_path: Path) -> None:
    array = np.arange(12.0).reshape(3, 4)
    write_npz(tmp_path / "c.npz", {"a": array})
    write_npz(tmp_path / "fortran.npz", {"a": np.asfortranarray(array)})
    write_npz(tmp_path / "view.npz", {"a": np.arange(24.0).reshape(3, 8)[:, ::2] / 2})
    first = (tmp_path / "c.npz").read_bytes()
    assert (tmp_path / "fortran.npz").read_bytes() == first
    assert (tmp_path / "view.npz").read_bytes() == first


def test_npz_refuses_pickles(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        write_npz(tmp_path / "a.npz", {"a": np.array([None, {}])})
