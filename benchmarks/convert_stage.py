"""The convert stage as a process, against the least that reads the same workbook."""

import shutil
import sys
import tempfile
from pathlib import Path

from commands import ROOT, seconds
from timing import Table, entry

ROUNDS = 5
WORKBOOK = "data/handwriting_dataset.xlsx"
READ = f"import pandas; pandas.read_excel({WORKBOOK!r}, sheet_name=None, header=None)"
COMMANDS = {
    "ours": [str(ROOT / "stages/convert.py")],
    "pandas only reads the cells": ["-c", READ],
    "commands only import NumPy": ["-c", "import numpy"],
}


def convert() -> Table:
    """Return the seconds that each process takes."""
    taken: dict[str, list[float]] = {label: [] for label in COMMANDS}
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent)
        (folder / "data").mkdir()
        for file in (WORKBOOK, "params.yaml"):
            shutil.copy(ROOT / file, folder / file)
        for timed in (False, *[True] * ROUNDS):
            for label, command in COMMANDS.items():
                took = seconds([sys.executable, *command], folder)
                if timed:
                    taken[label].append(took)
    work = "the study's workbook, 542 digits"
    return {work: {label: entry("s", values) for label, values in taken.items()}}
