"""Reading files that may be gzip-compressed, cut off, damaged or larger than anyone expects."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from cnn_from_scratch import InputError

_GZIP = b"\x1f\x8b"  # what such a file begins with, whatever it is called
_CHUNK = 2**20  # bytes


class Unpacked:
    """The content of a file, decompressed if it was compressed, from the beginning to the end.

    file: its path. offset: how many bytes have been read; places in messages are such offsets.
    """

    def __init__(self, file: Path, stream: IO[bytes] | gzip.GzipFile, limit: int):
        self.file = file
        self.offset = 0
        self._stream = stream
        self._limit = limit

    def read(self, size: int) -> bytearray:
        """Return the next bytes, fewer only at the end; it never holds more than there are.

        Raises InputError if the file is damaged, or goes on after the limit.
        """
        found = bytearray()
        try:
            while chunk := self._stream.read(min(size - len(found), _CHUNK)):
                found += chunk
                self.offset += len(chunk)
                if self.offset > self._limit:
                    raise InputError(
                        f"{self.file}: expected at most {self._limit} bytes, found more"
                    )
        except (EOFError, OSError, zlib.error) as error:
            raise InputError(
                f"{self.file}: cannot be read on from byte {self.offset}: {error}"
            ) from error
        return found


@contextmanager
def unpacking(file: Path, limit: int) -> Iterator[Unpacked]:
    """Open a file, of which no more than some bytes are read. Raises InputError, naming it."""
    try:
        plain = file.open("rb")
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from error
    with plain:
        compressed = plain.read(len(_GZIP)) == _GZIP
        plain.seek(0)
        if not compressed:
            yield Unpacked(file, plain, limit)
            return
        with gzip.open(plain) as stream:
            yield Unpacked(file, stream, limit)
