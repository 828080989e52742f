"""Each contender in a process of its own, as the number of threads is fixed when a library starts.

While one works, the others wait. Where the system can, a process is also held to as many cores as
it may have threads, which binds XLA, too.
"""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from contenders import CONTENDERS, Case, Work, prepare

if TYPE_CHECKING:
    from cnn_from_scratch.arithmetic.arrays import Array

CHECKED = 3  # times that the work is done before its outcome is compared
MOST = 3000  # times that it is done in a round
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")

_works: dict[Case, tuple[Work, int]] = {}  # in the worker: what is prepared, and times per round


class Ready(NamedTuple):
    """What a worker says when it is prepared: the outcome, or why there is none."""

    outcome: "Array | None"
    skipped: str = ""


class Worker:
    """A contender's process."""

    def __init__(self, label: str, threads: int):
        self.label = label
        with threads_set(threads, ours=CONTENDERS[label][0] == "ours"):
            self._pool = ProcessPoolExecutor(1, get_context("spawn"), _hold_to_cores, (threads,))
            self._pool.submit(os.getpid).result()  # start it while the environment is set

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._pool.shutdown()

    def prepare(self, case: Case, seconds: float) -> Ready:
        """Set a case up, to last about so many seconds per round, and do it once untimed."""
        return self._pool.submit(_prepare, self.label, case, seconds).result()

    def milliseconds(self, case: Case) -> float:
        """Return the mean time of one step or inference in one round."""
        return self._pool.submit(_milliseconds, case).result()


@contextmanager
def threads_set(threads: int, ours: bool) -> Iterator[None]:
    """Tell the processes that are started meanwhile how many threads they have."""
    before = dict(os.environ)
    os.environ |= dict.fromkeys(THREADS, str(threads)) | {"JAX_PLATFORMS": "cpu"}
    if ours:  # as the stages have it: our threads share out parts of a batch, not products
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


def _hold_to_cores(count: int) -> None:
    if hasattr(os, "sched_setaffinity"):  # Linux
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def _prepare(label: str, case: Case, seconds: float) -> Ready:
    try:
        work = prepare(label, case)
        work.run(CHECKED)
        outcome = work.outcome()
    except ImportError as error:
        return Ready(None, f"not installed ({error.name})")
    except Exception as error:  # whatever a library raises: the table then says so
        return Ready(None, f"{type(error).__name__}: {error}".splitlines()[0][:100])
    times = _times(work, seconds)
    work.run(times)
    _works[case] = work, times
    return Ready(outcome)


def _times(work: Work, seconds: float) -> int:
    """Return how often the work is to be done, from a first guess and a second on more."""
    once = _seconds(work, 1)
    few = max(1, min(100, int(seconds / 4 / once)))
    work.run(few)
    return max(1, min(MOST, int(seconds * few / _seconds(work, few))))


def _milliseconds(case: Case) -> float:
    work, times = _works[case]
    return 1000 * _seconds(work, times) / times


def _seconds(work: Work, times: int) -> float:
    start = time.perf_counter()
    work.run(times)
    return time.perf_counter() - start
