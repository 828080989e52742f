"""Checking some runs by training them again: same bits anywhere means that anyone can check."""

import io
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from zipfile import BadZipFile

import numpy as np

from cnn_from_scratch.experiment.records import SUMS

Record = Mapping[str, bytes]


def first_difference(ours: Record, theirs: Record) -> str | None:
    """Return where two records of one run differ first: the file, and in a checkpoint the array."""
    for name in sorted({*ours, *theirs}, key=lambda name: (name == SUMS, name)):
        if ours.get(name) != theirs.get(name):
            array = name.endswith(".npz") and _first_array(ours.get(name), theirs.get(name))
            return f"{name}, array {array}" if array else name
    return None


def _first_array(ours: bytes | None, theirs: bytes | None) -> str | None:
    """Return the first array in which two .npz files differ, if they can be told apart by one."""
    with (
        suppress(OSError, ValueError, EOFError, BadZipFile),
        np.load(io.BytesIO(ours or b"")) as mine,
        np.load(io.BytesIO(theirs or b"")) as other,
    ):
        for name in mine:
            if _content(mine, name) != _content(other, name):
                return str(name)
    return None


def _content(arrays: Any, name: str) -> bytes | None:
    """Return the bytes of an array, or of a text, None if it is not there or damaged."""
    try:
        member = arrays[name]
        content: bytes = member if isinstance(member, bytes) else member.tobytes()
    except (KeyError, ValueError, BadZipFile):
        return None
    return content
