"""What the suite is to show: ratios of two contenders, medians of the rounds, and their limits."""

from collections.abc import Callable
from typing import Any, NamedTuple

from contenders import Case
from timing import Entry, ratio

NATIVE, NATIVE_32 = "NumPy native, float64", "NumPy native, float32"
PORTABLE = "NumPy portable, float64"
COMPILED, COMPILED_32 = "compiled, float64", "compiled, float32"
TORCH, TORCH_COMPILED = "PyTorch eager, float32", "PyTorch compiled, float32"
JAX_STEP, JAX_STEP_64 = "JAX step, float32", "JAX step, float64"
JAX_SCAN, JAX_SCAN_64 = "JAX scan, float32", "JAX scan, float64"

Results = dict[str, Any]


class Target(NamedTuple):
    """That the first contender takes at most so many times as long as the fastest of the others."""

    part: str
    work: str
    ours: str
    others: tuple[str, ...]
    limit: float


def _of_epochs() -> list[Target]:
    targets = []
    for network in ("S-", "E-"):
        work = Case(network, "training", 96).named(threads=1)
        targets += [
            Target("epochs", work, NATIVE, (JAX_STEP,), 1.0),
            Target("epochs", work, NATIVE_32, (JAX_STEP,), 1.0),
            Target("epochs", work, NATIVE, (JAX_STEP_64,), 1.0),
            Target("epochs", work, PORTABLE, (NATIVE,), 2.0),
            Target("epochs", work, COMPILED, (JAX_SCAN,), 1.0),
            Target("epochs", work, COMPILED_32, (JAX_SCAN,), 1.0),
            Target("epochs", work, COMPILED, (JAX_SCAN_64,), 1.0),
        ]
    return targets


def _of_steps() -> list[Target]:
    targets = []
    for threads in (1, 2):
        for count in (32, 128, 512):
            work = Case("28x28", "training", count).named(threads)
            targets += [
                Target("steps", work, NATIVE_32, (TORCH,), 1.3),
                Target("steps", work, COMPILED_32, (TORCH, TORCH_COMPILED), 1.0),
                Target("steps", work, PORTABLE, (NATIVE,), 2.5),
            ]
    return targets


def _of_lenet() -> list[Target]:
    works = [Case("LeNet", "training", 64).named(threads) for threads in (1, 2)]
    others = (TORCH, TORCH_COMPILED)
    return [Target("lenet", work, COMPILED_32, others, 1.0) for work in works]


def _of_inference() -> list[Target]:
    works = [Case("28x28", "inference", 10_000).named(threads) for threads in (1, 2)]
    return [Target("inference", work, NATIVE_32, (TORCH,), 1.0) for work in works]


def _of_processes() -> list[Target]:
    targets = []
    for model in ("S-Adam", "E-Adam"):
        work = f"{model}, a train stage"
        targets += [
            Target("train", work, PORTABLE, (TORCH,), 0.25),
            Target("train", work, PORTABLE, (JAX_STEP, JAX_SCAN), 0.25),
        ]
    cold = Target("repro", "`dvc repro`, cold", "ours", ("commands only import NumPy",), 1.5)
    return [*targets, cold]


TARGETS = [*_of_epochs(), *_of_steps(), *_of_lenet(), *_of_inference(), *_of_processes()]
MEMORY_COLUMN, MEMORY_LIMIT = "times data and working set", 1.5


def fastest(entries: dict[str, Entry], labels: tuple[str, ...]) -> Entry | None:
    """Return the entry of the named contender with the lowest median, None if none was measured."""
    measured = [entry for label in labels if "median" in (entry := entries.get(label, {}))]
    return min(measured, key=lambda entry: entry["median"], default=None)


def target_rows(results: Results) -> list[list[str]]:
    """Return one row per target: work, what is compared, ratio, limit, whether it is met."""
    return [*map(_row(results), TARGETS), *_memory_rows(results)]


def _row(results: Results) -> Callable[[Target], list[str]]:
    def row(target: Target) -> list[str]:
        entries = results.get(target.part, {}).get("table", {}).get(target.work, {})
        return [
            target.work,
            f"{target.ours} / {' or '.join(target.others)}",
            *_verdict(_ratio(entries, target), target.limit),
        ]

    return row


def _ratio(entries: dict[str, Entry], target: Target) -> float | None:
    ours, other = entries.get(target.ours, {}), fastest(entries, target.others)
    return None if "median" not in ours or other is None else ratio(ours, other)


def _memory_rows(results: Results) -> list[list[str]]:
    table = results.get("memory", {}).get("table", {})
    what = "peak / data and one batch's working set"
    return [
        [work, f"{label}: {what}", *_verdict(entry.get(MEMORY_COLUMN), MEMORY_LIMIT)]
        for work, entries in table.items()
        for label, entry in entries.items()
    ]


def _verdict(ratio: float | None, limit: float) -> list[str]:
    if ratio is None:
        return ["not measured", f"{limit:g}", ""]
    return [f"{ratio:.2f}", f"{limit:g}", "met" if ratio <= limit else "**missed**"]
