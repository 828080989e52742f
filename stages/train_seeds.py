"""Train one model from every seed of params.yaml, with each of its learning rates and splits.

A study's stage, run in the study's folder.
"""

import start

import os
from argparse import Namespace
from functools import partial
from pathlib import Path

for library in ("OPENBLAS", "OMP", "NUMBA"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")  # the processes share out the work

from cnn_from_scratch.arguments import Parser, seconds
from cnn_from_scratch.experiment.checkpoints import SECONDS
from cnn_from_scratch.experiment.dataset import load_dataset
from cnn_from_scratch.experiment.executing import side_by_side
from cnn_from_scratch.experiment.files import replacing
from cnn_from_scratch.experiment.jobs import Job, noting_records
from cnn_from_scratch.experiment.models import find_models
from cnn_from_scratch.experiment.orphans import ending_with_dvc
from cnn_from_scratch.experiment.params import Params, load_params
from cnn_from_scratch.experiment.records import RUNS_FOLDER, accuracies, run_folder, write_record
from cnn_from_scratch.experiment.workers import prepare, train


def main(args: Namespace) -> None:
    """Write the records of all the model's runs, as one folder; all cores train."""
    check_parent = ending_with_dvc()
    dataset = load_dataset(args.dataset)
    jobs = read_jobs(args, load_params())
    check_still_wanted = noting_records(jobs, dataset)
    with replacing(RUNS_FOLDER / args.model) as folder:
        code: dict[str, str] = {}  # this checkout's, as it is
        train_job = partial(train, dataset=dataset.digest, code=code, project=Path.cwd())
        shared = ([dataset], args.checkpoint_seconds)
        for job, (files, _) in side_by_side(train_job, jobs, check_parent, prepare, shared):
            write_record(folder / job.folder.relative_to(RUNS_FOLDER / args.model), files)
            print(f"{job}: {accuracies(files)}")
        check_parent()
        check_still_wanted(read_jobs(args, load_params()), load_dataset(args.dataset))
    for job in jobs:
        job.checkpoint(dataset, Path()).remove()


def read_jobs(args: Namespace, params: Params) -> list[Job]:
    """Return the runs of the model, with each learning rate and split. Raises InputError."""
    return [
        Job(model, seed, own.split, own.train, run_folder(name, seed))
        for name, model in find_models(params, args.model).items()
        for own in [params.models[name]]
        for seed in params.seeds
    ]


def parser() -> Parser:
    """Return the parser of the arguments."""
    parser = Parser(description=__doc__)
    parser.add_argument("--model", required=True, help="a model of params.yaml")
    parser.add_argument("--dataset", required=True, type=Path, help="what `convert` wrote")
    parser.add_argument(
        "--checkpoint-seconds",
        type=seconds,
        default=SECONDS,
        help="how often a run's checkpoint is written, which it goes on from if it is killed;"
        " default: %(default)s",
    )
    return parser


if __name__ == "__main__":
    main(parser().parse_args())
