"""What trains uses no operation whose last bits depend on the machine, but through numerics.py."""

import ast
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from numba.core.dispatcher import Dispatcher

from cnn_from_scratch.compiled import activations, convolution, functions, passes, pooling, portable
from cnn_from_scratch.compiled.kernel import REORDERED, Kernel, function
from cnn_from_scratch.compiled.loops import LOOPS
from tests.workflow.project import ROOT

# Sums, products of matrices and functions that BLAS, vector units or the C library compute; the
# logarithms and deviates of NumPy's normal draws are the C library's, too.
MACHINES_OWN = {
    *("sum", "mean", "var", "std", "average", "trace", "norm", "dot", "vdot", "inner", "outer"),
    *("matmul", "tensordot", "einsum", "convolve", "correlate", "power", "pow", "float_power"),
    *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logaddexp", "sin", "cos", "tan"),
    *("sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "arctan2", "radians", "degrees"),
    *("hypot", "standard_normal", "normal", "randn", "gamma", "beta", "standard_exponential"),
}
TRAINING = sorted(
    path
    for package in ("arithmetic", "nn", "experiment", "compiled")
    for path in (ROOT / "src/cnn_from_scratch" / package).glob("*.py")
    if path.name not in ("numerics.py", "legacy.py")  # which says itself that its draws may differ
    if (package, path.name) != ("compiled", "losses.py")  # which is for native numerics alone
)


def machines_own(source: str) -> list[str]:
    """Return the places where code uses such an operation of NumPy, of an array or of `math`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in MACHINES_OWN:
            if not (isinstance(node.value, ast.Name) and node.value.id in ("numerics", "self")):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
        elif isinstance(node, ast.BinOp | ast.AugAssign):
            if isinstance(node.op, ast.MatMult | ast.Pow):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
        elif isinstance(node, ast.ImportFrom) and node.module == "math":
            found += [f"line {node.lineno}: math.{n.name}" for n in node.names
                      if n.name in MACHINES_OWN]  # fmt: skip
    return found


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_trains_leaves_no_operation_to_the_machine(path: Path) -> None:
    assert machines_own(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "code",
    ["np.sum(x)", "x.sum(axis=0)", "x.mean()", "a @ b", "a @= b", "np.exp(x)", "math.cos(1.0)",
     "x ** 2", "from math import exp", "rng.standard_normal(3)", "np.linalg.norm(x)"],
)  # fmt: skip
def test_one_would_be_found(code: str) -> None:
    assert len(machines_own(code)) == 1


@pytest.mark.parametrize(
    "code",
    ["numerics.sum(x)", "x * x", "np.sqrt(x)", "exp(x)", "self.beta", "math.fsum(x)",
     "from math import fsum, sqrt", "np.maximum(a, b)", "np.count_nonzero(x)"],
)  # fmt: skip
def test_others_are_left_alone(code: str) -> None:
    assert machines_own(code) == []


def reordered(module: ModuleType) -> dict[str, Any]:
    """Return what the compiler may change of a module's own loops and functions, where it may."""
    found = {}
    for name, item in vars(module).items():
        for one in [item.serial, item.shared] if isinstance(item, Kernel) else [item]:
            own = isinstance(one, Dispatcher) and one.py_func.__module__ == module.__name__
            if own and one.targetoptions.get("fastmath", False) is not False:
                found[name] = one.targetoptions["fastmath"]
    return found


REORDERING = {"reassoc", "contract"}


def test_only_exact_sums_may_be_reordered() -> None:
    """And what native convolutions add up; and nothing may be taken for finite."""
    assert REORDERED["fastmath"] == REORDERING
    for module in (activations, pooling, passes):
        assert reordered(module) == {}
    assert reordered(portable) == {"dot": REORDERING}
    assert reordered(functions) == {
        "fused_polynomial": {"contract"},
        "fused_split_exp": {"contract"},
    }
    assert reordered(convolution) == {
        **dict.fromkeys(("sums", "total", "add_dots", "gradients"), REORDERING),
        "add_channels": {"contract"},
        "input_gradient": {"contract"},
    }


def test_fused_functions_are_for_the_native_sigmoid_alone() -> None:
    users = set()
    for module in (activations, convolution, functions, passes, pooling, portable):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            if isinstance(node, ast.FunctionDef) and any(n.startswith("fused_") for n in names):
                users.add((module, node.name))
    assert users == {(activations, "sigmoid")}


def test_portable_convolutions_take_a_loop_of_the_native_ones() -> None:
    """The gradient for the input: of exact products, not reordered."""
    taken = {
        name
        for name, item in vars(portable).items()
        if isinstance(item, Kernel | Dispatcher) and vars(convolution).get(name) is item
    }
    assert taken == {"input_gradient", "weights_of"}  # the last of which computes nothing


def test_portable_loops_are_not_the_native_ones_that_differ() -> None:
    """A sigmoid and a convolution."""
    native = {kernel for loops in LOOPS.values() for kernel in loops.native}
    portables = {kernel for loops in LOOPS.values() for kernel in loops.portable}
    only_native = {activations.sigmoid, convolution.conv, convolution.conv_backward}
    assert native - portables == only_native


def test_a_reordered_loop_would_be_found() -> None:
    module = ModuleType(__name__)
    vars(module).update(
        kernel=Kernel(_loop, **REORDERED), function=function(fastmath=True)(_one), other=_one
    )
    assert reordered(module) == {"kernel": REORDERING, "function": True}
    vars(module).update(kernel=Kernel(_loop), function=function()(_one))
    assert reordered(module) == {}


def _loop(x: Any) -> None:
    x[0] = 1.0


def _one(x: Any) -> Any:
    return x
