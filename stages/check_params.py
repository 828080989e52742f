"""Check params.yaml: one clear line for what DVC, which reads it first, would only stumble over.

Not a stage: `make` runs it before `dvc repro`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from cnn_from_scratch import one_line_errors

one_line_errors()

from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.params import load_params

if __name__ == "__main__":
    resolve_models(load_params())
