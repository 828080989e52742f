"""What every script of the project does first: find the source beside it, show errors in one line.

Python looks for it in a stage's own folder. It comes before all other imports, so that the first
package that is missing is told in one line, too.
"""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from cnn_from_scratch import InputError, one_line_errors

one_line_errors()


class Parser(ArgumentParser):
    """A parser of arguments whose errors are shown as all others are, in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise InputError."""
        raise InputError(message)
