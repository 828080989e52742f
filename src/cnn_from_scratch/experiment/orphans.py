"""Trainings whose parent is killed: they would go on, and nobody would use what they make."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.files import is_alive

_LOOK = 1.0  # seconds between two looks


def ending_with_dvc() -> Callable[[], None]:
    """Return a check that raises InputError once the DVC that started this process is gone.

    It may be called as often as one likes. A process whose parent ends gets another one, on Linux
    and macOS. What a user starts, with nohup or otherwise, may outlive its parent.
    """
    started_by = _ancestors()
    next_look = time.monotonic()

    def check() -> None:
        nonlocal next_look
        if "DVC_STAGE" not in os.environ or time.monotonic() < next_look:
            return
        if _ancestors() != started_by:
            raise InputError("DVC, which started this training, is gone: nothing is written")
        next_look = time.monotonic() + _LOOK

    return check


def _ancestors() -> tuple[int, ...]:
    """Return this process's parent, and if that is the shell that DVC uses, the shell's own.

    bash and zsh put the command in their own place; dash and fish wait for it. The shell's parent
    is known only on Linux.
    """
    parent = os.getppid()
    try:
        head, _, rest = Path(f"/proc/{parent}/stat").read_text().rpartition(")")
    except OSError:
        return (parent,)
    shell = Path(os.environ.get("SHELL") or "/bin/sh").name
    return (parent, int(rest.split()[1])) if head.endswith(f"({shell}") else (parent,)


def ending_with(main: int) -> None:
    """Let this process end without a word soon after the main one that started it."""
    parent = os.getppid()  # the main process, or a server that was forked from it

    def watch() -> None:
        while is_alive(main) and os.getppid() == parent:
            time.sleep(_LOOK)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
