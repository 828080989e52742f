"""Timing a command: a process from its start to its end."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a command in a folder: this Python first, our source found.

    Bytecode is kept, as users keep it, and DVC's site cache is one of the folder's own.
    """
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return inherited | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT / "src"),
        "DVC_SITE_CACHE_DIR": f"{folder}-site-cache",
    }


def seconds(command: Sequence[str], folder: Path) -> float:
    """Return how long a command takes in a folder. Raises CommandError if it fails."""
    start = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    took = time.perf_counter() - start
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise CommandError(lines[-1])
    return took


class CommandError(Exception):
    """A command failed; the message is the last line that it wrote."""
