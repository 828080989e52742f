"""Processes that work side by side, and end with what started them."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing import active_children
from typing import TypeVar

from cnn_from_scratch.experiment.files import is_alive
from cnn_from_scratch.experiment.memory import keep_freed_memory

T = TypeVar("T")
R = TypeVar("R")

_LOOK = 1.0  # seconds between two looks


@contextmanager
def side_by_side(
    check: Callable[[], None],
) -> Iterator[Callable[[Callable[[T], R], Iterable[T]], Iterator[R]]]:
    """Give a `map` whose calls are shared out among processes, one a core, in order of the items.

    check: called each second while one waits for a result. If it raises, or the block does, what
    is not done by then never is.
    """
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
