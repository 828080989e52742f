"""Train all runs that are out of date in several processes, then do the rest as `dvc repro` does.

`make parallel` runs it, on Linux and macOS. Each process is a `dvc repro` of some of the train
stages; DVC's own lock (--wait-for-lock) keeps them out of each other's way, and is free while a
stage trains. Ctrl-C stops all of them, and what is finished is kept.
"""

import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stages"))

import start

import yaml
from tqdm import tqdm

from cnn_from_scratch import InputError
from tidy_lock import tidy_lock

DVC = (sys.executable, "-m", "dvc")
PATIENCE = 10  # seconds that a process has to end by itself, once it is asked to
STARTED = re.compile(r"Running stage '(.+)'|Stage '(.+)' (?:is cached|didn't change)")


@dataclass
class Worker:
    """A `dvc repro` of some stages, one after the other.

    started: those that it has come to; all but the last of them are done.
    """

    stages: list[str]
    started: list[str] = field(default_factory=list)
    output: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            [*DVC, "--wait-for-lock", "repro", "--single-item", *self.stages],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # a signal then reaches DVC and what it runs, from here alone
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line)
            if found := STARTED.match(line):
                self.started.append(found[1] or found[2])

    @property
    def done(self) -> int:
        """How many of the stages are done."""
        if self.process.poll() == 0:
            return len(self.stages)
        return max(len(self.started) - 1, 0)

    @property
    def failed(self) -> bool:
        """Whether the process has ended before its time."""
        return self.process.poll() not in (None, 0)

    def signal(self, number: int) -> None:
        """Send a signal to DVC and to what it runs."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def stop(self) -> None:
        """Wait for the process to end; if it does not, end it and what it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(PATIENCE)
        self.signal(signal.SIGKILL)
        self.process.wait()
        self.reader.join()


def stale_runs() -> list[str]:
    """Return the train stages that are out of date."""
    status = subprocess.run([*DVC, "status", "--json"], capture_output=True, text=True, check=False)
    if status.returncode:
        raise InputError(status.stderr.strip().splitlines()[-1])
    return [name for name in yaml.safe_load(status.stdout) if name.startswith("train@")]


def train(runs: list[str], jobs: int) -> None:
    """Train the runs in so many processes. Raises InputError if one fails."""
    workers = [Worker(runs[i::jobs]) for i in range(min(jobs, len(runs)))]
    try:
        watch(workers, len(runs))
    except BaseException:
        for worker in workers:
            worker.signal(signal.SIGINT)
        raise
    finally:
        for worker in workers:
            worker.stop()
    for worker in workers:
        if worker.failed:
            print("".join(worker.output), file=sys.stderr)
            undone = len(worker.stages) - worker.done
            raise InputError(f"{worker.started[-1]} failed; {undone} runs of its process are left")


def watch(workers: list[Worker], runs: int) -> None:
    """Show how far the runs are, until all processes have ended."""
    with tqdm(total=runs, unit="run", desc="training", mininterval=1.0) as bar:
        while True:
            alive = [worker for worker in workers if worker.process.poll() is None]
            bar.n = sum(worker.done for worker in workers)
            failed = sum(worker.failed for worker in workers)
            bar.set_postfix_str(f"{len(alive)} running, {failed} failed")
            if not alive:
                return
            with suppress(subprocess.TimeoutExpired):
                alive[0].process.wait(0.5)


def repro(*targets: str) -> None:
    """Run `dvc repro`, with its output; exit as it does if it fails."""
    result = subprocess.run([*DVC, "repro", *targets], check=False)
    if result.returncode:
        sys.exit(result.returncode)


def terminated(number: int, frame: FrameType | None) -> NoReturn:
    """Take SIGTERM for Ctrl-C."""
    raise KeyboardInterrupt


def main(jobs: int) -> None:
    """Build what the runs need, then the runs, then all else."""
    if jobs < 1:
        raise InputError(f"--jobs: expected at least 1, got {jobs}")
    signal.signal(signal.SIGTERM, terminated)
    for library in ("OMP", "NUMBA"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")  # the processes share out the work
    repro("convert", "list_code")
    if runs := stale_runs():
        train(runs, jobs)
    tidy_lock()
    repro()
    tidy_lock()


if __name__ == "__main__":
    parser = start.Parser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="default: one per core")
    try:
        main(parser.parse_args().jobs)
    except KeyboardInterrupt:
        sys.exit("stopped; what is finished is kept")
