"""Files of one's own that lie where DVC deletes: in a stage's output, a folder of runs."""

import re
from collections.abc import Iterator
from pathlib import Path

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.records import FILES, SUMS

_LOCK = Path("dvc.lock")
_OUTPUT = re.compile(r"^ *- path: (runs/.+)$", re.MULTILINE)
_RUN = re.compile("runs/[^/]+(/[0-9.e+-]+)?/[0-9]+")  # <model>/<seed>, or <model>/<lr>/<seed>


def check_own_files() -> None:
    """Check that a build deletes no file of one's own. Raises InputError, naming the first.

    A run's folder, and in a study the folder of a model's runs, is a stage's output, which DVC
    deletes with all that is in it before it makes it anew. Hidden files are nobody's.
    """
    for file in _own_files():
        raise InputError(
            f"{file}: DVC deletes this with the run beside it when it makes that anew; move what is"
            " yours elsewhere"
        )


def _own_files() -> Iterator[Path]:
    """Yield the files in the runs' folders that no training has written."""
    if not _LOCK.exists():
        return
    for output in _OUTPUT.findall(_LOCK.read_text(encoding="utf-8", errors="replace")):
        for file in sorted(Path(output).rglob("*")):
            hidden = any(part.startswith(".") for part in file.parts)
            written = file.name in {SUMS, *FILES} and _RUN.fullmatch(file.parent.as_posix())
            if not (file.is_dir() or hidden or written):
                yield file
