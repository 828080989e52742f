"""10,000 files of all formats, changed at random: each is read right or refused in one line."""

import ast
import os
import subprocess
import sys

import pytest

from tests.data.fuzzing import ROOT

COUNTS = {
    **{"idx": 2500, "cifar10": 500, "cifar10 archive": 2000},
    **{"png": 1500, "jpeg": 1000, "csv": 1000, "parquet": 1000, "xlsx": 500},
}


@pytest.mark.release
@pytest.mark.parametrize(("name", "count"), COUNTS.items())
def test_changed_files_are_read_right_or_refused(name: str, count: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.data.fuzzing", name, str(count)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = ast.literal_eval(done.stdout)
    assert found["right"] + found["refused"] == count
    assert min(found.values()) > 0.05 * count
