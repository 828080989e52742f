"""Compute the contrasts that a study's params.yaml names, in the study's folder.

metrics/runs.parquet -> metrics/contrasts.json and .md.
"""

import start

from pathlib import Path

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.files import replacing, write_json, write_text
from cnn_from_scratch.experiment.params import load_params
from cnn_from_scratch.report.contrasts import contrasts, contrasts_table
from cnn_from_scratch.report.outputs import read_scores
from cnn_from_scratch.report.statistics import rounded


def main() -> None:
    """Read the runs' scores, of all models of params.yaml, and write the contrasts."""
    params = load_params()
    if not params.contrasts:
        raise InputError("params.yaml: contrasts: missing")
    scores = read_scores()
    if len(params.seeds) < 2:
        raise InputError("params.yaml: seeds: contrasts take at least two seeds")
    rows = contrasts(scores, params.contrasts)
    with (
        replacing(Path("metrics/contrasts.json")) as data,
        replacing(Path("metrics/contrasts.md")) as table,
    ):
        write_json(data, rounded(rows))
        write_text(table, contrasts_table(rows))


if __name__ == "__main__":
    main()
