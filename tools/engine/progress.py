"""One line about all runs: a bar on a terminal, a plain line now and then elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Never

from tqdm import tqdm

EVERY = 10.0  # seconds between two plain lines


class Progress:
    """How far the runs are: done, restored, at work, failed."""

    def __init__(self, bar: "tqdm[Never]", runs: int, restored: int) -> None:
        self.bar = bar
        self.runs = runs
        self.restored = restored
        self.succeeded = self.failed = 0  # a bar that is not shown counts nothing
        self.begun = self.told = time.monotonic()

    def done(self, *, failed: bool = False) -> None:
        """Count a run that has ended."""
        self.failed += failed
        self.succeeded += not failed
        self.bar.update()

    def show(self, running: int, *, last: bool = False) -> None:
        """Show the line; the time left follows from the runs so far."""
        counts = f"{self.restored} restored, {running} running, {self.failed} failed"
        self.bar.set_postfix_str(counts)
        now = time.monotonic()
        if self.bar.disable and (last or now - self.told >= EVERY):
            self.told = now
            counts = f"{self.succeeded} of {self.runs} runs done, {counts}"
            print(f"training: {counts}{self._time_left(now)}", flush=True)

    def _time_left(self, now: float) -> str:
        ended = self.succeeded + self.failed
        if not ended or ended == self.runs:
            return ""
        seconds = (now - self.begun) / ended * (self.runs - ended)
        return f", {tqdm.format_interval(seconds)} left"


@contextmanager
def progress(runs: int, restored: int) -> Iterator[Progress]:
    """Give what shows how far so many runs are, beside those that were restored."""
    with tqdm(total=runs, unit="run", desc="training", disable=not sys.stderr.isatty()) as bar:
        shown = Progress(bar, runs, restored)
        yield shown
        if runs or restored:
            shown.show(running=0, last=True)
