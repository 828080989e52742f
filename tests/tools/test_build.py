"""tools/build.py: its arguments, and one line for each mistake."""

import subprocess
import sys
from pathlib import Path

import pytest

from cnn_from_scratch import InputError
from tests.workflow.project import ROOT

import build  # isort: skip

BAD_ARGUMENTS = {
    "no job": (["--jobs", "0"], "--jobs: expected at least 1, got 0"),
    "a negative audit": (["--audit", "-1"], "--audit: expected at least 0, got -1"),
    "two places": (
        ["--queue", "SLURM", "--executor", "a:b"],
        "--executor: expected without --queue",
    ),
    "three": (
        ["--scheduler", "tcp://a", "--queue", "SLURM"],
        "--queue: expected without --scheduler",
    ),
    "no number": (["--jobs", "many"], "argument --jobs: invalid int value: 'many'"),
    "unknown": (["--quick"], "unrecognized arguments: --quick"),
}


@pytest.mark.parametrize(("args", "line"), BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS)
def test_bad_arguments_are_one_line(args: list[str], line: str) -> None:
    with pytest.raises(InputError) as error:
        build.read_options(build.parser().parse_args(args))
    assert str(error.value) == line


def test_by_default_it_builds_the_main_project_here() -> None:
    args = build.parser().parse_args([])
    assert args.projects == [ROOT]
    options = build.read_options(args)
    assert (options.compiled, options.audit, options.pull) == (False, 0, False)


def test_a_mistake_ends_it_before_anything_begins(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, str(ROOT / "tools/build.py"), "--jobs", "0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "error: --jobs: expected at least 1, got 0\n"


def test_a_process_that_trains_imports_no_dvc() -> None:
    """Each one imports the script anew, as it is spawned."""
    code = (
        "import runpy, sys; runpy.run_path('tools/build.py', run_name='__mp_main__');"
        "print(*sorted({'dvc', 'distributed', 'tqdm', 'psutil', 'engine'} & sys.modules.keys()))"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == "\n"
