"""Time the parallel build in two processes against `dvc repro`, cold.

Usage: python benchmarks/processes.py [ROUNDS]; writes benchmarks/processes.md.

Both run in temporary clones of what is committed, in turns: the study as it is, and one with so
many epochs that training takes most of the time. The figures are medians of rounds.
"""

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from cnn_from_scratch.experiment.params_file import read_params
from commands import ROOT, seconds
from pipeline import REPRO

BUILDS = {
    "serial": REPRO,
    "parallel": [sys.executable, "tools/parallel.py", "--jobs", "2"],
}
WORKLOADS = {"the study": (10, 1), "4 of its seeds, 40 times the epochs": (4, 40)}


def main(rounds: int) -> None:
    """Run the comparison and write its table."""
    lines = [
        "| workload | epochs | `dvc repro`, s | two processes, s | ratio |",
        "| --- | --- | --- | --- | --- |",
    ]
    for workload, (seeds, times) in WORKLOADS.items():
        taken: dict[str, list[float]] = {build: [] for build in BUILDS}
        for _ in range(rounds):
            for build, command in BUILDS.items():
                with tempfile.TemporaryDirectory() as folder:
                    clone = Path(folder, "clone")
                    epochs = cold_clone(clone, seeds, times)
                    taken[build].append(seconds(command, clone))
        serial, parallel = (statistics.median(taken[build]) for build in BUILDS)
        lines.append(
            f"| {workload} | {epochs:,} | {serial:.1f} | {parallel:.1f} | {serial / parallel:.2f} |"
        )
    table = "\n".join(lines) + "\n"
    Path(__file__).with_name("processes.md").write_text(table, encoding="utf-8", newline="\n")
    print(table, end="")


def cold_clone(folder: Path, seeds: int, times: int) -> int:
    """Clone what is committed, without its lock, for so many seeds and times the epochs.

    Return the number of epochs.
    """
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    (folder / "dvc.lock").unlink()
    file = folder / "params.yaml"
    params = read_params(file)
    params["seeds"] = params["seeds"][:seeds]
    params["train"]["epochs"] *= times
    file.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    return int(params["train"]["epochs"])


if __name__ == "__main__":
    main(rounds=int(sys.argv[1]) if len(sys.argv) > 1 else 3)
