"""The committed params.yaml, changed at a place, as a file to load."""

import copy
from pathlib import Path
from typing import Any

import yaml

from cnn_from_scratch.experiment.params_file import read_params

COMMITTED = Path(__file__).resolve().parents[2] / "params.yaml"

MISSING = object()  # a value to say that the key is left out


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the committed parameters with `value` at a path like 'split/protocol'."""
    params = copy.deepcopy(committed())
    *parents, key = path.split("/")
    node = params
    for parent in parents:
        node = node[parent]
    if value is MISSING:
        del node[key]
    else:
        node[key] = value
    return params


def committed() -> dict[str, Any]:
    """Return the committed parameters."""
    params: dict[str, Any] = read_params(COMMITTED)
    return params


def write_params(file: Path, params: Any) -> Path:
    """Write parameters as YAML; return the file's path."""
    file.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    return file
