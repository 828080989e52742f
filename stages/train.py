"""Train one model from one seed: data/dataset.npz -> a run folder."""

import start

import os
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the products are too small to share out

from cnn_from_scratch import InputError
from cnn_from_scratch.arguments import Parser, seconds
from cnn_from_scratch.experiment.checkpoints import SECONDS
from cnn_from_scratch.experiment.dataset import DATASET_FILE, load_dataset
from cnn_from_scratch.experiment.jobs import Job, noting_records
from cnn_from_scratch.experiment.memory import keep_freed_memory
from cnn_from_scratch.experiment.models import default_optimizer, find_model
from cnn_from_scratch.experiment.orphans import ending_with_dvc
from cnn_from_scratch.experiment.params import Params, load_params
from cnn_from_scratch.experiment.params_file import PARAMS_FILE
from cnn_from_scratch.experiment.progress import progress
from cnn_from_scratch.experiment.records import (
    accuracies,
    check_run_folder,
    is_in_runs,
    run_folder,
    write_record,
)
from cnn_from_scratch.nn.training import Epoch


def main(args: Namespace) -> None:
    """Train the model that the arguments and params.yaml describe, and write its record."""
    check_parent = ending_with_dvc()
    [job] = read_jobs(args, load_params())
    dataset = load_dataset(args.dataset)
    inputs = read_inputs(args)
    check_still_wanted = noting_records([job], dataset)

    keep_freed_memory()
    with progress(str(job), job.train.epochs, job.samples(dataset)) as show:

        def on_epoch(epoch: Epoch) -> None:
            check_parent()
            show(epoch)

        checkpoint = job.checkpoint(dataset, Path(), args.checkpoint_seconds)
        files = job.record(dataset, on_epoch, checkpoint)
    check_parent()
    if is_in_runs(job.folder) and read_inputs(args) != inputs:
        check_still_wanted(read_jobs(args, load_params()), load_dataset(args.dataset))
    else:
        check_still_wanted([job], dataset)
    write_record(job.folder, files)
    checkpoint.remove()
    print(f"{job.folder}: {accuracies(files)}")


def read_inputs(args: Namespace) -> list[bytes]:
    """Return the files that decide what is trained."""
    return [file.read_bytes() for file in (PARAMS_FILE, args.dataset)]


def read_jobs(args: Namespace, params: Params) -> list[Job]:
    """Return the one run that the arguments and params.yaml describe. Raises InputError."""
    for option, value, least in (("seed", args.seed, 0), ("epochs", args.epochs, 1)):
        if value is not None and value < least:
            raise InputError(
                f"--{option}: expected a whole number of at least {least}, got {value}"
            )
    model = find_model(params, args.model)
    if args.optimizer is not None:
        model = replace(model, optimizer=default_optimizer(args.optimizer))
    own = params.models[args.model]
    train = own.train
    if args.epochs is not None:
        train = replace(train, epochs=args.epochs)
    name = args.model if args.optimizer is None else f"{args.model}-{args.optimizer}"
    out = args.out or f"scratch/{name}-{args.seed}"
    folder = Path(out.replace("{model}", args.model).replace("{seed}", str(args.seed)))
    check_run_folder(
        folder, run_folder(args.model, args.seed) if args.seed in params.seeds else None
    )
    return [Job(model, args.seed, own.split, train, folder)]


def parser() -> Parser:
    """Return the parser of the arguments."""
    parser = Parser(description=__doc__)
    parser.add_argument("--model", required=True, help="a model of params.yaml")
    parser.add_argument("--seed", required=True, type=int, help="a whole number >= 0")
    parser.add_argument("--epochs", type=int, help="default: train.epochs of params.yaml")
    parser.add_argument("--optimizer", help="another optimizer, with its default settings")
    parser.add_argument(
        "--out",
        help="default: scratch/MODEL[-OPTIMIZER]-SEED; {model} and {seed} stand for those given",
    )
    parser.add_argument(
        "--dataset",
        type=Path,
        default=DATASET_FILE,
        help="default: %(default)s",
    )
    parser.add_argument(
        "--checkpoint-seconds",
        type=seconds,
        default=SECONDS,
        help="how often a checkpoint is written, which a killed run goes on from;"
        " default: %(default)s",
    )
    return parser


if __name__ == "__main__":
    main(parser().parse_args())
