"""Calling the page's modules from tests, by Node, one process per call."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.browser.node import NodeError, decoded, encoded, whole

EVALUATE = Path(__file__).with_name("evaluate.mjs")


def evaluate(modules: Sequence[str], code: str, **values: Any) -> Any:
    """Return what an async function of this body returns.

    modules: files of src/browser, whose exports are in scope. values: further names in scope.
    Arrays of float64, and Float64Arrays, keep their bits. Raises NodeError.
    """
    program = shutil.which("node")
    if program is None:
        pytest.skip("there is no Node")
    asked = json.dumps({"modules": modules, "code": code, "values": values}, default=encoded)
    result = subprocess.run(
        [program, str(EVALUATE)], input=asked, text=True, capture_output=True, check=True
    )
    answer = json.loads(result.stdout, object_hook=decoded, parse_int=whole)
    if "error" in answer:
        raise NodeError(answer["error"])
    return answer.get("result")
