"""A process that dies before it has read what it is started with: the others must not wait."""

import subprocess
import sys

SCRIPT = """
import shutil
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.spawn import set_executable
from cnn_from_scratch.experiment.executing import as_they_come, processes

resource_tracker.ensure_running()
set_executable(shutil.which("true"))  # ends at once, and reads nothing
start = partial(processes, 2, bytes, (bytes(10**6),))
print(dict(as_they_come(start, abs, {"call": (-1,)}, lambda _: None)))
"""


def test_it_counts_as_a_worker_that_died() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True
    )
    assert "its worker died" in done.stdout
    assert done.stderr == ""
