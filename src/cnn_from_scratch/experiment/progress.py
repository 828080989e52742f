"""Progress of a run: a bar on a terminal, a few plain lines elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cnn_from_scratch.nn.training import Epoch

PLAIN_LINES = 3


@contextmanager
def progress(title: str, epochs: int) -> Iterator[Callable[[Epoch], None]]:
    """Give a function that, told of every epoch of a run, shows how far it is."""
    if not sys.stderr.isatty():
        yield lambda epoch: _plain_line(title, epochs, epoch)
        return
    from tqdm import tqdm  # only a terminal pays for the import

    with tqdm(total=epochs, desc=title, unit="epoch") as bar:

        def advance(epoch: Epoch) -> None:
            bar.update(epoch.epoch - bar.n)
            bar.set_postfix_str(_scores(epoch), refresh=False)

        yield advance


def _plain_line(title: str, epochs: int, epoch: Epoch) -> None:
    if epoch.epoch > 0 and (epoch.epoch * PLAIN_LINES) % epochs < PLAIN_LINES:
        print(f"{title}: epoch {epoch.epoch}/{epochs}, {_scores(epoch)}", file=sys.stderr)


def _scores(epoch: Epoch) -> str:
    return (
        f"train loss {epoch.train.loss:.4g} nats, accuracy {epoch.train.accuracy:.1%},"
        f" validation {epoch.val.accuracy:.1%}"
    )
