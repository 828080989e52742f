"""A small study to report on: two models, three seeds, one of which diverged."""

import math

import pandas as pd
import pytest

ACCURACY = {
    ("A", 0): 0.5,
    ("A", 1): 0.75,
    ("A", 2): 1.0,
    ("B", 0): 0.25,
    ("B", 1): 0.25,
    ("B", 2): 0.25,
}


@pytest.fixture
def scores() -> pd.DataFrame:
    """One row per (model, seed, split), as `Runs.scores` has."""
    return pd.DataFrame(
        {
            "model": model,
            "seed": seed,
            "split": split,
            "loss": accuracy + 1.0,
            "accuracy": accuracy,
            "protocol": "holdout",
            "parameters": 69,
            "diverged": (model, seed) == ("B", 1),
            "last_finite_epoch": 1 if (model, seed) == ("B", 1) else 3,
            "dead_logits": seed if model == "A" else 0,
            "loss_floor": 0.5 if model == "A" else 0.0,
            "checkpoint_epoch": 1 if (model, seed) == ("B", 1) else 3,
            "reached_95": seed > 0 and model == "A",
            "epochs_to_95": 1.0 * seed if seed > 0 and model == "A" else math.nan,
            "loss_area": seed + 1.0,
            "brier_score": math.nan if split == "train" else 2.0 - 2.0 * accuracy,
            "calibration_error": math.nan if split == "train" else 0.125 * seed,
        }
        for (model, seed), accuracy in ACCURACY.items()
        for split in ("train", "val", "test")
    )
