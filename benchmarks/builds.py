"""Time the build engine against `dvc repro`, from nothing, in clones of what is committed.

Usage: python benchmarks/builds.py [PART...]; writes benchmarks/tables/builds_PART.md.

The parts: `cold`, the study; `growth`, more and more short runs; `workers`, one or two processes,
and Dask's, for long and short runs; `loops`, portable runs in NumPy or in compiled loops. Builds
that are compared take turns; the figures are medians of ROUNDS.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from commands import ROOT, environment, seconds
from pipeline import PIPELINES, REPRO, clone, edit_params

TABLES = Path(__file__).with_name("tables")
OWN_TIME = ROOT / "benchmarks/own_time.py"
BUILD = [sys.executable, "tools/build.py"]
ROUNDS = 1
MODELS = 5

Change = Callable[[Path], object]


def cold() -> str:
    """Return how long the study takes: by the engine, by DVC, and by DVC with other commands."""
    cases = {
        "`make`'s build": (BUILD, PIPELINES["ours"]),
        "`dvc repro`": (REPRO, PIPELINES["ours"]),
        "`dvc repro`, empty commands": (REPRO, PIPELINES["empty commands"]),
        "`dvc repro`, commands that only import NumPy": (
            REPRO,
            PIPELINES["commands only import NumPy"],
        ),
        "`dvc repro`, one epoch of training": (REPRO, PIPELINES["ours with one epoch of training"]),
    }
    taken = _in_turns({case: partial(_built, *build) for case, build in cases.items()})
    ours = taken["`make`'s build"]
    rows = [[case, f"{took:.1f}", f"{ours / took:.2f}"] for case, took in taken.items()]
    return _table(["from nothing to the results", "s", "`make`'s build / this"], rows)


def growth() -> str:
    """Return what DVC itself takes, by the number of runs, each of one epoch.

    That is the processor time of the engine's own process, which imports DVC and trains nothing.
    """
    rows = []
    for runs in (50, 250, 1000):
        with clone() as folder:
            edit_params(folder, partial(_set, seeds=runs // MODELS, epochs=1))
            command = [sys.executable, str(OWN_TIME), "tools/build.py"]
            done = subprocess.run(
                command, cwd=folder, env=environment(folder), capture_output=True, check=True
            )
        own = json.loads(done.stdout.splitlines()[-1])["own"]
        rows.append([f"{runs:,}", f"{own:.0f}", f"{1000 * own / runs:.0f}", _repro(runs)])
    header = ["runs", "engine's process, s", "per run, ms", "`dvc repro`, hours (extrapolated)"]
    return _table(header, rows)


def _repro(runs: int) -> str:
    """Return what `dvc repro` would take, from the cost of a stage that the suite has measured.

    It grows in proportion to the lock: the whole is the mean of no lock and the full one.
    """
    table = json.loads((ROOT / "benchmarks/results.json").read_text("utf-8"))["growth"]["table"]
    points = [
        (int(work.split()[2]), entries["a train stage"]["median"])
        for work, entries in table.items()
    ]
    (x0, y0), (x1, y1) = points[0], points[-1]
    slope = (y1 - y0) / (x1 - x0)
    return f"{runs * (y0 - slope * x0 + slope * runs / 2) / 3600:.1f}"


def workers() -> str:
    """Return what further workers gain, and what Dask costs, for long runs and short ones."""
    rows = []
    for work, seeds, epochs in (("20 runs of 2,000 epochs", 4, 2000), ("100 runs of one", 20, 1)):
        change = partial(edit_params, change=partial(_set, seeds=seeds, epochs=epochs))
        with _dask(2) as address:
            builds = {
                "one": [*BUILD, "--jobs", "1"],
                "two": [*BUILD, "--jobs", "2"],
                "dask": [*BUILD, "--scheduler", address],
            }
            taken = _in_turns({k: partial(_built, build, change) for k, build in builds.items()})
        one, two, dask = taken.values()
        ratio = f"{one / two:.2f}"
        more = f"{1000 * (dask - two) / (seeds * MODELS):.0f}"
        rows.append([work, f"{one:.1f}", f"{two:.1f}", ratio, f"{dask:.1f}", more])
    header = ["work", "one process, s", "two, s", "one / two", "two of Dask, s"]
    return _table([*header, "Dask's more, ms per run"], rows)


def loops() -> str:
    """Return what compiled loops gain in portable runs, whose bits are the same."""
    builds = {"NumPy": BUILD, "compiled loops": [*BUILD, "--compiled"]}
    rows = []
    for epochs in (300, 600):
        change = partial(edit_params, change=partial(_set, seeds=10, epochs=epochs))
        taken = _in_turns({k: partial(_built, build, change) for k, build in builds.items()})
        numpy, compiled = taken.values()
        rows.append([f"{epochs:,}", f"{numpy:.1f}", f"{compiled:.1f}", f"{compiled / numpy:.2f}"])
    return _table(["epochs of the study", "NumPy, s", "compiled loops, s", "ratio"], rows)


def _built(command: list[str], change: Change) -> float:
    """Return the seconds of a command in a cold clone that is changed before."""
    with clone() as folder:
        change(folder)
        return seconds(command, folder)


def _in_turns(builds: dict[str, Callable[[], float]]) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in builds}
    for _ in range(ROUNDS):
        for name, build in builds.items():
            taken[name].append(build())
    return {name: statistics.median(values) for name, values in taken.items()}


def _set(params: Any, *, seeds: int, epochs: int) -> None:
    params["seeds"] = list(range(seeds))
    params["train"]["epochs"] = epochs


@contextmanager
def _dask(workers: int) -> Iterator[str]:
    """Give the address of a scheduler that has so many workers on this machine."""
    dask = str(Path(sys.executable).with_name("dask"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "scheduler.json"
        own = ["--scheduler-file", str(file), "--no-dashboard"]
        commands = [
            [dask, "scheduler", "--host", "127.0.0.1", "--port", "0", *own],
            *[[dask, "worker", "--nthreads", "1", *own]] * workers,
        ]
        output = (folder / "log").open("w")
        processes = [
            subprocess.Popen(c, cwd=folder, env=environment(folder), stdout=output, stderr=output)
            for c in commands
        ]
        try:
            while not file.exists() or not file.read_text():
                processes[0].poll()
            yield json.loads(file.read_text())["address"]
        finally:
            for process in reversed(processes):
                process.terminate()
                process.wait()
            output.close()


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


PARTS = {"cold": cold, "growth": growth, "workers": workers, "loops": loops}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        if part not in PARTS:
            sys.exit(f"error: no part {part!r}; there are {', '.join(PARTS)}")
        table = PARTS[part]()
        file = TABLES / f"builds_{part}.md"
        file.write_text(table, encoding="utf-8", newline="\n")
        print(table)
