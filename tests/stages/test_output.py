"""What all scripts do where their output cannot be shown or written, or memory does not suffice."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import openpyxl
import pytest

from tests.stages.project import ROOT, Project

FULL = Path("/dev/full")
SCRIPTS = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("stages/*.py", "studies/*/*.py", "tools/*.py")
    for path in ROOT.glob(pattern)
    if "__main__" in path.read_text(encoding="utf-8")
)
Output = Callable[[], AbstractContextManager[int]]
STOPPABLE = [script for script in SCRIPTS if script != "tools/plots_page.py"]  # it has no package

# Runs a script as far as the first import after that of `start`; then something happens, which is
# the test's.
STOPPED = """
import runpy, sys

class Stop:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("cnn_from_scratch.") or name in {libraries}:
            {happens}

sys.meta_path.insert(0, Stop())
sys.path[0] = {folder!r}
runpy.run_path({script!r}, run_name="__main__")
"""
LIBRARIES = ("dvc", "markdown_it", "matplotlib", "msgspec", "numpy", "pandas", "yaml")
needs_a_full_device = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")


def run(
    *args: str, cwd: Path = ROOT, stdout: int = subprocess.PIPE, stderr: int = subprocess.PIPE,
    encoding: str = "utf-8", unbuffered: str = "",
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """Run Python, with an encoding for what it prints."""
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUNBUFFERED": unbuffered}
    return subprocess.run(
        [sys.executable, *args], cwd=cwd, env=environment, stdout=stdout, stderr=stderr,
        encoding="utf-8", check=False,
    )  # fmt: skip


def stopped(script: str, happens: str) -> tuple[str, str]:
    """Return the arguments of a Python that runs the script until that happens."""
    path = ROOT / script
    return "-c", STOPPED.format(
        script=str(path), folder=str(path.parent), happens=happens, libraries=LIBRARIES
    )


@contextmanager
def full() -> Iterator[int]:
    """Give a device that is full."""
    with FULL.open("w") as device:
        yield device.fileno()


@contextmanager
def closed_pipe() -> Iterator[int]:
    """Give a pipe that nobody reads from."""
    read, write = os.pipe()
    os.close(read)
    try:
        yield write
    finally:
        os.close(write)


def test_every_script_shows_errors_in_one_line() -> None:
    assert {"stages/convert.py", "studies/optimizers/tune.py", "tools/refresh.py"} <= {*SCRIPTS}
    for script in SCRIPTS:
        assert "\nimport start\n" in (ROOT / script).read_text(encoding="utf-8"), script


@pytest.mark.parametrize("script", STOPPABLE)
@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_what_the_encoding_cannot_show_is_escaped(script: str, encoding: str) -> None:
    happens = r"print('\u6570'); print('\u6570', file=sys.stderr); sys.exit()"
    result = run(*stopped(script, happens), encoding=encoding)
    assert (result.returncode, result.stdout, result.stderr) == (0, "\\u6570\n", "\\u6570\n")


@pytest.mark.parametrize("script", STOPPABLE)
def test_too_little_memory_is_told_in_one_line(script: str) -> None:
    result = run(*stopped(script, "raise MemoryError"))
    assert (result.returncode, result.stderr) == (1, "error: out of memory\n")


@needs_a_full_device
@pytest.mark.parametrize("script", STOPPABLE)
def test_a_full_device_is_told_in_one_line(script: str) -> None:
    with full() as device:
        result = run(*stopped(script, "print('the results'); sys.exit()"), stdout=device)
    message = "error: standard output: No space left on device\n"
    assert (result.returncode, result.stderr) == (1, message)


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe there fails in other ways")
@pytest.mark.parametrize("script", STOPPABLE)
def test_a_reader_that_has_gone_needs_no_message(script: str) -> None:
    with closed_pipe() as pipe:
        result = run(*stopped(script, "print('the results'); sys.exit()"), stdout=pipe)
    assert (result.returncode, result.stderr) == (1, "")


@needs_a_full_device
@pytest.mark.parametrize(
    ("happens", "told"),
    [
        ("print(9999 * 'long')", "error: [Errno 28] No space left on device\n"),
        ("print('x', flush=True)", "error: [Errno 28] No space left on device\n"),
        ("print('x'); raise OSError(2, 'No such file')", "error: [Errno 2] No such file\n"),
        ("print('x'); raise MemoryError('Huge')", "error: out of memory: Huge\n"),
        ("print('x'); sys.exit('error: mine')", "error: mine\n"
         "error: standard output: No space left on device\n"),
    ],
)  # fmt: skip
def test_output_that_fails_while_something_else_happens(happens: str, told: str) -> None:
    with full() as device:
        result = run(*stopped("stages/convert.py", happens), stdout=device)
    assert (result.returncode, result.stderr) == (1, told)


@needs_a_full_device
@pytest.mark.parametrize(("output", "told"), [
    (full, "error: [Errno 28] No space left on device\n"), (closed_pipe, ""),
])  # fmt: skip
def test_output_that_is_not_buffered_fails_as_well(output: Output, told: str) -> None:
    with output() as device:
        happens = "print('the results'); sys.exit()"
        result = run(*stopped("stages/convert.py", happens), stdout=device, unbuffered="1")
    assert (result.returncode, result.stderr) == (1, told)


@pytest.mark.skipif(sys.platform == "win32", reason="other signals")
def test_ctrl_c_is_ctrl_c_also_where_the_output_fails() -> None:
    with closed_pipe() as pipe:
        happens = "print('the results'); raise KeyboardInterrupt"
        result = run(*stopped("stages/convert.py", happens), stdout=pipe)
    assert (result.returncode, result.stderr) == (-signal.SIGINT, "interrupted\n")


@needs_a_full_device
def test_nothing_can_be_told_where_both_outputs_fail() -> None:
    for happens in ("print('x'); sys.exit()", "raise MemoryError", "print('x', file=sys.stderr)"):
        with full() as device:
            result = run(*stopped("stages/convert.py", happens), stdout=device, stderr=device)
        assert result.returncode in (1, 120)


def test_output_that_is_closed_from_the_start_is_left_out() -> None:
    """Python then has no sys.stdout."""
    code = f"import os, subprocess, sys; os.close(1); sys.exit(subprocess.call([{sys.executable!r},"
    code += f" *{stopped('stages/convert.py', 'print(1); sys.exit()')!r}]))"
    result = run("-c", code)
    assert (result.returncode, result.stderr) == (0, "")


@needs_a_full_device
def test_the_report_says_so_too() -> None:
    with full() as device:
        result = run("tools/study_report.py", "--help", stdout=device)
    message = "error: standard output: No space left on device\n"
    assert (result.returncode, result.stderr) == (1, message)


def test_a_sheet_may_have_a_name_that_the_output_cannot_show(project: Project) -> None:
    file = project.folder / "data" / "handwriting_dataset.xlsx"
    book = openpyxl.load_workbook(file)
    book["Data"].title = "\u6570\u636e"
    book.save(file)
    project.edit_params("convert/source/sheet", "\u6570\u636e")
    (project.folder / "data" / "dataset.npz").unlink()
    result = run("stages/convert.py", cwd=project.folder, encoding="cp1252")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("data: 96 samples")
    assert (project.folder / "data" / "dataset.npz").exists()


@needs_a_full_device
@pytest.mark.parametrize("output", [full, closed_pipe])
def test_what_is_written_is_whole_where_the_output_fails(output: Output, project: Project) -> None:
    before = project.files()
    (project.folder / "data" / "dataset.npz").unlink()
    with output() as device:
        convert = run("stages/convert.py", cwd=project.folder, stdout=device)
        options = ("--model", "S-Adam", "--seed", "0", "--epochs", "2")
        train = run("stages/train.py", *options, cwd=project.folder, stdout=device)
    assert (convert.returncode, train.returncode) == (1, 1)
    run_files = {name for name in project.files() if name.startswith("scratch")}
    assert {k: v for k, v in project.files().items() if k not in run_files} == before
    assert "scratch/S-Adam-0/predictions.csv" in run_files


def test_an_array_that_is_too_large_is_told_in_one_line(project: Project) -> None:
    file = project.folder / "src" / "cnn_from_scratch" / "experiment" / "params.py"
    line = "\nimport numpy\nnumpy.empty((2**40, 2**10))\n"
    file.write_text(file.read_text(encoding="utf-8") + line, encoding="utf-8")
    assert project.refusal("stages/convert.py").startswith("out of memory: Unable to allocate ")


def test_a_process_that_was_killed_is_told_in_one_line(project: Project) -> None:
    """As the system does with the largest one if memory runs out."""
    file = project.folder / "src" / "cnn_from_scratch" / "experiment" / "run.py"
    (project.folder / "runs").mkdir()
    killed = "\ndef train_run(*args):\n    import os\n    os._exit(9)\n"
    file.write_text(file.read_text(encoding="utf-8") + killed, encoding="utf-8")
    options = ("--model", "S-Adam", "--dataset", "data/dataset.npz")
    message = project.refusal("stages/train_seeds.py", *options)
    assert message == "its worker died, 3 times; is there enough memory?"
