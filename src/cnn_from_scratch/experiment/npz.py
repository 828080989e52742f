"""Writing arrays, the same bytes on every system; apart from `files`, as not all need NumPy."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import numpy as np


def write_npz(
    file: Path | IO[bytes],
    arrays: dict[str, np.ndarray[Any, Any]],
    texts: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write named arrays as an uncompressed .npz without pickles, dates or traces of the system.

    texts: further files in it, by name, which NumPy gives as bytes.
    """
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(_entry(f"{name}.npy"), "w") as member:
                np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)
        for name, text in texts.items():
            archive.writestr(_entry(name), text.encode())


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)  # its date is 1980-01-01
    entry.create_system = 3  # as on Unix, also elsewhere
    entry.external_attr = 0o644 << 16
    return entry
