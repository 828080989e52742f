"""Where runs are trained: what gives an executor whose workers have been set up.

Each is called with what sets a worker up, a function without arguments.
"""

import importlib
import logging
import pickle
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.executing import processes

_TRIES = 3  # to set up all workers

R = TypeVar("R")
SetUp = Callable[[], None]
Where = Callable[[SetUp], AbstractContextManager[Executor]]


def on_this_machine(jobs: int | None) -> Where:
    """Train in so many processes of this machine; None: one per core."""
    return partial(processes, jobs)


def on_dask(address: str) -> Where:
    """Train on the workers of a Dask scheduler, those that come later, too."""
    return partial(_on_dask, address)


def on_queue(name: str, jobs: int) -> Where:
    """Train in so many jobs of a cluster's queue, such as SLURM, as Dask's configuration says."""
    return partial(_on_queue, name, jobs)


def on_executor(path: str) -> Where:
    """Train on what a function gives, named as module:function.

    It is called with initializer and initargs, as the standard library's executors are, and
    returns an executor that calls the initializer once in each of its workers.
    """
    return partial(_on_executor, path)


@contextmanager
def _on_dask(cluster: Any, set_up: SetUp) -> Iterator[Executor]:
    with _needing_dask():
        from distributed import Client
    for name in ("distributed", "distributed.client", "tornado.application"):
        # What it logs, it also raises, or it is of a connection that is being closed.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client: Any = Client(cluster, timeout=10, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise InputError(f"--scheduler: cannot reach {cluster}: {error}") from error
    with client:
        try:
            _set_up_workers(client, set_up)
        except OSError as error:
            raise InputError(f"--scheduler: {cluster} is gone: {error}") from error
        except Exception as error:  # what a worker lacks, it may say in any way
            raise InputError(f"--scheduler: a worker of {cluster} refuses: {error}") from error
        yield DaskExecutor(client)


def _set_up_workers(client: Any, set_up: SetUp) -> None:
    """Set up the workers that are there, and those to come; anew, should one die meanwhile."""
    for tries_left in reversed(range(_TRIES)):
        try:
            client.register_worker_callbacks(partial(pickle.loads, _pickled(set_up)))
            break
        except OSError:  # also if the scheduler has died
            if client.status != "running" or not tries_left:
                raise


@contextmanager
def _on_queue(name: str, jobs: int, set_up: SetUp) -> Iterator[Executor]:
    with _needing_dask():
        import dask_jobqueue
    if not hasattr(dask_jobqueue, f"{name}Cluster"):
        raise InputError(f"--queue: dask-jobqueue knows no {name}; expected one such as SLURM")
    with getattr(dask_jobqueue, f"{name}Cluster")() as cluster:
        cluster.adapt(minimum_jobs=jobs, maximum_jobs=jobs)  # which replaces those that die
        with _on_dask(cluster, set_up) as executor:
            yield executor


@contextmanager
def _on_executor(path: str, set_up: SetUp) -> Iterator[Executor]:
    module, _, function = path.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        make = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"--executor: expected module:function, got {path}: {error}") from error
    executor = make(initializer=set_up, initargs=())
    try:
        yield executor
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _needing_dask() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise InputError(f"Dask is needed: pip install -e '.[cluster]' ({error})") from error


class DaskExecutor(Executor):
    """The executor of a Dask client.

    Dask's scheduler unpickles functions and arguments, and a worker that cannot hangs. So a call is
    sent as bytes, which only the task itself unpickles: a worker that lacks a module says so.
    """

    def __init__(self, client: Any) -> None:
        self.client = client
        self.executor = client.get_executor(pure=False)

    def submit(self, function: Callable[..., R], /, *args: Any, **kwargs: Any) -> "Future[R]":
        """Call the function on a worker."""
        call = _pickled(partial(function, *args, **kwargs))
        future: Future[R] = Future()
        self.executor.submit(pickle.loads, call).add_done_callback(partial(_pass_on, future))
        return future

    def running(self) -> int:
        """Return how many workers have something to do; Dask's futures do not know."""
        return sum(map(bool, self.client.processing().values()))


def _pass_on(future: Future[R], done: Future[R]) -> None:
    """Let a future end as one of Dask's has; what Dask says of dead workers, in one line."""
    from distributed import KilledWorker

    try:
        future.set_result(done.result())
    except KilledWorker as error:
        died = InputError(f"its worker died, {error.allowed_failures + 1} times in a row")
        future.set_exception(died)
    except Exception as error:
        future.set_exception(error)


@dataclass(frozen=True)
class _Call:
    """Unpickling this gives what the call of a function does."""

    function: Callable[[], Any]

    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        return self.function, ()


def _pickled(function: Callable[[], Any]) -> bytes:
    return pickle.dumps(_Call(function))
