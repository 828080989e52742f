"""Where runs are trained: the workers of each executor are set up, and bad names are one line."""

import logging
import os
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from distributed import LocalCluster

from cnn_from_scratch import InputError
from engine.executors import DaskExecutor, on_dask, on_executor, on_queue, on_this_machine

MODULE = """
from concurrent.futures import ThreadPoolExecutor

def threads(initializer, initargs):
    return ThreadPoolExecutor(2, initializer=initializer, initargs=initargs)
"""


def note(folder: Path) -> None:
    """Set a worker up, so that one sees it."""
    (folder / str(os.getpid())).touch()


def nothing() -> None:
    """A worker needs no preparation."""


def negative(x: int) -> int:
    return -x


def fail() -> None:
    raise ModuleNotFoundError("No module named 'msgspec'")


def test_here_each_process_is_set_up(tmp_path: Path) -> None:
    with on_this_machine(2)(partial(note, tmp_path)) as executor:
        numbers = {executor.submit(os.getpid).result() for _ in range(4)}
    assert str(os.getpid()) not in {path.name for path in tmp_path.iterdir()}
    assert {str(number) for number in numbers} <= {path.name for path in tmp_path.iterdir()}


def test_ones_own_executor_is_named_by_its_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_executor.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    with on_executor("own_executor:threads")(partial(note, tmp_path)) as executor:
        assert executor.submit(abs, -1).result() == 1
    assert (tmp_path / str(os.getpid())).exists()
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(abs, -1)


@pytest.mark.parametrize("path", ["nowhere:f", "json", "json:nothing", ":", "json:"])
def test_an_executor_that_is_not_there_is_one_line(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    with (
        pytest.raises(InputError, match=f"^--executor: expected module:function, got {path}: "),
        on_executor(path)(nothing),
    ):
        pass


def test_a_queue_that_is_not_known_is_one_line() -> None:
    with (
        pytest.raises(InputError, match=r"^--queue: dask-jobqueue knows no Slurm; expected one "),
        on_queue("Slurm", 1)(nothing),
    ):
        pass


@pytest.mark.parametrize(
    "address",
    ["nonsense://", pytest.param("tcp://127.0.0.1:1", marks=pytest.mark.release)],  # 10 seconds
)
def test_a_scheduler_that_is_not_there_is_one_line(address: str) -> None:
    with (
        pytest.raises(InputError, match=f"^--scheduler: cannot reach {address}: .") as error,
        on_dask(address)(nothing),
    ):
        pass
    assert "\n" not in str(error.value)


class Client:
    """What a Dask client gives: an executor, here of a thread, and what its workers process."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def get_executor(self, *, pure: bool) -> Executor:
        """Return what notes the calls that are sent."""
        assert not pure  # or runs of the same settings were one
        executor = ThreadPoolExecutor(1)
        submit = executor.submit
        executor.submit = lambda function, *args: self.sent.append(args) or submit(function, *args)  # type: ignore[assignment, func-returns-value, method-assign]
        return executor

    def processing(self) -> dict[str, tuple[str, ...]]:
        """Return the tasks of each worker."""
        return {"a": ("task", "task"), "b": ("task",), "c": ()}


def test_dask_is_sent_bytes_that_only_the_task_unpickles() -> None:
    client = Client()
    executor = DaskExecutor(client)
    assert executor.submit(max, 3, 7, key=negative).result() == 3
    [(call,)] = client.sent
    assert isinstance(call, bytes)
    with pytest.raises(ModuleNotFoundError, match="msgspec"):
        executor.submit(fail).result()
    assert executor.running() == 2


@pytest.mark.release
def test_dask_says_nothing_of_a_result_that_was_on_its_way_when_it_was_closed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,  # type: ignore[no-untyped-call]
        on_dask(cluster.scheduler_address)(nothing) as executor,
    ):
        assert isinstance(executor, DaskExecutor)
        result = executor.submit(bytes, 400_000_000)
        while all(future.status != "finished" for future in executor.client.futures.values()):
            time.sleep(0.001)
        time.sleep(0.05)
        assert not result.done()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
