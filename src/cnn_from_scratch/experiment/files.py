"""Writing files whole or not at all, and the same bytes on every system."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

LEFTOVER = re.compile(r"\..+-(\d+)\.partial", re.DOTALL)  # .<name>-<process>.partial


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path to write a file or folder at; it becomes `path` if all goes well.

    If the block raises, what was at `path` before is still there, and nothing else is. What a
    killed process has left beside it is removed; Git and DVC are told to ignore such names.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path.parent)
    folder = path.with_name(f".{path.name}-{os.getpid()}.partial")
    _remove(folder)  # left by a killed process of this one's number, as in a container
    folder.mkdir()
    spare = os.open(os.devnull, os.O_RDONLY)  # else removing might be one file too many
    try:
        new = folder / path.name
        yield new
        old = folder / f"{path.name}-old"
        try:
            if path.is_dir():
                path.rename(old)
            new.replace(path)
        except BaseException:  # Ctrl-C, too, must not lose what was there
            if old.exists() and not path.exists():
                old.rename(path)
            raise
    finally:
        os.close(spare)
        _remove(folder)


def remove_leftovers(folder: Path) -> None:
    """Remove what `replacing` had begun in a folder when its process was killed."""
    for path in folder.iterdir():
        match = LEFTOVER.fullmatch(path.name)
        if match and not is_alive(int(match[1])):
            _remove(path)


def _remove(folder: Path) -> None:
    """Remove a folder as far as it can be; unlike shutil, with one file open at a time."""
    for place, folders, files in os.walk(folder, topdown=False):
        for path in (Path(place, name) for name in (*files, *folders)):
            with suppress(OSError):
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    with suppress(OSError):
        folder.rmdir()


def is_alive(process: int) -> bool:
    """Whether a process may be running; on Windows, where asking would end it, it always may."""
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # another user's, or no process's number
        return True
    return True


def json_text(value: Any) -> str:
    """Return a value as indented JSON; floats keep all their digits, NaN is refused."""
    return json.dumps(value, indent=2, allow_nan=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write a value as `json_text` has it."""
    write_text(path, json_text(value))


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a table as a JSON list with one row per line, which Git and people can compare."""
    lines = (json.dumps(row, allow_nan=False) for row in rows)
    write_text(path, "[\n" + ",\n".join(lines) + "\n]\n")


def write_text(path: Path, text: str) -> None:
    r"""Write UTF-8 text with \n line ends."""
    path.write_text(text, encoding="utf-8", newline="\n")
