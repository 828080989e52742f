"""Trainings that outlive what started them: it is killed, and they would go on, for nobody."""

import os
import threading
import time
from collections.abc import Callable

from cnn_from_scratch import InputError

_LOOK = 1.0  # seconds between two looks


def ending_with_dvc() -> Callable[[], None]:
    """Return a check that raises InputError once the DVC that started this process is gone.

    A process whose parent ends gets another one, on Linux and macOS. The shell between them (dash,
    bash and zsh alike) has put this process in its own place. What a user starts, with nohup or
    otherwise, may outlive its parent: it is not looked at.
    """
    parent = os.getppid() if "DVC_STAGE" in os.environ else None

    def check() -> None:
        if parent is not None and os.getppid() != parent:
            raise InputError("DVC, which started this training, is gone: nothing is written")

    return check


def end_with_parent() -> None:
    """Make this process end, without a word, soon after its parent."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
