"""How a loop is compiled: once for one thread, and once with its outermost `prange` shared out."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar

import numba
import numpy as np
from numba import njit

from cnn_from_scratch.nn import numerics

Array = np.ndarray[Any, np.dtype[np.floating[Any]]]

# numpy: dividing by zero gives inf or NaN, as it does there. cache: on disk, from run to run.
OPTIONS: dict[str, Any] = {"cache": True, "error_model": "numpy"}
# Let the compiler add up in another order, and fuse a product with a sum. Where that is not said,
# every operation is rounded by itself, in the order of the loops, and so the same on every machine.
REORDERED = {"fastmath": {"reassoc", "contract"}}
PARALLEL_FROM = 1 << 19  # steps; waking the threads takes about as long as a tenth of them


def _cache_folder() -> Path:
    """Return where to keep what is compiled of the code as it is now.

    Numba compiles a function anew after a change of its own file, but not of what it calls, nor of
    the constants that it uses; so each state of all these files has a folder of its own.
    """
    here, state = Path(__file__), sha256()
    for file in (*sorted(here.parent.glob("*.py")), Path(numerics.__file__)):
        state.update(file.read_bytes())
    return Path(SETTINGS.CACHE_DIR or here.with_name("__pycache__"), state.hexdigest()[:16])


SETTINGS: Any = numba.config
SETTINGS.CACHE_DIR = str(_cache_folder())

F = TypeVar("F", bound=Callable[..., Any])


def function(**options: Any) -> Callable[[F], F]:
    """Compile a function that loops call."""
    compile_it: Callable[[F], F] = njit(**OPTIONS, **options)
    return compile_it


class Kernel:
    """A loop over arrays that writes its results into the last of them.

    Whether threads share its `prange` changes no bit: each number is computed by one of them.
    """

    def __init__(self, loop: Callable[..., None], **options: Any):
        assert isinstance(loop, FunctionType)
        self.serial = njit(**OPTIONS, **options)(loop)
        shared = FunctionType(loop.__code__, loop.__globals__, f"{loop.__name__}_shared")
        shared.__qualname__ = shared.__name__  # the cache on disk goes by it
        self.shared = njit(parallel=True, **OPTIONS, **options)(shared)

    def __call__(self, steps: int, *args: Any) -> None:
        """Run the loop; `steps` says about how often its innermost line is run."""
        (self.serial if steps < PARALLEL_FROM else self.shared)(*args)


def kernel(**options: Any) -> Callable[[Callable[..., None]], Kernel]:
    """Make a kernel of a loop, compiled with these options."""
    return lambda loop: Kernel(loop, **options)
