"""Progress of a run: a bar on a terminal, a few plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from cnn_from_scratch.nn.training import Epoch

PLAIN_LINES = 3
LONG = 10.0  # seconds: a training that takes longer tells how fast it is, and how long it will take
EVERY = 60.0  # seconds from one plain line to the next, at most


@contextmanager
def progress(title: str, epochs: int, samples: int) -> Iterator[Callable[[Epoch], None]]:
    """Give a function that, told of every epoch of a run, shows how far it is.

    samples: of an epoch.
    """
    pace = Pace(epochs, samples)
    if not sys.stderr.isatty():
        told = time.monotonic()

        def plain_line(epoch: Epoch) -> None:
            nonlocal told
            pace.advance(epoch)
            due = (epoch.epoch * PLAIN_LINES) % epochs < PLAIN_LINES
            if epoch.epoch > 0 and (due or time.monotonic() - told > EVERY):
                told = time.monotonic()
                line = f"{title}: epoch {epoch.epoch}/{epochs}, {_scores(epoch)}{pace}"
                print(line, file=sys.stderr)

        yield plain_line
        return
    from tqdm import tqdm  # only a terminal pays for the import

    with tqdm(total=epochs, desc=title, unit="epoch") as bar:

        def advance(epoch: Epoch) -> None:
            pace.advance(epoch)
            bar.update(epoch.epoch - bar.n)
            bar.set_postfix_str(f"{_scores(epoch)}{pace}", refresh=False)

        yield advance


class Pace:
    """How fast a training is, since the first epoch that it was told of."""

    def __init__(self, epochs: int, samples: int) -> None:
        self.epochs, self.samples = epochs, samples
        self._begun: tuple[int, float] | None = None
        self._words = ""

    def advance(self, epoch: Epoch) -> None:
        """Take in that an epoch has ended."""
        now = time.monotonic()
        self._begun = self._begun or (epoch.epoch, now)
        first, start = self._begun
        done, seconds = epoch.epoch - first, now - start
        if done > 0 and seconds > LONG:
            left = timedelta(seconds=round((self.epochs - epoch.epoch) * seconds / done))
            self._words = f", {done * self.samples / seconds:,.0f} samples/s, {left} left"

    def __str__(self) -> str:
        """Return it in words, once the training is long."""
        return self._words


def _scores(epoch: Epoch) -> str:
    return (
        f"train loss {epoch.train.loss:.4g} nats, accuracy {epoch.train.accuracy:.1%},"
        f" validation {epoch.val.accuracy:.1%}"
    )
