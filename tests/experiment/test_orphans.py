"""Processes that outlive what started them end; others do not."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cnn_from_scratch.experiment.files import is_alive

PATIENCE = 60  # seconds that something may take on a busy machine
SRC = Path(__file__).resolve().parents[2] / "src"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there, nobody takes over a child")

# A parent that starts a child, waits until it is set up, and ends without it.
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid)
"""
CHILD = """
import sys, time
sys.path.insert(0, {src!r})
from pathlib import Path
from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.orphans import end_with_parent, ending_with_dvc
{setup}
print("ready", flush=True)
{rest}
"""
CHECK = """
end = time.monotonic() + {patience}
while time.monotonic() < end:
    try:
        check()
    except InputError as error:
        Path({file!r}).write_text(str(error))
        sys.exit(1)
    if {impatient} and os.getppid() != parent:
        check()
        Path({file!r}).write_text("goes on")
        sys.exit(0)
    time.sleep(0.01)
"""


def orphan(setup: str, rest: str, **variables: str) -> int:
    """Start a process that outlives its parent, and return its number."""
    code = CHILD.format(src=str(SRC), setup=setup, rest=rest)
    inherited = {key: value for key, value in os.environ.items() if key != "DVC_STAGE"}
    command = [sys.executable, "-c", PARENT, code]
    printed = subprocess.run(
        command, env=inherited | variables, capture_output=True, text=True, check=True
    )
    return int(printed.stdout)


def wait_for(process: int) -> None:
    end = time.monotonic() + PATIENCE
    while is_alive(process):
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("started_by_dvc", [True, False])
def test_what_dvc_started_ends_with_it_and_nothing_else(
    started_by_dvc: bool, tmp_path: Path
) -> None:
    file = tmp_path / "outcome"
    setup = "import os; parent = os.getppid(); check = ending_with_dvc(); check()"
    rest = CHECK.format(patience=PATIENCE, file=str(file), impatient=not started_by_dvc)
    variables = {"DVC_STAGE": "train@A-0"} if started_by_dvc else {}
    wait_for(orphan(setup, rest, **variables))
    expected = "DVC, which started this training, is gone: nothing is written"
    assert file.read_text() == (expected if started_by_dvc else "goes on")


def test_a_worker_ends_with_its_parent() -> None:
    wait_for(orphan("end_with_parent()", f"time.sleep({2 * PATIENCE})"))
