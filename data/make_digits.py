"""Make data/digits from the 8x8 digits bundled with scikit-learn: the IDX files of studies/digits.

Usage: python data/make_digits.py [FOLDER]

The digits are the test part of the UCI "Optical Recognition of Handwritten Digits" (Alpaydin and
Kaynak 1998, CC BY 4.0), all 1,797 of them, in their own order. As in scikit-learn's example
"Recognizing hand-written digits", the first half is there to learn from, the second to test on.
"""

import gzip
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

UNSIGNED_BYTE = 0x08

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


def idx(array: Bytes) -> bytes:
    """Return an array as an IDX file: magic number, sizes of the axes, big-endian; then the bytes.

    Source: LeCun, Cortes and Burges, "The MNIST database", section "File formats".
    """
    magic = struct.pack(">HBB", 0, UNSIGNED_BYTE, array.ndim)
    return magic + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def files() -> dict[str, bytes]:
    """Return the content of each file by its name, not yet compressed."""
    bunch = load_digits()
    images, labels = bunch.images.astype(np.uint8), bunch.target.astype(np.uint8)
    half = len(labels) // 2
    return {
        f"{part}-{what}-idx{array.ndim}-ubyte": idx(array[rows])
        for part, rows in (("train", slice(half)), ("test", slice(half, None)))
        for what, array in (("images", images), ("labels", labels))
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("digits")
    folder.mkdir(exist_ok=True)
    for name, content in files().items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))
