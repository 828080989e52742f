"""What pooling and squeezed logits do: metrics/runs.parquet -> metrics/effects.json and .md."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from cnn_from_scratch import one_line_errors

one_line_errors()

import pandas as pd

from cnn_from_scratch.experiment.files import replacing, write_json, write_text
from cnn_from_scratch.report.contrasts import Weights, contrasts, contrasts_table
from cnn_from_scratch.report.statistics import rounded

LOGITS = {"free": 1.0, "squeezed": -1.0}
POOLING = {"pooled": 1.0, "plain": -1.0}


def effects() -> dict[str, Weights]:
    """Return the contrasts of the factorial, by name: two main effects a network, and how they mix.

    A main effect is the mean over the other factor's two levels; the interaction is half of how
    much larger pooling's effect is with free logits than with squeezed ones.
    """
    weights: dict[str, Weights] = {}
    for network in ("S", "E"):
        cells = [(pool, logits) for pool in POOLING for logits in LOGITS]
        name = f"{network}-{{}}-{{}}"
        weights[f"{network}: free logits"] = {name.format(*c): LOGITS[c[1]] / 2 for c in cells}
        weights[f"{network}: pooling"] = {name.format(*c): POOLING[c[0]] / 2 for c in cells}
        weights[f"{network}: interaction"] = {
            name.format(*c): POOLING[c[0]] * LOGITS[c[1]] / 2 for c in cells
        }
    return weights


def main() -> None:
    """Read the runs' scores, and write the effects."""
    rows = contrasts(pd.read_parquet("metrics/runs.parquet"), effects())
    with (
        replacing(Path("metrics/effects.json")) as data,
        replacing(Path("metrics/effects.md")) as table,
    ):
        write_json(data, rounded(rows))
        write_text(table, contrasts_table(rows))


if __name__ == "__main__":
    main()
