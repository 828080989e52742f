"""The most memory that an epoch on 60,000 digits of 28x28 takes, against the data's own size."""

import json
import resource
import subprocess
import sys
from pathlib import Path

from commands import ROOT, environment
from timing import Entry, Table, entry, skipped
from training_memory import BATCH
from workers import THREADS

SAMPLES = 60_000
LABELS = ("NumPy native, float32", "NumPy portable, float64", "compiled, float32")
LIMIT = 6 << 30  # bytes; more is not tried
MIB = 1 << 20


def memory() -> Table:
    """Return the peak by contender, beside the data, one batch's working set and their ratio."""
    work = f"one epoch on {SAMPLES:,} digits of 28x28, batches of {BATCH}"
    return {work: {label: _peak(label) for label in LABELS}}


def _peak(label: str) -> Entry:
    """Compare all samples with one batch, whose peak beyond its data is the working set."""
    try:
        batch, whole = _measure(label, BATCH), _measure(label, SAMPLES)
    except (subprocess.CalledProcessError, OSError) as error:
        lines = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        return skipped(lines[-1][:100])
    working_set = batch["peak"] - batch["data"]
    return entry(
        "MiB",
        [whole["peak"] / MIB],
        **{"data, MiB": whole["data"] / MIB, "batch's working set, MiB": working_set / MIB},
        **{"times data and working set": whole["peak"] / (whole["data"] + working_set)},
    )


def _measure(label: str, count: int) -> dict[str, float]:
    command = [sys.executable, str(Path(__file__).with_name("training_memory.py"))]
    done = subprocess.run(
        [*command, label, str(count)],
        env=environment(ROOT) | dict.fromkeys(THREADS, "1"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT)),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)
