"""Small files in the format of CIFAR-10's binary version, written independently of the reader."""

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

FOLDER = "cifar-10-batches-bin"
NAMES = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]
RECORD = 3073


def batches(records: int = 10) -> dict[str, bytes]:
    """Return the six batches, by name; labels are 0, 1, ..., 9, over and over."""
    rng = np.random.RandomState(0)
    contents = {}
    for name in NAMES:
        values = rng.randint(0, 256, (records, RECORD)).astype(np.uint8)
        values[:, 0] = np.arange(records) % 10
        contents[name] = values.tobytes()
    return contents


def write_folder(folder: Path, contents: Mapping[str, bytes]) -> Path:
    """Write the batches as files; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


def member(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE) -> bytes:
    """Return a member of an archive: its header, and its content in whole blocks."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(content), kind, "elsewhere"
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(info, io.BytesIO(content))
        return stream.getvalue()[: archive.offset]


def tar_bytes(contents: Mapping[str, bytes], *more: bytes) -> bytes:
    """Return an archive of the batches, with more members after them, not yet compressed."""
    members = [member(f"{FOLDER}/{name}", content) for name, content in contents.items()]
    return b"".join([*members, *more]) + bytes(2 * tarfile.BLOCKSIZE)


def write_archive(file: Path, contents: Mapping[str, bytes], *more: bytes) -> Path:
    """Write the .tar.gz, and return its path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(tar_bytes(contents, *more), mtime=0))
    return file
