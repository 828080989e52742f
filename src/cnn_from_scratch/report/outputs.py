"""Reading what `aggregate` wrote."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from cnn_from_scratch import InputError

T = TypeVar("T")


def read_scores() -> pd.DataFrame:
    """Return metrics/runs.parquet, as `Runs.scores` has it. Raises InputError."""
    return _read("metrics/runs.parquet", pd.read_parquet)


def read_metrics(name: str) -> dict[str, Any]:
    """Return metrics/<name>.json. Raises InputError."""
    return _read(f"metrics/{name}.json", lambda path: json.loads(path.read_bytes()))


def read_rows(name: str) -> pd.DataFrame:
    """Return plots/<name>.json as a table. Raises InputError."""
    return _read(f"plots/{name}.json", pd.read_json)


def _read(name: str, read: Callable[[Path], T]) -> T:
    try:
        return read(Path(name))
    except FileNotFoundError as error:
        raise InputError(f"{name}: not found; 'dvc repro' makes it") from error
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the system's, not pyarrow's
            raise
        raise InputError(f"{name}: damaged; delete it, and 'dvc repro' makes it") from error
