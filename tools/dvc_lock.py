"""Reading and writing dvc.lock as DVC does: the same checks, the same bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dvc.dvcfile import Lockfile
from dvc.utils.serialize import dump_yaml, parse_yaml, parse_yaml_for_update
from dvc.utils.strictyaml import YAMLValidationError

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.files import replacing


def read_lock(file: Path, name: str) -> Any:
    """Return the content of a dvc.lock, which errors call by the name.

    Raises InputError if it is no lock, DvcException if it is no YAML.
    """
    content = parse_yaml_for_update(file.read_bytes(), name)
    try:
        return Lockfile.validate(content, name)
    except YAMLValidationError as error:
        raise InputError(f"{name}: {error.exc}") from error


def write_lock(file: Path, content: Any) -> None:
    """Write a dvc.lock, whole or not at all."""
    with replacing(file) as new:
        dump_yaml(new, content)


@contextmanager
def modify_lock(file: str, fs: Any) -> Iterator[Any]:
    """Give the content of a dvc.lock to change, and write it.

    It stands in for DVC's `modify_yaml`, which leaves an empty file or a part if it is killed, and
    takes five times as long to read it, to keep comments, of which a lock has none.
    """
    lock = Path(file)
    content = parse_yaml(lock.read_text(encoding="utf-8"), file) if lock.exists() else {}
    yield content
    write_lock(lock, content)
