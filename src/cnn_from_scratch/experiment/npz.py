"""Writing arrays, the same bytes on every system; apart from `files`, as not all need NumPy."""

import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np


def write_npz(file: Path | IO[bytes], arrays: dict[str, np.ndarray[Any, Any]]) -> None:
    """Write named arrays as an uncompressed .npz without pickles, dates or traces of the system."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")  # its date is 1980-01-01
            entry.create_system = 3  # as on Unix, also elsewhere
            entry.external_attr = 0o644 << 16
            with archive.open(entry, "w") as member:
                np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)
