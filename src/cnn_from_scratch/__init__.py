"""A framework-free NumPy CNN inside a reproducible DVC workflow.

This file holds the little that every stage shares: how a user's mistake is told apart from a
bug, and how it is shown.
"""

from __future__ import annotations  # so that an old Python, too, gets as far as the message

import atexit
import io
import os
import sys
from contextlib import suppress
from types import TracebackType


class InputError(Exception):
    """A mistake in what the user supplied; its message is one line saying where and what."""


def one_line_errors() -> None:
    r"""Make an uncaught user error end the script with one line on stderr and exit code 1.

    A user error is an `InputError`, a file that the system cannot read or write, too little memory,
    or an import that fails because the environment is not active. So is output that cannot be
    written; if its reader has gone, as `head` does, nothing is said. What the output's encoding
    cannot show is shown as an escape, such as `\u6570`.

    Ctrl-C gives the one line 'interrupted', and then Python ends by that signal, which a shell
    calls exit code 130, so that a loop ends, too. Anything else is a bug and keeps its traceback.
    """
    sys.excepthook = _show
    atexit.register(_end)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _flush()
    if isinstance(error, BrokenPipeError):
        pass
    elif isinstance(error, (InputError, OSError)):
        _tell(f"error: {error}")
    elif isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith(__name__):
        _tell(
            f"error: {sys.executable} has no module '{error.name}': activate the environment"
            " (. .venv/bin/activate, or .venv\\Scripts\\activate on Windows), or run 'make'"
        )
    elif isinstance(error, KeyboardInterrupt):
        _tell("interrupted")
    elif isinstance(error, MemoryError):
        _tell("error: out of memory" + (f": {error}" if str(error) else ""))
    else:
        sys.__excepthook__(kind, error, trace)


def _end() -> None:
    """End with exit code 1 if what was printed cannot be written."""
    error = _flush()
    if error is not None:
        if not isinstance(error, BrokenPipeError):
            _tell(f"error: standard output: {error.strerror}")
        os._exit(1)  # all else is done: what is registered first is called last


def _flush() -> OSError | None:
    """Write out what was printed; if that fails, drop it and return why."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return error
    return None


def _tell(line: str) -> None:
    with suppress(OSError):  # stderr may be full or closed, too
        print(line, file=sys.stderr, flush=True)
