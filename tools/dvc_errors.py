"""DVC's errors, shown as all others are."""

from collections.abc import Iterator
from contextlib import contextmanager

from dvc.exceptions import DvcException

from cnn_from_scratch import InputError


@contextmanager
def one_line(task: str) -> Iterator[None]:
    """Raise InputError, in one line, if DVC cannot do the task."""
    try:
        yield
    except DvcException as error:
        raise InputError(f"cannot {task}: {' '.join(str(error).split())}") from error
