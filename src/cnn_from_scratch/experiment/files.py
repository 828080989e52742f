"""Writing files whole or not at all, and the same bytes on every system."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path to write a file or folder at; it becomes `path` if all goes well.

    If the block raises, what was at `path` before is still there, and nothing else is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as folder:
        new = Path(folder, path.name)
        yield new
        old = Path(folder, f"{path.name}-old")
        try:
            if path.is_dir():
                path.rename(old)
            new.replace(path)
        except BaseException:  # Ctrl-C, too, must not lose what was there
            if old.exists() and not path.exists():
                old.rename(path)
            raise


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON; floats keep all their digits, NaN is refused."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a table as a JSON list with a row a line, which Git and people can compare."""
    lines = (json.dumps(row, allow_nan=False) for row in rows)
    write_text(path, "[\n" + ",\n".join(lines) + "\n]\n")


def write_text(path: Path, text: str) -> None:
    r"""Write UTF-8 text with \n line ends."""
    path.write_text(text, encoding="utf-8", newline="\n")
