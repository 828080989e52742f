"""Contrasts: what a factor does, as a weighted sum of the models that have it and that have not."""

from typing import Any

import pandas as pd

from cnn_from_scratch.report.comparisons import compared_split, holm, sign_flip_p
from cnn_from_scratch.report.moments import mean_sd
from cnn_from_scratch.report.statistics import bootstrap_interval
from cnn_from_scratch.report.tables import markdown_table

Weights = dict[str, float]  # by model


def contrasts(scores: pd.DataFrame, weights: dict[str, Weights]) -> dict[str, dict[str, Any]]:
    """Return for each contrast, by its name, the weighted sum of the models' accuracies.

    weights: for each contrast, by its name, the weights of the models it takes; they add up to 0.
    The sum is taken seed by seed; what is told of it is the split (test; val where there are no
    test samples), n (seeds), mean (of the sums, 0..1), interval_95 (its bootstrap interval), p (of
    `sign_flip_p`) and p_holm (of `holm`, over all contrasts). Needs two seeds.
    """
    split = compared_split(scores)
    accuracy = scores[scores["split"] == split].pivot(
        index="seed", columns="model", values="accuracy"
    )
    sums = [
        accuracy[list(of_models)].mul(pd.Series(of_models)).sum(axis=1).to_numpy()
        for of_models in weights.values()
    ]
    p_values = [sign_flip_p(x) for x in sums]
    return {
        name: {
            "split": split,
            "n": len(x),
            "mean": mean_sd(x)[0],
            "interval_95": bootstrap_interval(x),
            "p": p,
            "p_holm": p_holm,
        }
        for name, x, p, p_holm in zip(weights, sums, p_values, holm(p_values), strict=True)
    }


def contrasts_table(rows: dict[str, dict[str, Any]]) -> str:
    """Return the result of `contrasts` as Markdown, in percentage points."""
    cells = [
        [
            name,
            f"{100 * row['mean']:+.2f}",
            " to ".join(f"{100 * bound:+.2f}" for bound in row["interval_95"]),
            f"{row['p']:.4f}",
            f"{row['p_holm']:.4f}",
        ]
        for name, row in rows.items()
    ]
    return markdown_table(["Effect", "Mean", "95 % interval", "p", "p (Holm)"], cells)
