"""The models as params.yaml itself has them, from which the page writes `dvc exp run -S` lines."""

from pathlib import Path
from typing import Any

from cnn_from_scratch.experiment.params_file import PARAMS_FILE, read_params


def params_json(file: Path = PARAMS_FILE) -> dict[str, Any]:
    """Return {models}, without the settings that are left out there. Raises InputError."""
    return {"models": read_params(file)["models"]}
