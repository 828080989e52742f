"""Calling src/browser from tests, by Node."""

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.experiment.settings import settings
from cnn_from_scratch.nn.windows import samples_first, samples_last

EVALUATE = Path(__file__).with_name("evaluate.mjs")


class NodeError(Exception):
    """What JavaScript threw."""


class Node(Protocol):
    """Evaluates JavaScript."""

    def __call__(self, code: str, **values: Any) -> Any:
        """Return what a function of this body returns, with src/browser's exports in scope.

        values: further names in scope. Arrays of float64, and Float64Arrays, keep their bits.
        Raises NodeError.
        """


@contextmanager
def started_node() -> Iterator[Node]:
    """Start a Node that evaluates one code after the other; without Node, skip the test."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("there is no Node")
    command = [program, str(EVALUATE)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def node(code: str, **values: Any) -> Any:
            print(json.dumps({"code": code, "values": values}, default=_encoded), file=stdin)
            stdin.flush()
            answer = json.loads(stdout.readline(), object_hook=_decoded, parse_int=_whole)
            if "error" in answer:
                raise NodeError(answer["error"])
            return answer.get("result")

        yield node


def _encoded(value: Any) -> Any:
    """Return as JSON what is not: float64 arrays by their bytes, other NumPy values, settings."""
    if isinstance(value, np.ndarray) and value.dtype == np.float64:
        return {"float64": base64.b64encode(value.astype("<f8").tobytes()).decode()}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return settings(value)


def _whole(digits: str) -> float:
    """Return a whole number; a large one is the float64 whose shortest digits these are."""
    return int(digits) if abs(int(digits)) < 2**53 else float(digits)


def _decoded(value: dict[str, Any]) -> Any:
    if value.keys() != {"float64"}:
        return value
    return np.frombuffer(base64.b64decode(value["float64"]), "<f8")


def batch(x: Array) -> dict[str, Any]:
    """Return samples (N, ...) as src/browser has them."""
    data = np.ascontiguousarray(samples_last(x)).ravel()
    return {"shape": x.shape[1:], "n": len(x), "data": data}


def samples(made: dict[str, Any]) -> Array:
    """Return a batch of src/browser as samples (N, ...)."""
    return samples_first(made["data"].reshape(*made["shape"], made["n"]))


def same(ours: Array, theirs: Array) -> bool:
    """Whether two arrays are the same numbers to the last bit; NaN is NaN, and +0 is not -0."""
    our_bits, their_bits = (
        np.where(np.isnan(x), np.nan, x).view(np.uint64) for x in (ours, theirs)
    )
    return np.array_equal(our_bits, their_bits)
