"""The backends that params.yaml names: NumPy, or loops that are compiled."""

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextvars import copy_context
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from cnn_from_scratch import InputError
from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.experiment.params import Train
from cnn_from_scratch.experiment.params_file import PARAMS_FILE
from cnn_from_scratch.nn.backend import Backend
from cnn_from_scratch.nn.network import NUMPY
from cnn_from_scratch.nn.numerics import NUMERICS, NumericsName

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor


def in_threads(function: Callable[[slice], Array], chunks: Sequence[slice]) -> Iterable[Array]:
    """Call the function for each chunk, and return the results in order, as `map` does.

    NumPy lets go of the interpreter while it works through an array, so that as many threads as
    OMP_NUM_THREADS says, or the process has cores, work side by side. Each chunk is computed by one
    of them: their number changes no bit.
    """
    if len(chunks) == 1 or _threads() == 1:
        return map(function, chunks)
    # NumPy's error state belongs to the context.
    futures = [_pool().submit(copy_context().run, function, chunk) for chunk in chunks]
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


# Of portable numerics, that of all backends: it is in the bits.
CHUNK_SIZES: dict[NumericsName, int] = {"portable": 1 << 15, "native": 1 << 16}


def backend_for(train: Train) -> Backend:
    """Return the chosen backend with the chosen numerics. Raises InputError if it is missing."""
    if train.backend == "numpy":
        return numpy_backend(train.numerics)
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
    # Chunks are worked through one by one: the loops share themselves out.
    backend = Backend(CompiledSequential, optimizer=optimizers.compiled)
    if train.numerics == "portable":
        chunk_size = CHUNK_SIZES["portable"]
        return replace(backend, numerics=functions.PORTABLE, chunk_size=chunk_size)
    return replace(backend, loss=losses.softmax_cross_entropy, chunk_size=1 << 18)


def numpy_backend(numerics: NumericsName) -> Backend:
    """Return the NumPy backend with the chosen numerics."""
    return replace(
        NUMPY,
        numerics=NUMERICS[numerics],
        chunk_size=CHUNK_SIZES[numerics],
        map_chunks=in_threads,
    )
