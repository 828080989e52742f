"""Train one model from every seed of params.yaml, with each of its learning rates.

A study's stage, run in the study's folder.
"""

import start

import os
from argparse import Namespace
from functools import partial
from pathlib import Path

for library in ("OPENBLAS", "OMP", "NUMBA"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")  # the processes share out the work

from cnn_from_scratch.experiment.dataset import load_dataset
from cnn_from_scratch.experiment.files import replacing
from cnn_from_scratch.experiment.jobs import Job, accuracies, noting_records
from cnn_from_scratch.experiment.models import find_models
from cnn_from_scratch.experiment.orphans import ending_with_dvc, side_by_side
from cnn_from_scratch.experiment.params import load_params
from cnn_from_scratch.experiment.records import RUNS_FOLDER, run_folder


def main(args: Namespace) -> None:
    """Write the records of all the model's runs, as one folder; all cores train."""
    check_parent = ending_with_dvc()
    jobs = read_jobs(args)
    check_still_wanted = noting_records(jobs)
    with replacing(RUNS_FOLDER / args.model) as folder:
        with side_by_side(check_parent) as map_:
            for line in map_(partial(train_one, folder.parent), jobs):
                print(line)
        check_parent()
        check_still_wanted(read_jobs(args))


def read_jobs(args: Namespace) -> list[Job]:
    """Return the runs of the model, with each learning rate. Raises InputError."""
    dataset = load_dataset(args.dataset)
    params = load_params()
    return [
        Job(name, model, seed, params.split, train, dataset, run_folder(name, seed))
        for name, model in find_models(params, args.model).items()
        for train in [params.models[name].train]
        for seed in params.seeds
    ]


def train_one(parent: Path, job: Job) -> str:
    """Train a run, write its record below `parent` instead of `runs`, and describe it."""
    run = job.run()
    job.write(run, parent / job.folder.relative_to(RUNS_FOLDER))
    return f"{job.name} seed {job.seed}: {accuracies(run)}"


if __name__ == "__main__":
    parser = start.Parser(description=__doc__)
    parser.add_argument("--model", required=True, help="a model of params.yaml")
    parser.add_argument("--dataset", required=True, type=Path, help="what `convert` wrote")
    main(parser.parse_args())
