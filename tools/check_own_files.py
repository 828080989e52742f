"""Refuse to go on while files of one's own lie where DVC would delete them.

`make` runs it in a project's folder. A run's folder, and in a study the folder of a model's runs,
is a stage's output: DVC deletes it with all that is in it before it makes it anew.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from cnn_from_scratch import InputError, one_line_errors

one_line_errors()

from cnn_from_scratch.experiment.records import FILES, SUMS

LOCK = Path("dvc.lock")
OUTPUT = re.compile(r"^ *- path: (runs/.+)$", re.MULTILINE)


def own_files() -> Iterator[Path]:
    """Yield the files in the runs' folders that no training has written; hidden ones are none."""
    if not LOCK.exists():
        return
    for output in OUTPUT.findall(LOCK.read_text(encoding="utf-8")):
        for file in sorted(Path(output).rglob("*")):
            hidden = any(part.startswith(".") for part in file.parts)
            if not (file.is_dir() or hidden or file.name in {SUMS, *FILES}):
                yield file


if __name__ == "__main__":
    for file in own_files():
        raise InputError(
            f"{file}: DVC deletes this with the run beside it when it makes that anew; move what is"
            " yours elsewhere"
        )
