"""Small IDX files, written independently of the code that reads them."""

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np

NAMES = {
    "images": "train-images-idx3-ubyte",
    "labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}
CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}

Values = np.ndarray[Any, np.dtype[Any]]


def idx_bytes(values: Values) -> bytes:
    """Return what a file of these values holds."""
    code = CODES[values.dtype.str[1:]]
    header = struct.pack(f">BBBB{values.ndim}I", 0, 0, code, values.ndim, *values.shape)
    return header + values.astype(values.dtype.newbyteorder(">")).tobytes()


def digits(samples: int, *shape: int, seed: int = 0) -> Values:
    """Return images of bytes, at least one of which is 255."""
    images = np.random.RandomState(seed).randint(0, 256, (samples, *shape)).astype(np.uint8)
    images.flat[0] = 255
    return images


def write_idx(
    folder: Path,
    *,
    samples: int = 20,
    tests: int = 10,
    shape: tuple[int, ...] = (6, 6),
    first_label: int = 0,
    classes: int = 10,
    packed: bool = True,
) -> dict[str, Values]:
    """Write a set of four files, and return what is in them by the key of params.yaml.

    Labels are first_label, first_label + 1 and so on, over and over.
    """
    folder.mkdir(parents=True, exist_ok=True)
    values = {
        "images": digits(samples, *shape),
        "labels": (np.arange(samples) % classes + first_label).astype(np.uint8),
        "test_images": digits(tests, *shape, seed=1),
        "test_labels": (np.arange(tests) % classes + first_label).astype(np.uint8),
    }
    for key, name in NAMES.items():
        content = idx_bytes(values[key])
        if packed:
            name, content = f"{name}.gz", gzip.compress(content, mtime=0)
        (folder / name).write_bytes(content)
    return values
