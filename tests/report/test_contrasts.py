"""Contrasts: weighted sums of the models' accuracies, seed by seed."""

import numpy as np
import pandas as pd
import pytest

from cnn_from_scratch.report.comparisons import compare_models
from cnn_from_scratch.report.contrasts import contrasts, contrasts_table


def test_a_contrast_of_two_models_is_their_comparison(scores: pd.DataFrame) -> None:
    row = contrasts(scores, {"A or B": {"A": 1.0, "B": -1.0}})["A or B"]
    [pair] = compare_models(scores)
    assert row.pop("mean") == pytest.approx(pair["mean_difference"], rel=1e-15)
    assert row == {key: pair[key] for key in row}


def test_a_factorial_by_hand() -> None:
    """Cells a + b + ab: each effect is what was put in, the interaction too."""
    cells = {"00": 0.10, "10": 0.30, "01": 0.20, "11": 0.70}
    noise = [-0.01, 0.0, 0.01]  # of the seeds, the same for every model: pairing removes it
    scores = pd.DataFrame(
        {"model": model, "seed": seed, "split": "val", "accuracy": accuracy + noise[seed]}
        for model, accuracy in cells.items()
        for seed in range(3)
    )
    weights = {
        "first": {"10": 0.5, "11": 0.5, "00": -0.5, "01": -0.5},
        "second": {"01": 0.5, "11": 0.5, "00": -0.5, "10": -0.5},
        "interaction": {"00": 0.5, "11": 0.5, "01": -0.5, "10": -0.5},
    }
    rows = contrasts(scores, weights)
    assert list(rows) == list(weights)
    means = [row["mean"] for row in rows.values()]
    np.testing.assert_allclose(means, [0.35, 0.25, 0.15], rtol=1e-12)
    for row in rows.values():
        np.testing.assert_allclose(row["interval_95"], row["mean"], rtol=1e-12)
        assert (row["split"], row["n"], row["p"]) == ("val", 3, 0.25)
        assert row["p_holm"] == 0.75
    assert "| first       | +35.00 | +35.00 to +35.00 | 0.2500 | 0.7500   |" in contrasts_table(
        rows
    )
