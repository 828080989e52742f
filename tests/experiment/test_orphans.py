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
import shlex, subprocess, sys
code, shell = sys.argv[1:]
command = [sys.executable, "-c", code]
if shell:
    command = [shell, "-c", shlex.join(command) + "; exit $?"]  # so that any shell waits for it
child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
print(child.stdout.readline())
"""
CHILD = """
import os, sys, time
sys.path.insert(0, {src!r})
from pathlib import Path
from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.orphans import ending_with_dvc
{setup}
print(os.getpid(), flush=True)
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
        time.sleep(1.5)  # longer than it does not look again
        check()
        Path({file!r}).write_text("goes on")
        sys.exit(0)
    time.sleep(0.01)
"""


def orphan(setup: str, rest: str, shell: str = "", **variables: str) -> int:
    """Start a process, through a shell or without, that outlives its parent; return its number."""
    code = CHILD.format(src=str(SRC), setup=setup, rest=rest)
    inherited = {key: value for key, value in os.environ.items() if key != "DVC_STAGE"}
    command = [sys.executable, "-c", PARENT, code, shell]
    printed = subprocess.run(
        command, env=inherited | variables, capture_output=True, text=True, check=True
    )
    return int(printed.stdout)


def wait_for(process: int) -> None:
    end = time.monotonic() + PATIENCE
    while is_alive(process):
        assert time.monotonic() < end
        time.sleep(0.01)


SETUP = "parent = os.getppid(); check = ending_with_dvc(); check()"


@pytest.mark.parametrize("shell", ["", "/bin/sh"])
def test_what_dvc_started_ends_with_it(shell: str, tmp_path: Path) -> None:
    if shell and sys.platform != "linux":
        pytest.skip("nobody knows here who started the shell")
    file = tmp_path / "outcome"
    rest = CHECK.format(patience=PATIENCE, file=str(file), impatient=False)
    wait_for(orphan(SETUP, rest, shell, DVC_STAGE="train@A-0", SHELL="/bin/sh"))
    expected = "DVC, which started this training, is gone: nothing is written"
    assert file.read_text() == expected


def test_what_a_user_started_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "outcome"
    rest = CHECK.format(patience=PATIENCE, file=str(file), impatient=True)
    wait_for(orphan(SETUP, rest))
    assert file.read_text() == "goes on"


# A main process that prints the number of its child, which would work on for long.
MAIN = """
import multiprocessing, os, sys, time
sys.path.insert(0, {src!r})
from cnn_from_scratch.experiment.orphans import ending_with

def work(main):
    ending_with(main)
    print(os.getpid(), flush=True)
    time.sleep({patience})

if __name__ == "__main__":
    multiprocessing.set_start_method({method!r})
    multiprocessing.Process(target=work, args=(os.getpid(),)).start()
    time.sleep({patience})
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_child_ends_with_the_main_process(method: str, tmp_path: Path) -> None:
    script = tmp_path / "main.py"  # spawn needs a file
    script.write_text(MAIN.format(src=str(SRC), method=method, patience=2 * PATIENCE))
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as main:
        assert main.stdout is not None
        child = int(main.stdout.readline())
        assert is_alive(child)
        main.kill()
    wait_for(child)
