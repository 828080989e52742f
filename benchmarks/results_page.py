"""The results as a page of tables, and the short tables that pages of docs/ show."""

from pathlib import Path
from typing import Any

from contenders import Case
from results_plot import plot
from roofline import CASES, COPY, PRODUCT, counts
from targets import (
    COMPILED,
    COMPILED_32,
    JAX_SCAN,
    JAX_STEP,
    NATIVE,
    NATIVE_32,
    PORTABLE,
    TORCH,
    TORCH_COMPILED,
    Results,
    fastest,
    target_rows,
)
from timing import Entry, ratio

FOLDER = Path(__file__).parent
TABLES = FOLDER / "tables"
ROOFLINE = [("steps" if case.problem == "28x28" else "epochs", case) for case in CASES]
COST_PARTS = ("epochs", "steps", "train")  # that docs/portability.md shows

# What docs/performance.md shows: the part and the work of each row, the contenders of each column.
OVERVIEW_ROWS = (
    ("epochs", Case("S-", "training", 96).named(threads=1)),
    ("epochs", Case("E-", "training", 96).named(threads=1)),
    ("steps", Case("28x28", "training", 128).named(threads=1)),
    ("steps", Case("28x28", "training", 128).named(threads=2)),
    ("inference", Case("28x28", "inference", 10_000).named(threads=1)),
    ("train", "S-Adam, a train stage"),
    ("train", "E-Adam, a train stage"),
)
OVERVIEW_COLUMNS = {
    NATIVE_32: (NATIVE_32,),
    PORTABLE: (PORTABLE,),
    COMPILED: (COMPILED,),
    COMPILED_32: (COMPILED_32,),
    "PyTorch, float32": (TORCH, TORCH_COMPILED),
    "JAX, float32": (JAX_STEP, JAX_SCAN),
}
FIXED = ("unit", "values", "median", "low", "high", "skipped")

TITLES = {
    "epochs": "One full-batch epoch of the study",
    "steps": "Training steps on 28x28 digits",
    "lenet": "Training steps of LeNet",
    "inference": "Inference on 28x28 digits",
    "dense": "Another model: a dense network, which scikit-learn has, too",
    "samples": "Growth with samples: a full-batch epoch on 6x6 digits",
    "limits": "What one thread of the machine can do",
    "profile": "Where a step's time goes",
    "memory": "Peak memory",
    "train": "A whole train stage as a process",
    "convert": "The convert stage as a process",
    "digits": "The stages on as many digits as MNIST has",
    "image_stages": "A whole train stage on images of real sizes",
    "repro": "The whole workflow",
    "growth": "Growth with seeds",
}
INTRODUCTION = """# Benchmark results

Made by `make bench`; [README.md](README.md) says what is timed and how. Times are medians, with the
range of the rounds; the ratio, too, is the rounds' median, and to the first contender of the same
work. Read the ratios: the times belong to the machine.
"""


def show(results: Results) -> None:
    """Write results.md, results.png, and the tables that pages in docs/ show."""
    _write("results.md", page(results))
    TABLES.mkdir(exist_ok=True)
    for name, table in tables(results).items():
        _write(f"tables/{name}.md", table)
    plot(results, FOLDER / "results.png")


def tables(results: Results) -> dict[str, str]:
    """Return the tables that pages in docs/ show."""
    return {
        "overview": overview(results),
        "numerics_cost": cost(results),
        "images": images(results),
    }


def page(results: Results) -> str:
    """Return the page: machine, targets, and one table per part."""
    sections = [INTRODUCTION, *_machines(results), "## Targets\n", _targets(results)]
    sections += ["## Roofline\n", roofline_table(results)]
    for part, result in results.items():
        sections += [f"## {TITLES[part]}\n", _part(result["table"])]
    return "\n".join(sections)


def cost(results: Results) -> str:
    """Return the table of what portable numerics cost against native."""
    rows = []
    for part in COST_PARTS:
        for work, contenders in results.get(part, {"table": {}})["table"].items():
            native, portable = (contenders.get(label, {}) for label in (NATIVE, PORTABLE))
            if "median" in native and "median" in portable:
                medians = native["median"], portable["median"]
                times = [f"{_number(median)} {native['unit']}" for median in medians]
                rows.append([work, *times, f"{ratio(portable, native):.2f}"])
    return _table(["what", "native", "portable", "ratio"], rows)


def overview(results: Results) -> str:
    """Return the ratios of the fastest of each kind to native NumPy in float64, for a few works."""
    rows = []
    for part, work in OVERVIEW_ROWS:
        entries = results.get(part, {"table": {}})["table"].get(work, {})
        native = entries.get(NATIVE, {})
        if "median" not in native:
            continue
        row = [work, f"{_number(native['median'])} {native['unit']}"]
        for labels in OVERVIEW_COLUMNS.values():
            best = fastest(entries, labels)
            row.append("" if best is None else f"{ratio(best, native):.2f}")
        rows.append(row)
    return _table(["work", NATIVE, *OVERVIEW_COLUMNS], rows)


def images(results: Results) -> str:
    """Return how the compiled backend does beside PyTorch, on images of real sizes."""
    rows = []
    for part in ("lenet", "image_stages"):
        for work, entries in results.get(part, {"table": {}})["table"].items():
            ours, torch = entries[COMPILED_32], fastest(entries, (TORCH, TORCH_COMPILED))
            if "median" in ours and torch is not None:
                times = [f"{_number(entry['median'])} {entry['unit']}" for entry in (ours, torch)]
                rows.append([work, *times, f"{ratio(ours, torch):.2f}"])
    return _table(["work", COMPILED_32, "PyTorch, float32", "ratio"], rows)


def roofline_table(results: Results) -> str:
    """Return what a step needs at least, on this machine, beside what it takes."""
    header = ["work", "MFLOP", "MB", "FLOP/byte", "at least, ms", "because of"]
    header += ["NumPy native", "compiled"]
    return _table(header, [_roofline_row(results, part, case) for part, case in ROOFLINE])


def _roofline_row(results: Results, part: str, case: Case) -> list[str]:
    dtype = "float32" if case.problem == "28x28" else "float64"
    needed, limits = counts(case), results["limits"]["table"]
    size = needed.numbers * (4 if dtype == "float32" else 8)
    milliseconds = {
        "operations": 1e-6 * needed.operations / limits[PRODUCT][dtype]["median"],
        "bytes": 1e-6 * size / limits[COPY][dtype]["median"],
    }
    limit = max(milliseconds, key=lambda name: milliseconds[name])
    measured = results[part]["table"][case.named(threads=1)]
    row = [f"{case.named(threads=1)}, {dtype}"]
    row += [_number(1e-6 * needed.operations), _number(1e-6 * size)]
    row += [_number(needed.operations / size), _number(milliseconds[limit]), limit]
    for label in (f"NumPy native, {dtype}", f"compiled, {dtype}"):
        entry = measured[label]
        if "median" in entry:
            times = entry["median"] / milliseconds[limit]
            row.append(f"{_number(entry['median'])} ms, {times:.1f} times")
        else:
            row.append(f"skipped: {entry['skipped']}")
    return row


def _machines(results: Results) -> list[str]:
    """Say on which machine, with which versions, which parts were run."""
    described: dict[str, list[str]] = {}
    for part, result in results.items():
        described.setdefault(_machine(result["machine"]), []).append(part)
    if len(described) == 1:
        return [f"{line}\n" for line in described]
    return [f"{', '.join(parts)}: {line}\n" for line, parts in described.items()]


def _machine(machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    where = f"{machine['processor']}, {machine['cores']} cores, {machine['system']}"
    return f"{where}; {versions}."


def _targets(results: Results) -> str:
    header = ["work", "ratio of", "measured", "at most", ""]
    return _table(header, target_rows(results))


def _part(table: dict[str, dict[str, Entry]]) -> str:
    entries = [entry for row in table.values() for entry in row.values()]
    columns = list(dict.fromkeys(key for entry in entries for key in entry if key not in FIXED))
    header = ["work", "contender", "median (range)", "ratio", "rounds", *columns]
    rows = []
    for work, contenders in table.items():
        reference = next((e for e in contenders.values() if "median" in e), None)
        for label, entry in contenders.items():
            rows.append([work, label, *_cells(entry, reference, columns)])
    return _table(header, rows)


def _cells(entry: Entry, reference: Entry | None, columns: list[str]) -> list[str]:
    if reference is None or "skipped" in entry:
        return [f"skipped: {entry['skipped']}", "", "", *[""] * len(columns)]
    low, median, high = (_number(entry[key]) for key in ("low", "median", "high"))
    rounds = len(entry["values"])
    spread = f" ({low}-{high})" if rounds > 1 else ""
    also = [_number(entry[column]) if column in entry else "" for column in columns]
    to_first = f"{ratio(entry, reference):.2f}"
    return [f"{median} {entry['unit']}{spread}", to_first, str(rounds), *also]


def _number(value: float) -> str:
    """Return three digits that count, or all before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}".rstrip(".")


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _write(name: str, text: str) -> None:
    (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")
