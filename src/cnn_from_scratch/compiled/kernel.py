"""How a loop is compiled: once for one thread, and once with its outermost `prange` shared out."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from inspect import signature
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar

import numba
from numba import njit

from cnn_from_scratch import arithmetic

# numpy: dividing by zero gives inf or NaN, as it does there. cache: on disk, from run to run.
OPTIONS: dict[str, Any] = {"cache": True, "error_model": "numpy"}
# Let the compiler fuse a product with a sum, and add up in another order, too. Where that is not
# said, every operation is rounded by itself, in the order of the loops, and so the same everywhere.
FUSED = {"fastmath": {"contract"}}
REORDERED = {"fastmath": {"reassoc", "contract"}}
# Compile it as a part of its callers: the references to an array that it returns are not counted.
INLINED = {"inline": "always"}
PARALLEL_FROM = 1 << 19  # steps; waking the threads takes about as long as a tenth of them


def _cache_folder() -> Path:
    """Return where to keep what is compiled of the code as it is now.

    Numba compiles a function anew after a change of its own file, but not of what it calls, nor of
    the constants that it uses; so each state of all these files has a folder of its own.
    """
    here, state = Path(__file__), sha256()
    for folder in (here.parent, Path(arithmetic.__path__[0])):
        for file in sorted(folder.glob("*.py")):
            state.update(file.read_bytes())
    return Path(SETTINGS.CACHE_DIR or here.with_name("__pycache__"), state.hexdigest()[:16])


SETTINGS: Any = numba.config
SETTINGS.CACHE_DIR = str(_cache_folder())

F = TypeVar("F", bound=Callable[..., Any])


def function(**options: Any) -> Callable[[F], F]:
    """Compile a function that loops call."""
    compile_it: Callable[[F], F] = njit(**OPTIONS, **options)
    return compile_it


def fused(compiled: Any, **names: Any) -> Any:
    """Compile a `function` once more, products and sums fused; `names` replace what it calls."""
    return function(**FUSED)(copied(compiled.py_func, "fused", names))


class Kernel:
    """A loop over arrays, some of which it writes its results into; it may call other kernels.

    serial, shared: the loop, and the kernels that it calls, for one thread, and with each outermost
    `prange` shared out. That changes no bit: each number is computed by one thread.
    """

    def __init__(self, loop: Callable[..., None], **options: Any):
        self.name, self.arguments = loop.__name__, ", ".join(signature(loop).parameters)
        called = {n: k for n, k in loop.__globals__.items() if isinstance(k, Kernel)}
        # Compiled by itself, what only calls loops would have all of them compiled once more.
        has_loop = "prange" in loop.__code__.co_names
        options |= OPTIONS | ({} if has_loop else INLINED)
        self.serial, self.shared = (
            njit(parallel=is_shared and has_loop, **options)(
                copied(loop, kind, {name: vars(kernel)[kind] for name, kernel in called.items()})
            )
            for kind, is_shared in (("serial", False), ("shared", True))
        )

    def run(self, steps: int, *args: Any) -> None:
        """Run the loop; `steps` says about how often its innermost line is run."""
        (self.shared if worth_sharing(steps) else self.serial)(*args)

    def __call__(self, *args: Any) -> None:
        """Run the loop in one thread. In another kernel, this call is to what that one is."""
        self.serial(*args)


def kernel(**options: Any) -> Callable[[Callable[..., None]], Kernel]:
    """Make a kernel of a loop, compiled with these options."""
    return lambda loop: Kernel(loop, **options)


def one_of(name: str, arguments: str, kernels: Sequence[Kernel]) -> Kernel:
    """Return the kernel `name(number, *arguments)`, which runs the one of that number, or raises.

    Its code is generated, as compiled code cannot look up functions in a list. Raises TypeError if
    one of the kernels has other arguments.
    """
    lines = [f"def {name}(number, {arguments}):"]
    names: dict[str, Any] = {"__name__": __name__}
    for i, kernel in enumerate(kernels):
        if kernel.arguments != arguments:
            raise TypeError(f"{kernel.name}({kernel.arguments}): expected ({arguments})")
        lines.append(f"    if number == {i}: return kernel_{i}({arguments})")
        names[f"kernel_{i}"] = kernel
    lines.append("    raise IndexError('no kernel has this number')")
    exec(compile("\n".join(lines), __file__, "exec"), names)  # cached as of this file
    return Kernel(names[name])


def copied(function: Callable[..., None], kind: str, names: dict[str, Any]) -> Callable[..., None]:
    """Return the function, to be compiled once more, with other things behind these names."""
    assert isinstance(function, FunctionType)
    copy = FunctionType(
        function.__code__, function.__globals__ | names, f"{function.__name__}_{kind}"
    )
    copy.__qualname__ = copy.__name__  # the cache on disk goes by it
    return copy


def worth_sharing(steps: int) -> bool:
    """Return whether threads should share loops whose innermost line is run so often."""
    return steps >= PARALLEL_FROM
