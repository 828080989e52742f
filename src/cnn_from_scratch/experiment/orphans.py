"""Trainings whose parent is killed: they would go on, and nobody would use what they make."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.files import is_alive
from cnn_from_scratch.experiment.memory import keep_freed_memory

T = TypeVar("T")
R = TypeVar("R")

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


@contextmanager
def side_by_side(
    check: Callable[[], None],
) -> Iterator[Callable[[Callable[[T], R], Iterable[T]], Iterator[R]]]:
    """Give a `map` whose calls are shared out among processes, one a core, in order of the items.

    check: called each second while one waits for a result. If it raises, or the block does, what
    is not done by then never is.
    """
    from concurrent.futures import ProcessPoolExecutor, wait  # a single training needs none
    from multiprocessing import active_children

    with ProcessPoolExecutor(initializer=_start, initargs=(os.getpid(),)) as executor:

        def map_(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
            results = [executor.submit(function, item) for item in items]
            for result in results:
                while not wait([result], _LOOK).done:
                    check()
                yield result.result()

        try:
            yield map_
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            for process in active_children():
                process.terminate()
            raise


def _start(main: int) -> None:
    """Prepare a process: it trains, and ends without a word soon after the main one."""
    keep_freed_memory()
    parent = os.getppid()  # the main process, or a server that was forked from it

    def watch() -> None:
        while is_alive(main) and os.getppid() == parent:
            time.sleep(_LOOK)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
