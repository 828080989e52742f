"""CIFAR-10's binary version: six files of batches, in a folder or in the archive they come in.

A batch consists of records of 3073 bytes: a label from 0 to 9, then 32x32 pixels of red, of green
and of blue, row by row. Nothing is unpacked to disk, and of the archive's members only these six
are read. The Python version is refused: reading it runs whatever it contains.

Source: Krizhevsky 2009, "The CIFAR-10 dataset", dataset layout, binary version.
"""

import posixpath
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cnn_from_scratch import InputError
from cnn_from_scratch.checks import Checked
from cnn_from_scratch.data.checksums import check_md5
from cnn_from_scratch.data.unpacking import Unpacked, unpacking
from cnn_from_scratch.experiment.dataset import Dataset, Images, Labels

CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
SHAPE = (3, 32, 32)  # C, H, W
RECORD = 1 + 3 * 32 * 32  # bytes
FOLDER = "cifar-10-batches-bin"
TEST_BATCH = "test_batch.bin"
BATCHES = (*(f"data_batch_{i}.bin" for i in range(1, 6)), TEST_BATCH)

_PYTHON_VERSION = ("cifar-10-batches-py", "data_batch_1")
_Contents = dict[str, tuple[str, bytes | bytearray]]  # by name: where in messages, and all of it
_LIMIT = 2**28  # bytes; the official batches have 184 million in all
_DAMAGE = (tarfile.TarError, EOFError, OSError, ValueError, LookupError, RecursionError)


@dataclass(frozen=True)
class Cifar10(Checked):
    """`convert.source` named cifar10.

    path: the folder of the batches, or the .tar.gz. md5: what the files must have, by their names.
    """

    path: str
    md5: dict[str, str] = field(default_factory=dict)

    def read(self) -> Dataset:
        """Return the samples: X (N, 3, 32, 32) uint8 with the scale 255; red, green, blue.

        Raises InputError, naming file and byte, if a batch is missing, is empty, or has a label
        above 9 or a part of a record, if the archive is damaged, or if it is the Python version.
        """
        path = Path(self.path)
        contents = self._folder(path) if path.is_dir() else self._archive(path)
        batches = {name: _read_batch(*contents[name]) for name in BATCHES}
        tests = batches.pop(TEST_BATCH)
        images, labels = zip(*batches.values(), strict=True)
        return Dataset(np.concatenate(images), np.concatenate(labels), CLASS_NAMES, *tests, 255.0)

    def _folder(self, folder: Path) -> _Contents:
        """Return the batches of a folder."""
        inner = folder / FOLDER
        folder = inner if inner.is_dir() else folder
        if any((folder / name).exists() for name in _PYTHON_VERSION):
            raise _python_version(folder)
        files = [folder / name for name in BATCHES]
        for file in files:
            if not file.exists():
                raise InputError(f"{file}: not found; expected {', '.join(BATCHES)}")
        check_md5(files, self.md5)
        contents: _Contents = {}
        for file in files:
            with unpacking(file, _LIMIT) as content:
                contents[file.name] = str(file), content.read(_LIMIT + 1)
        return contents

    def _archive(self, file: Path) -> _Contents:
        """Return the batches of a .tar.gz."""
        with unpacking(file, _LIMIT) as content:
            check_md5([file], self.md5)
            try:
                contents = _members(file, content)
            except _DAMAGE as error:
                where = f"{file}, byte {content.offset}"
                raise InputError(f"{where}: expected a .tar.gz, cannot go on: {error}") from error
            while content.read(tarfile.RECORDSIZE):  # so that gzip's checksum at the end is checked
                pass
        for name in BATCHES:
            if name not in contents:
                raise InputError(f"{file}: expected a member {FOLDER}/{name}, found none")
        return contents


def _members(file: Path, content: Unpacked) -> _Contents:
    """Return the batches among an archive's members; what else there is goes unread."""
    contents: _Contents = {}
    stream: Any = content  # of which tarfile needs no more than `read`
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            if archive.offset > _LIMIT:  # tarfile would look for the next member there without end
                raise InputError(f"{file}, {member.name!r}: expected at most {_LIMIT} bytes")
            folder, name = posixpath.split(member.name.removeprefix("./"))
            if folder == _PYTHON_VERSION[0]:
                raise _python_version(file)
            if folder != FOLDER or name not in BATCHES:
                continue
            where = f"{file}, {member.name}"
            if not member.isreg() or member.issparse():
                raise InputError(f"{where}: expected a plain file")
            if name in contents:
                raise InputError(f"{where}: expected it once, found it twice")
            batch = archive.extractfile(member)
            assert batch is not None  # as it is a plain file
            contents[name] = where, batch.read()
    return contents


def _read_batch(where: str, content: bytes | bytearray) -> tuple[Images, Labels]:
    """Return the images (N, 3, 32, 32) and labels (N,) of a batch."""
    count, rest = divmod(len(content), RECORD)
    if rest or not count:
        raise InputError(
            f"{where}, byte {count * RECORD}: expected a record of {RECORD} bytes, found {rest}"
        )
    records = np.frombuffer(content, np.uint8).reshape(count, RECORD)
    labels = records[:, 0].astype(np.int64)
    if (wrong := labels >= len(CLASS_NAMES)).any():
        first = int(np.argmax(wrong))
        raise InputError(
            f"{where}, byte {first * RECORD}: expected a label from 0 to 9, found {labels[first]}"
        )
    return records[:, 1:].reshape(count, *SHAPE), labels


def _python_version(path: Path) -> InputError:
    return InputError(
        f"{path}: is the Python version of CIFAR-10, which is pickled; expected the binary version,"
        " cifar-10-binary.tar.gz"
    )
