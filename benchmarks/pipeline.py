"""Time the whole workflow against the same one whose commands only import NumPy.

Usage: python benchmarks/pipeline.py [ROUNDS]; writes benchmarks/pipeline.md.

Both run in temporary clones of what is committed, in turns: a cold `dvc repro` (no cache), then
one that finds nothing to do. The figures are medians of rounds.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
REPRO = [sys.executable, "-m", "dvc", "repro", "--quiet"]


def main(rounds: int) -> None:
    """Run the comparison and write its table."""
    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        for pipeline in ("ours", "only import NumPy"):
            with tempfile.TemporaryDirectory() as folder:
                clone = Path(folder, "clone")
                subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
                (clone / "dvc.lock").unlink()
                if pipeline != "ours":
                    replace_commands(clone / "dvc.yaml")
                for state in ("cold", "nothing to do"):
                    times.setdefault((state, pipeline), []).append(seconds(REPRO, clone))
    lines = [
        "| `dvc repro` | ours, s | commands only import NumPy, s | ratio |",
        "| --- | --- | --- | --- |",
    ]
    for state in ("cold", "nothing to do"):
        ours, least = (
            statistics.median(times[state, pipeline]) for pipeline in ("ours", "only import NumPy")
        )
        lines.append(f"| {state} | {ours:.1f} | {least:.1f} | {ours / least:.2f} |")
    table = "\n".join(lines) + "\n"
    Path(__file__).with_name("pipeline.md").write_text(table, encoding="utf-8", newline="\n")
    print(table, end="")


def replace_commands(dvc_yaml: Path) -> None:
    """Let every stage only import NumPy and make its outputs."""
    pipeline = yaml.safe_load(dvc_yaml.read_text(encoding="utf-8"))
    for stage in pipeline["stages"].values():
        outputs = [path for kind in ("outs", "metrics") for path in map(_path, stage.get(kind, []))]
        stage["cmd"] = " ".join(["python", str(ROOT / "benchmarks/only_numpy.py"), *outputs])
    dvc_yaml.write_text(yaml.safe_dump(pipeline, sort_keys=False), encoding="utf-8")


def _path(output: str | dict[str, Any]) -> str:
    return output if isinstance(output, str) else next(iter(output))


def seconds(command: list[str], folder: Path) -> float:
    """Return how long a command takes in a folder."""
    compiled_once = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment = compiled_once | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "DVC_SITE_CACHE_DIR": f"{folder}-site-cache",
    }
    start = time.perf_counter()
    subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - start


if __name__ == "__main__":
    main(rounds=int(sys.argv[1]) if len(sys.argv) > 1 else 3)
