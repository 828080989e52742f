"""Arguments of commands: their mistakes are shown as all others are, in one line."""

from argparse import ArgumentParser, ArgumentTypeError
from contextlib import suppress
from math import inf
from typing import NoReturn

from cnn_from_scratch import InputError


class Parser(ArgumentParser):
    """A parser of arguments that raises InputError in place of ending the program."""

    def error(self, message: str) -> NoReturn:
        """Raise InputError."""
        raise InputError(message)


def seconds(text: str) -> float:
    """Return an argument as a number of seconds. Raises ArgumentTypeError unless it is >= 0."""
    with suppress(ValueError):
        if 0 <= (value := float(text)) < inf:
            return value
    raise ArgumentTypeError(f"expected a number of seconds, at least 0, got {text!r}")
