"""How loops are compiled: once, kept on disk, and anew when any of their code has changed."""

import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.compiled.kernel import Kernel, one_of
from tests.workflow.project import ROOT

SIGMOID = """
import sys
sys.path[:0] = [{src!r}]
import numpy as np
from cnn_from_scratch.compiled.chain import Chain
from cnn_from_scratch.compiled.passes import passes_of
from cnn_from_scratch.nn.layers import Sigmoid
y, _ = Chain([Sigmoid()], [(1,), (1,)], [0], "native").forward(np.zeros(0), np.array([[0.5]]))
stats = passes_of("native").forward.serial.stats
print(repr(float(y[0, 0])), sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""


def _sigmoid(src: Path) -> tuple[float, bool]:
    """Return the sigmoid of 0.5 by a copy of the project's code, and whether it was compiled."""
    result = subprocess.run(
        [sys.executable, "-c", SIGMOID.format(src=str(src))],
        capture_output=True,
        text=True,
        check=True,
    )
    y, hits, misses = result.stdout.split()
    assert int(hits) + int(misses) == 1
    return float(y), misses == "1"


# A file, what stands there, and what to put in its place: the loop, what it calls, and a constant
# that this uses.
CHANGES = [
    ("compiled/activations.py", "x[i] = q / (q + ", "x[i] = q / (2.0 * q + "),
    ("compiled/functions.py", "view(np.int64), c + r, c - r", "view(np.int64), c + r, c"),
    ("arithmetic/elementary.py", "COTH = [2, 1 / 6, ", "COTH = [2, 1 / 7, "),
]


@pytest.mark.release
def test_loops_are_compiled_once_and_anew_after_any_change(tmp_path: Path) -> None:
    src = tmp_path / "src"
    shutil.copytree(ROOT / "src", src, ignore=shutil.ignore_patterns("__pycache__"))
    y, anew = _sigmoid(src)
    assert y == pytest.approx(1.0 / (1.0 + math.exp(-0.5)), rel=1e-15)
    assert anew
    assert _sigmoid(src) == (y, False)
    for name, old, new in CHANGES:
        file = src / "cnn_from_scratch" / name
        code = file.read_text(encoding="utf-8")
        assert code.count(old) == 1
        file.write_text(code.replace(old, new), encoding="utf-8")
        other, anew = _sigmoid(src)
        assert anew, name
        assert abs(other - y) > 1e-6
        file.write_text(code, encoding="utf-8")


@pytest.mark.release
def test_a_folder_for_the_cache_is_kept_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numba's own variable names it, say where the code's own folder cannot be written to."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert _sigmoid(ROOT / "src")[1]
    assert not _sigmoid(ROOT / "src")[1]
    assert [*tmp_path.rglob("*.nbc")]


@Kernel
def _add(x: Array, y: Array) -> None:
    x += y


@Kernel
def _subtract(x: Array, y: Array) -> None:
    x -= y


def test_one_of_several_kernels() -> None:
    """By its number in the list; without one of that number nothing passes as done."""
    for kind in ("serial", "shared"):
        run = vars(one_of("run", "x, y", [_add, _subtract, _add]))[kind]
        for number, expected in ((0, 5.0), (1, 1.0), (2, 5.0)):
            x = np.array([3.0])
            run(number, x, np.array([2.0]))
            assert x[0] == expected
        for number in (3, -1):
            with pytest.raises(IndexError, match=r"^no kernel has this number$"):
                run(number, np.zeros(1), np.zeros(1))


def test_kernels_of_other_arguments_are_refused() -> None:
    message = r"^_subtract\(x, y\): expected \(x, dy\)$"
    with pytest.raises(TypeError, match=message):
        one_of("run", "x, dy", [_subtract])
