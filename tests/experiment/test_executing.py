"""Many calls on an executor: each comes back once, whatever happens to the workers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment import executing
from cnn_from_scratch.experiment.executing import as_they_come, processes, side_by_side
from cnn_from_scratch.experiment.files import is_alive

PATIENCE = 60  # seconds that something may take on a busy machine
SRC = Path(__file__).resolve().parents[2] / "src"


@contextmanager
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


class Faulty(Executor):
    """An executor that calls at once; the calls that `breaks` names break it, for good."""

    def __init__(self, breaks: Callable[[Any], bool]) -> None:
        self.breaks = breaks
        self.broken = False

    def submit(self, function: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        """Call the function, or break."""
        if self.broken:
            raise BrokenExecutor
        future: Future[Any] = Future()
        if self.breaks(args[0]):
            self.broken = True
            future.set_exception(BrokenExecutor())
        else:
            future.set_result(function(*args))
        return future


def double(x: int) -> int:
    return 2 * x


def refuse_odd(x: int) -> int:
    if x % 2:
        raise InputError(f"{x} is odd")
    return x


def wait_a_minute(x: int) -> int:
    time.sleep(PATIENCE)
    return x


def kill_once(flag: str, x: int) -> int:
    """End this process by force, but for those who come after the first."""
    if x == 1 and not Path(flag).exists():
        Path(flag).touch()
        os._exit(9)
    return 2 * x


def nothing(_: int = 0) -> None:
    """There is nothing to look at."""


# ---------------------------------------------------------------- the calls


def test_each_call_comes_back_once_with_what_it_gave_or_raised() -> None:
    calls = {f"call {x}": (x,) for x in range(6)}
    outcomes = list(as_they_come(threads, refuse_odd, calls, nothing))
    assert sorted(key for key, _ in outcomes) == sorted(calls)
    for key, outcome in outcomes:
        x = int(key.removeprefix("call "))
        assert str(outcome) == (f"{x} is odd" if x % 2 else str(x))
        assert isinstance(outcome, Exception) == bool(x % 2)


def test_no_call_needs_no_executor() -> None:
    def start() -> Any:
        raise AssertionError

    assert list(as_they_come(start, double, {}, nothing)) == []


def test_what_is_done_first_comes_first() -> None:
    calls = {"slow": (0.5,), "fast": (0.0,)}
    assert [key for key, _ in as_they_come(threads, time.sleep, calls, nothing)] == ["fast", "slow"]


def test_a_broken_executor_is_replaced_for_what_is_left() -> None:
    executors: list[Faulty] = []

    @contextmanager
    def start() -> Iterator[Executor]:
        # The first has one result and breaks; the second has none; the third has all.
        broken_by = [lambda x: x == 1, lambda _: True, lambda _: False][len(executors)]
        executors.append(Faulty(broken_by))
        yield executors[-1]

    outcomes = dict(as_they_come(start, double, {x: (x,) for x in range(4)}, nothing))
    assert outcomes == {x: 2 * x for x in range(4)}
    assert len(executors) == 3


def test_executors_that_always_break_are_given_up() -> None:
    started: list[Faulty] = []

    @contextmanager
    def start() -> Iterator[Executor]:
        started.append(Faulty(lambda x: x == 1))
        yield started[-1]

    outcomes = dict(as_they_come(start, double, {x: (x,) for x in (1, 2)}, nothing))
    assert [str(outcomes[x]) for x in (1, 2)] == [
        "its worker died, 3 times; is there enough memory?"
    ] * 2
    assert len(started) == 3


def test_who_looks_is_told_how_many_are_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executing, "_LOOK", 0.05)
    seen: list[int] = []
    calls = dict.fromkeys(range(3), (0.3,))
    assert len(list(as_they_come(threads, time.sleep, calls, seen.append))) == 3
    assert max(seen) == 2  # threads
    assert len(seen) > 3


def test_an_executor_may_say_itself_how_many_are_at_work() -> None:
    class Telling(Faulty):
        def running(self) -> int:
            """Return what it is asked for."""
            return 7

    @contextmanager
    def start() -> Iterator[Executor]:
        yield Telling(lambda _: False)

    seen: list[int] = []
    list(as_they_come(start, double, {1: (1,)}, seen.append))
    assert seen == [7]


# ---------------------------------------------------------------- processes


def test_a_process_that_dies_costs_one_more_try(tmp_path: Path) -> None:
    """Those that it took along are called again, in new processes, which are set up as well."""
    start = partial(processes, 2, nothing)
    calls = {x: (str(tmp_path / "killed"), x) for x in range(4)}
    outcomes = dict(as_they_come(start, kill_once, calls, nothing))
    assert outcomes == {x: 2 * x for x in range(4)}
    assert (tmp_path / "killed").exists()


def test_who_stops_early_leaves_no_process() -> None:
    def look(running: int) -> None:
        if running:
            raise KeyError("enough")

    begun = time.monotonic()
    start = partial(processes, 2, nothing)
    with (
        pytest.raises(KeyError, match="enough"),
        closing(as_they_come(start, wait_a_minute, {x: (x,) for x in range(9)}, look)) as outcomes,
    ):
        list(outcomes)
    assert time.monotonic() - begun < PATIENCE
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # or a zombie, which has ended
            assert "spawn_main" not in " ".join(child.cmdline())


# A main process whose workers print their numbers, and would work on for long.
MAIN = """
import os, sys, time
sys.path.insert(0, {src!r})
from cnn_from_scratch.experiment.executing import processes

def work(seconds):
    time.sleep(seconds)

def say():
    os.write(1, b"%d\\n" % os.getpid())  # at once, as they write at the same time

if __name__ == "__main__":
    with processes(2, say) as executor:
        list(executor.map(work, [{patience}] * 2))
"""


@pytest.mark.skipif(os.name == "nt", reason="there, nobody takes over a child")
def test_workers_end_with_the_main_process_and_leave_ctrl_c_to_it(tmp_path: Path) -> None:
    script = tmp_path / "main.py"  # spawn needs a file
    script.write_text(MAIN.format(src=str(SRC), patience=2 * PATIENCE))
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as main:
        assert main.stdout is not None
        workers = [int(main.stdout.readline()) for _ in range(2)]
        for worker in workers:
            os.kill(worker, signal.SIGINT)
        time.sleep(0.5)
        assert all(is_alive(worker) for worker in workers)
        main.kill()
    end = time.monotonic() + PATIENCE
    while any(is_alive(worker) for worker in workers):
        assert time.monotonic() < end
        time.sleep(0.01)


# ---------------------------------------------------------------- side by side


def test_every_item_comes_with_its_result() -> None:
    assert dict(side_by_side(double, range(8), nothing)) == {x: 2 * x for x in range(8)}


def test_what_the_function_raises_ends_it() -> None:
    with pytest.raises(InputError, match="is odd"):
        list(side_by_side(refuse_odd, range(8), nothing))
