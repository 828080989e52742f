"""Aggregate the runs that params.yaml names: runs/ -> metrics/ and plot_data/."""

import start

from pathlib import Path

from cnn_from_scratch.arguments import Parser
from cnn_from_scratch.experiment.dataset import DATASET_FILE, load_dataset
from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.params import load_params
from cnn_from_scratch.report.pruning import prune_runs
from cnn_from_scratch.report.results import write_results
from cnn_from_scratch.report.runs import read_runs


def main(dataset: Path) -> None:
    """Read every named run, write what they amount to, and delete the runs no longer named."""
    params = load_params()
    models = resolve_models(params)
    data = load_dataset(dataset)
    write_results(models, read_runs(params, data), data, params.contrasts)
    for line in prune_runs(models, params.seeds):
        print(line)


if __name__ == "__main__":
    parser = Parser(description=__doc__)
    parser.add_argument("--dataset", type=Path, default=DATASET_FILE, help="what `convert` wrote")
    main(parser.parse_args().dataset)
