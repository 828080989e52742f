"""Work that is shared out among processes: in order, all or none, and never for nobody."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cnn_from_scratch.experiment.files import is_alive
from cnn_from_scratch.experiment.workers import side_by_side

PATIENCE = 60  # seconds that something may take on a busy machine
SRC = Path(__file__).resolve().parents[2] / "src"

# A main process that prints the numbers of its workers; they would work on for long.
MAIN = """
import multiprocessing, os, sys, time
sys.path.insert(0, {src!r})
from cnn_from_scratch.experiment.workers import side_by_side

def work(seconds):
    print(os.getpid(), flush=True)
    time.sleep(seconds)

if __name__ == "__main__":
    multiprocessing.set_start_method({method!r})
    with side_by_side(lambda: None) as map_:
        list(map_(work, [{patience}]))
"""


def double(x: int) -> int:
    return 2 * x


def wait_a_minute(x: int) -> int:
    time.sleep(PATIENCE)
    return x


def nothing() -> None:
    """There is nothing to check."""


def test_results_come_in_the_order_of_the_items() -> None:
    with side_by_side(nothing) as map_:
        assert list(map_(double, range(20))) == list(range(0, 40, 2))


def test_what_is_not_done_when_the_check_raises_never_is() -> None:
    def check() -> None:
        raise KeyError("gone")

    begun = time.monotonic()
    with pytest.raises(KeyError, match="gone"), side_by_side(check) as map_:
        list(map_(wait_a_minute, range(10)))
    assert time.monotonic() - begun < PATIENCE


@pytest.mark.skipif(os.name == "nt", reason="nobody can tell there whether a process is alive")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_worker_ends_with_the_main_process(method: str, tmp_path: Path) -> None:
    script = tmp_path / "main.py"  # spawn needs a file
    script.write_text(MAIN.format(src=str(SRC), method=method, patience=2 * PATIENCE))
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as main:
        assert main.stdout is not None
        worker = int(main.stdout.readline())
        main.kill()
    end = time.monotonic() + PATIENCE
    while is_alive(worker):
        assert time.monotonic() < end
        time.sleep(0.01)
