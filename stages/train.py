"""Train one model from one seed: data/dataset.npz -> a run folder."""

import start

import os
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the products are too small to share out

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.dataset import DATASET_FILE, load_dataset
from cnn_from_scratch.experiment.jobs import Job, accuracies, noting_records
from cnn_from_scratch.experiment.memory import keep_freed_memory
from cnn_from_scratch.experiment.models import default_optimizer, find_model
from cnn_from_scratch.experiment.orphans import ending_with_dvc
from cnn_from_scratch.experiment.params import load_params
from cnn_from_scratch.experiment.params_file import PARAMS_FILE
from cnn_from_scratch.experiment.progress import progress
from cnn_from_scratch.experiment.records import check_run_folder, is_in_runs, run_folder
from cnn_from_scratch.nn.training import Epoch


def main(args: Namespace) -> None:
    """Train the model that the arguments and params.yaml describe, and write its record."""
    for option, value, least in (("seed", args.seed, 0), ("epochs", args.epochs, 1)):
        if value is not None and value < least:
            raise InputError(
                f"--{option}: expected a whole number of at least {least}, got {value}"
            )
    check_parent = ending_with_dvc()
    job = read_job(args)
    inputs = read_inputs()
    check_still_wanted = noting_records([job])

    keep_freed_memory()
    with progress(f"{job.name} seed {job.seed}", job.train.epochs) as show:

        def on_epoch(epoch: Epoch) -> None:
            check_parent()
            show(epoch)

        run = job.run(on_epoch)
    check_parent()
    is_checked = is_in_runs(job.folder) and read_inputs() != inputs
    check_still_wanted([read_job(args) if is_checked else job])
    job.write(run, job.folder)
    print(f"{job.folder}: {accuracies(run)}")


def read_inputs() -> list[bytes]:
    """Return the files that decide what is trained."""
    return [file.read_bytes() for file in (PARAMS_FILE, DATASET_FILE)]


def read_job(args: Namespace) -> Job:
    """Return what the arguments, params.yaml and the dataset describe. Raises InputError."""
    params = load_params()
    model = find_model(params, args.model)
    if args.optimizer is not None:
        model = replace(model, optimizer=default_optimizer(args.optimizer))
    train = params.models[args.model].train
    if args.epochs is not None:
        train = replace(train, epochs=args.epochs)
    name = args.model if args.optimizer is None else f"{args.model}-{args.optimizer}"
    out = args.out or f"scratch/{name}-{args.seed}"
    folder = Path(out.replace("{model}", args.model).replace("{seed}", str(args.seed)))
    check_run_folder(
        folder, run_folder(args.model, args.seed) if args.seed in params.seeds else None
    )
    return Job(args.model, model, args.seed, params.split, train, load_dataset(), folder)


if __name__ == "__main__":
    parser = start.Parser(description=__doc__)
    parser.add_argument("--model", required=True, help="a model of params.yaml")
    parser.add_argument("--seed", required=True, type=int, help="a whole number >= 0")
    parser.add_argument("--epochs", type=int, help="default: train.epochs of params.yaml")
    parser.add_argument("--optimizer", help="another optimizer, with its default settings")
    parser.add_argument(
        "--out",
        help="default: scratch/MODEL[-OPTIMIZER]-SEED; {model} and {seed} stand for those given",
    )
    main(parser.parse_args())
