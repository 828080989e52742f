"""What every script does first: find the project's source, and show errors in one line.

It is imported before any package, so that a missing one is told in one line, too. A stage finds it
in its own folder; tools and the studies' scripts put that folder on the path.
"""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from cnn_from_scratch import InputError, one_line_errors

one_line_errors()


def seconds(text: str) -> float:
    """Return an argument as a number of seconds. Raises ArgumentTypeError unless it is >= 0."""
    with suppress(ValueError):
        if 0 <= (value := float(text)) < inf:
            return value
    raise ArgumentTypeError(f"expected a number of seconds, at least 0, got {text!r}")


class Parser(ArgumentParser):
    """A parser of arguments whose errors are shown as all others are, in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise InputError."""
        raise InputError(message)
