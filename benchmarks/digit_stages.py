"""The stages convert and train on as many 28x28 digits as MNIST has: their time and peak memory.

The digits are made up, a fifth of each one ink, and come gzip-compressed, as MNIST does.
"""

import gzip
import json
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from commands import ROOT, environment
from timing import Table, entry

SAMPLES, TESTS = 60_000, 10_000
ONE_COPY = 4 * SAMPLES * 784  # bytes of the training digits as float32
MIB = 1 << 20
PARAMS = {
    "convert": {"source": {"name": "idx", "path": "digits"}},
    "seeds": [0],
    "split": {"protocol": "holdout", "validation_fraction": 0.1},
    "train": {"epochs": 1, "batch_size": 128, "numerics": "native", "dtype": "float32"},
    "models": {"LeNet": {"architecture": {"name": "lenet"}, "optimizer": {"name": "adam"}}},
}
STAGES = {
    "convert": ["stages/convert.py"],
    "train": ["stages/train.py", "--model", "LeNet", "--seed", "0"],
}
# Runs a script, and tells the most memory that its process has held; Linux only.
TELL_PEAK = """
import re, runpy, sys
from pathlib import Path
del sys.argv[0]
sys.path.insert(0, str(Path(sys.argv[0]).parent))
runpy.run_path(sys.argv[0], run_name="__main__")
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


def digit_stages() -> Table:
    """Return the seconds that each stage takes, and its peak beside one float32 copy of them."""
    with tempfile.TemporaryDirectory() as folder:
        write_digits(Path(folder))
        table = {}
        for name, command in STAGES.items():
            seconds, peak = measure(Path(folder), command)
            also = {"peak, MiB": peak / MIB, "times one float32 copy": peak / ONE_COPY}
            table[name] = entry("s", [seconds], **also)
    return {f"{SAMPLES:,} and {TESTS:,} digits of 28x28, one epoch of LeNet": table}


def write_digits(folder: Path) -> None:
    """Write the IDX files and params.yaml."""
    rng = np.random.default_rng(0)
    (folder / "digits").mkdir()
    (folder / "data").mkdir()
    for part, count in (("train", SAMPLES), ("t10k", TESTS)):
        ink = rng.random((count, 28, 28), dtype=np.float32) < 0.2
        images = np.where(ink, rng.integers(0, 256, ink.shape, np.uint8), np.uint8(0))
        for name, values in (
            ("images-idx3", images),
            ("labels-idx1", (np.arange(count) % 10).astype(np.uint8)),
        ):
            content = struct.pack(f">I{values.ndim}I", 0x0800 + values.ndim, *values.shape)
            packed = gzip.compress(content + values.tobytes(), compresslevel=1)
            (folder / "digits" / f"{part}-{name}-ubyte.gz").write_bytes(packed)
    (folder / "params.yaml").write_text(json.dumps(PARAMS))  # which is YAML, too


def measure(folder: Path, command: list[str]) -> tuple[float, int]:
    """Run a script in a folder; return the seconds it took, and the bytes it held at the most."""
    script = str(ROOT / command[0])
    start = time.perf_counter()
    done: Any = subprocess.run(
        [sys.executable, "-c", TELL_PEAK, script, *command[1:]],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=True,
    )
    return time.perf_counter() - start, 1024 * int(done.stdout.split()[-1])


if __name__ == "__main__":
    print(json.dumps(digit_stages(), indent=1))
