"""Check params.yaml: one clear line for what DVC, which reads it first, would only stumble over.

Not a stage: `make` runs it before `dvc repro`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from cnn_from_scratch import InputError, one_line_errors

one_line_errors()

from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.params import PARAMS_FILE, load_params

if __name__ == "__main__":
    for name in resolve_models(load_params()):
        model, slash, _ = name.partition("/")
        if slash:
            raise InputError(
                f"{PARAMS_FILE}: models.{model}.optimizer.lr: expected a number; a list of rates is"
                " for the studies in studies/"
            )
