"""What a network computes with: NumPy, or loops that are compiled."""

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextvars import copy_context
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.params import Train
from cnn_from_scratch.experiment.params_file import PARAMS_FILE
from cnn_from_scratch.nn.losses import Loss, softmax_cross_entropy
from cnn_from_scratch.nn.model import Sequential
from cnn_from_scratch.nn.numerics import VERSIONS, Array, Primitives, Version
from cnn_from_scratch.nn.optimizers import Optimizer

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor


class Backend(NamedTuple):
    """What makes a network of its layers, its loss, and the operations of both.

    optimizer: makes of an optimizer one that does the same, as quickly as the backend can.
    part_size, map_parts: how batches are best worked through; see `Sequential`.
    """

    network: Callable[..., Sequential]
    loss: Loss
    optimizer: Callable[[Optimizer], Optimizer]
    primitives: Primitives
    part_size: int
    map_parts: Callable[..., Iterable[Array]]


def in_threads(function: Callable[[slice], Array], parts: Sequence[slice]) -> Iterable[Array]:
    """Call the function for each part, and return the results in order, as `map` does.

    NumPy lets go of the interpreter while it works through an array, so that as many threads as
    OMP_NUM_THREADS says, or the process has cores, work side by side. Each part is computed by one
    of them: their number changes no bit.
    """
    if len(parts) == 1 or _threads() == 1:
        return map(function, parts)
    # NumPy's error state belongs to the context.
    futures = [_pool().submit(copy_context().run, function, part) for part in parts]
    return [future.result() for future in futures]


@cache
def _threads() -> int:
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdecimal() and int(wanted) > 0:
        return int(wanted)
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


@cache
def _pool() -> "ThreadPoolExecutor":
    from concurrent.futures import ThreadPoolExecutor  # only here: most runs have no use for it

    return ThreadPoolExecutor(_threads())


# Where it is portable, the size of a part is in the bits, as each part is rounded by itself.
PART_SIZES: dict[Version, int] = {"portable": 1 << 15, "native": 1 << 16}
NUMPY = Backend(
    network=Sequential,
    loss=softmax_cross_entropy,
    optimizer=lambda optimizer: optimizer,
    primitives=VERSIONS["native"],
    part_size=PART_SIZES["native"],
    map_parts=in_threads,
)


def backend_for(train: Train) -> Backend:
    """Return the chosen backend with the chosen numerics. Raises InputError if it is missing."""
    version = train.numerics
    backend = NUMPY._replace(primitives=VERSIONS[version], part_size=PART_SIZES[version])
    if train.backend == "numpy":
        return backend
    try:  # only here, as it imports Numba
        from cnn_from_scratch.compiled import functions, losses, optimizers
        from cnn_from_scratch.compiled.network import CompiledSequential
    except ImportError as error:
        reason = f"cannot be imported: {error}"
        if isinstance(error, ModuleNotFoundError):
            reason = "is not installed: pip install -e '.[compiled]'"
        raise InputError(
            f"{PARAMS_FILE}: train.backend: compiled needs Numba, which {reason}"
        ) from error
    backend = backend._replace(
        network=partial(CompiledSequential, version=version),
        optimizer=optimizers.compiled,
        map_parts=map,  # the loops share themselves out
    )
    if version == "portable":
        return backend._replace(primitives=functions.PORTABLE)
    return backend._replace(loss=losses.softmax_cross_entropy, part_size=1 << 18)
