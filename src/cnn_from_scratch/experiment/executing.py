"""Many calls on an executor of the standard library's interface, and processes to make them in.

An executor is a `concurrent.futures.Executor`; whoever has another kind of machine brings another
one. Its `initializer` is called once in each of its workers.
"""

import os
import pickle
import queue
import signal
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from multiprocessing import active_children, get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.orphans import ending_with

K = TypeVar("K")
T = TypeVar("T")
R = TypeVar("R")
Start = Callable[[], AbstractContextManager[Executor]]

_LOOK = 1.0  # seconds between two looks
_TRIES = 3  # executors that may break one after the other without a single result


def as_they_come(
    start: Start,
    function: Callable[..., R],
    calls: Mapping[K, tuple[Any, ...]],
    look: Callable[[int], None],
) -> Generator[tuple[K, R | Exception], None, None]:
    """Yield each call's key with what the function gives for its arguments, or raises.

    They come as soon as they are known. start: gives the executor; when its workers die, so that it
    breaks, another one is started for the calls that are left. look: called with the number of
    calls at work about once per second; if it raises, or the caller stops, what is not done by then
    never is.
    """
    left = dict(calls)
    tries = 0
    while left and tries < _TRIES:
        tries += 1
        with start() as executor:
            for key, outcome in _outcomes(executor, function, dict(left), look):
                if not isinstance(outcome, BrokenExecutor | CancelledError):
                    tries = 0
                    del left[key]
                    yield key, outcome
    for key in left:
        yield key, InputError(f"its worker died, {_TRIES} times; is there enough memory?")


def _outcomes(
    executor: Executor,
    function: Callable[..., R],
    calls: Mapping[K, tuple[Any, ...]],
    look: Callable[[int], None],
) -> Iterator[tuple[K, R | Exception]]:
    """Yield the outcome of each call, with its key."""
    done: queue.SimpleQueue[Future[R]] = queue.SimpleQueue()
    keys: dict[Future[R], K] = {}
    try:
        for key, arguments in calls.items():
            keys[executor.submit(function, *arguments)] = key
    except BrokenExecutor:
        return
    for future in keys:
        future.add_done_callback(done.put)
    looked = -_LOOK
    while keys:
        if time.monotonic() - looked >= _LOOK:
            looked = time.monotonic()
            look(_running(executor, keys))
        try:
            future = done.get(timeout=_LOOK)
        except queue.Empty:
            continue
        key = keys.pop(future)
        try:
            outcome: R | Exception = future.result()
        except Exception as error:
            outcome = error
        yield key, outcome


def _running(executor: Executor, futures: Iterable[Future[Any]]) -> int:
    """Return how many calls are at work; an executor whose futures do not know says so itself."""
    if hasattr(executor, "running"):
        return int(executor.running())
    running = sum(future.running() for future in futures)  # those on their way to a worker, too
    return min(running, getattr(executor, "_max_workers", running))


@contextmanager
def processes(
    count: int | None, initializer: Callable[..., None], initargs: tuple[Any, ...] = ()
) -> Iterator[ProcessPoolExecutor]:
    """Give an executor of so many processes on this machine (None: one per core).

    At the end of the block they end, whatever they are doing; so they do if this process is killed.
    """
    with TemporaryDirectory() as folder:
        # What a process is started with goes through a pipe. Were it more than fits in there, and
        # the process killed before it read that, this one would wait for ever.
        prepared = Path(folder, "initializer")
        prepared.write_bytes(pickle.dumps((initializer, initargs)))
        executor = ProcessPoolExecutor(
            count,
            mp_context=get_context("spawn"),  # the same on every system, and safe beside threads
            initializer=_begin,
            initargs=(os.getpid(), prepared),
        )
        try:
            yield executor
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
            for process in active_children():
                process.terminate()
                process.join()


def _begin(main: int, prepared: Path) -> None:
    """Prepare a process: Ctrl-C is the main one's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ending_with(main)
    initializer, initargs = pickle.loads(prepared.read_bytes())
    initializer(*initargs)


def _nothing() -> None:
    """A worker needs no preparation."""


def side_by_side(
    function: Callable[[T], R],
    items: Iterable[T],
    look: Callable[[], None],
    initializer: Callable[..., None] = _nothing,
    initargs: tuple[Any, ...] = (),
) -> Iterator[tuple[T, R]]:
    """Yield each item with the function's result, as they come, from a process per core.

    Raises what the function raises, and what `look` does, called about once per second.
    """
    calls = {i: (item,) for i, item in enumerate(items)}
    arguments = [item for (item,) in calls.values()]
    with closing(
        as_they_come(
            lambda: processes(None, initializer, initargs), function, calls, lambda _: look()
        )
    ) as outcomes:
        for i, outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
            yield arguments[i], outcome
