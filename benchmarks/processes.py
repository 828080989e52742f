"""Time `make parallel`'s build in two processes against `dvc repro`, cold, side by side.

Usage: python benchmarks/processes.py [ROUNDS]; writes benchmarks/processes.md.

Both run in temporary clones of what is committed, in turns; once as it is, and once with ten times
the epochs, so that training takes most of the time. The figures are medians of rounds.
"""

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from pipeline import ROOT, seconds

BUILDS = {
    "serial": [sys.executable, "-m", "dvc", "repro", "--quiet"],
    "parallel": [sys.executable, "stages/parallel.py", "--jobs", "2"],
}


def main(rounds: int) -> None:
    """Run the comparison and write its table."""
    lines = ["| epochs | `dvc repro`, s | two processes, s | ratio |", "| --- | --- | --- | --- |"]
    for times in (1, 10):
        taken: dict[str, list[float]] = {build: [] for build in BUILDS}
        for _ in range(rounds):
            for build, command in BUILDS.items():
                with tempfile.TemporaryDirectory() as folder:
                    clone = Path(folder, "clone")
                    epochs = cold_clone(clone, times)
                    taken[build].append(seconds(command, clone))
        serial, parallel = (statistics.median(taken[build]) for build in BUILDS)
        lines.append(f"| {epochs} | {serial:.1f} | {parallel:.1f} | {serial / parallel:.2f} |")
    table = "\n".join(lines) + "\n"
    Path(__file__).with_name("processes.md").write_text(table, encoding="utf-8", newline="\n")
    print(table, end="")


def cold_clone(folder: Path, times: int) -> int:
    """Clone what is committed, without its lock, with so many times the epochs; return those."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    (folder / "dvc.lock").unlink()
    file = folder / "params.yaml"
    params = yaml.safe_load(file.read_text(encoding="utf-8"))
    params["train"]["epochs"] *= times
    file.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    return int(params["train"]["epochs"])


if __name__ == "__main__":
    main(rounds=int(sys.argv[1]) if len(sys.argv) > 1 else 3)
