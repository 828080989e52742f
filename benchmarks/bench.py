"""Time everything side by side, and write benchmarks/results.json, .md and .png.

Usage: python benchmarks/bench.py [PART...]. Without parts, all of them; with some, the figures of
the others stay as they are; with `show`, nothing is timed, and only table and plot are written.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from contenders import CONTENDERS, Case
from convert_stage import convert
from digit_stages import digit_stages
from image_stages import image_stages
from machine import machine
from memory import memory
from pipeline import growth, repro
from profiling import profiles
from roofline import machine_limits
from side_by_side import CORES, side_by_side
from targets import COMPILED_32, NATIVE_32, TORCH, TORCH_COMPILED
from timing import Table
from train_stage import train_stages

RESULTS = Path(__file__).with_name("results.json")

JAX_64 = ("JAX step, float64", "JAX scan, float64")  # only where the study's precision is at stake
OTHERS = [label for label in CONTENDERS if label not in JAX_64]
OF_OURS = [label for label in OTHERS if not label.startswith(("plain", "scikit"))]
WITHOUT_SCAN = [label for label in OF_OURS if label != "JAX scan, float32"]
STUDY = [label for label in CONTENDERS if not label.startswith("scikit")]
DENSE = [label for label in OTHERS if not label.startswith("plain")]
OF_LENET = [NATIVE_32, COMPILED_32, TORCH, TORCH_COMPILED]
IN_SAMPLES = [label for label in WITHOUT_SCAN if label != "PyTorch compiled, float32"]


def epochs() -> Table:
    """One full-batch epoch on 96 samples."""
    cases = [Case("S-", "training", 96), Case("E-", "training", 96)]
    # The smallest work feels a busy machine the most: many short turns, so that all feel the same.
    return side_by_side(cases, STUDY, rounds=51, seconds=0.05)


def steps() -> Table:
    """Training steps on 28x28 digits, with one thread and with two."""
    cases = [Case("28x28", "training", count) for count in (32, 128, 512)]
    return _by_threads(cases, OF_OURS)


def lenet() -> Table:
    """Training steps of LeNet, with one thread and with two."""
    table: Table = {}
    for count in (32, 64, 128):
        for work, entries in _by_threads([Case("LeNet", "training", count)], OF_LENET).items():
            table[work] = entries
            for entry in entries.values():
                if "median" in entry:
                    entry["samples a second"] = 1000 * count / entry["median"]
    return table


def inference() -> Table:
    """Inference on one digit and on 10,000, with one thread and with two."""
    return _by_threads([Case("28x28", "inference", n) for n in (1, 10_000)], WITHOUT_SCAN)


def dense() -> Table:
    """Training steps of a dense network, which scikit-learn has, too."""
    return side_by_side([Case("dense 784-64-10", "training", 128)], DENSE)


def samples() -> Table:
    """A full-batch epoch of the S- network on more and more samples."""
    cases = [Case("S-", "training", count) for count in (96, 1_000, 10_000, 60_000)]
    table = side_by_side(cases, IN_SAMPLES, rounds=5)
    for case, entries in zip(cases, table.values(), strict=True):
        for entry in entries.values():
            if "median" in entry:
                entry["µs a sample"] = 1000 * entry["median"] / case.samples
    return table


def _by_threads(cases: list[Case], labels: list[str]) -> Table:
    table: Table = {}
    for threads in (1, 2):
        if threads <= CORES:
            table |= side_by_side(cases, labels, threads)
    return table


PARTS: dict[str, Callable[[], Table]] = {
    "epochs": epochs,
    "steps": steps,
    "lenet": lenet,
    "inference": inference,
    "dense": dense,
    "samples": samples,
    "limits": machine_limits,
    "profile": profiles,
    "memory": memory,
    "train": train_stages,
    "convert": convert,
    "digits": digit_stages,
    "image_stages": image_stages,
    "repro": repro,
    "growth": growth,
}


def main(names: list[str]) -> None:
    """Run the parts, and show the results of all."""
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name in names:
        start = time.perf_counter()
        table = PARTS[name]()
        results[name] = {"machine": machine(), "table": table}
        ordered = {part: results[part] for part in PARTS if part in results}
        text = json.dumps(ordered, indent=1, ensure_ascii=False) + "\n"
        RESULTS.write_text(text, encoding="utf-8", newline="\n")
        print(f"{name}: {time.perf_counter() - start:.0f} s")
    from results_page import show  # here, as each contender's process imports this file

    show(results)


if __name__ == "__main__":
    unknown = [name for name in sys.argv[1:] if name not in (*PARTS, "show")]
    if unknown:
        sys.exit(f"error: no part {unknown[0]!r}; there are {', '.join(PARTS)}, and show")
    main([name for name in sys.argv[1:] if name != "show"] if sys.argv[1:] else list(PARTS))
