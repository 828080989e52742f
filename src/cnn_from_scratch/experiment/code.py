"""The code that runs are trained by, as digests of its files."""

from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import md5
from pathlib import Path

import cnn_from_scratch
from cnn_from_scratch import InputError

PACKAGE = "src/cnn_from_scratch/"  # as a list of code names this package's folder


def code_digests(paths: Iterable[Path]) -> dict[str, str]:
    """Return {path: MD5, in hex} of modules, and of all modules in folders, in order of the paths.

    Raises InputError if a path is not there.
    """
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: not found")
        files += [path] if path.is_file() else path.rglob("*.py")
    return {file.as_posix(): _md5(file) for file in sorted(files)}


def difference_from(code: Mapping[str, str]) -> str | None:
    """Return how this process's package differs from a list of code, by the first file."""
    for name, digest in code.items():
        if name.startswith(PACKAGE) and (own := _own_md5(name.removeprefix(PACKAGE))) != digest:
            return f"{name}: {'another version' if own else 'not found'}"
    return None


@cache
def own_code() -> dict[str, str]:
    """Return {module: MD5} of this process's package."""
    package = Path(cnn_from_scratch.__file__).parent
    digests = code_digests([package])
    return {Path(name).relative_to(package).as_posix(): md5 for name, md5 in digests.items()}


@cache  # of the code as it was when the process loaded it
def _own_md5(name: str) -> str | None:
    file = Path(cnn_from_scratch.__file__).parent / name
    return _md5(file) if file.exists() else None


def _md5(file: Path) -> str:
    return md5(file.read_bytes(), usedforsecurity=False).hexdigest()
