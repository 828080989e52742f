"""A framework-free NumPy CNN inside a reproducible DVC workflow.

This file holds the little that every stage shares: how a user's mistake is told apart from a
bug, and how it is shown.
"""

from __future__ import annotations  # so that an old Python, too, gets as far as the message

import sys
from types import TracebackType


class InputError(Exception):
    """A mistake in what the user supplied; its message is one line saying where and what."""


def one_line_errors() -> None:
    """Make an uncaught user error end the script with one line on stderr and exit code 1.

    A user error is an `InputError`, a file that the system cannot read or write, or an import that
    fails because the environment is not active. Ctrl-C gives the one line 'interrupted', and then
    Python ends by that signal, which a shell calls exit code 130, so that a loop ends, too.
    Anything else is a bug and keeps its traceback.
    """
    sys.excepthook = _show


def _show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, (InputError, OSError)):
        print(f"error: {error}", file=sys.stderr)
    elif isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith(__name__):
        print(
            f"error: {sys.executable} has no module '{error.name}': activate the environment"
            " (. .venv/bin/activate, or .venv\\Scripts\\activate on Windows), or run 'make'",
            file=sys.stderr,
        )
    elif isinstance(error, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)
