"""Train one model from one seed: data/dataset.npz -> a run folder."""

import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the products are too small to share out

from cnn_from_scratch import InputError, one_line_errors

one_line_errors()

from dataclasses import dataclass, replace
from typing import NoReturn

from cnn_from_scratch.experiment.dataset import DATASET_FILE, Dataset, load_dataset
from cnn_from_scratch.experiment.identity import trained_from
from cnn_from_scratch.experiment.memory import keep_freed_memory
from cnn_from_scratch.experiment.models import Model, default_optimizer, find_model
from cnn_from_scratch.experiment.orphans import ending_with_dvc
from cnn_from_scratch.experiment.params import Split, Train, load_params, protocol_name
from cnn_from_scratch.experiment.params_file import PARAMS_FILE
from cnn_from_scratch.experiment.progress import progress
from cnn_from_scratch.experiment.records import (
    check_run_folder,
    check_still_wanted,
    is_in_runs,
    recorded_from,
    run_folder,
    write_run,
)
from cnn_from_scratch.experiment.run import train_run
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
    found = {job.folder: recorded_from(job.folder)}

    keep_freed_memory()
    with progress(f"{args.model} seed {args.seed}", job.train.epochs) as show:

        def on_epoch(epoch: Epoch) -> None:
            check_parent()
            show(epoch)

        run = train_run(job.model, args.seed, job.dataset, job.split, job.train, on_epoch)
    check_parent()
    is_checked = is_in_runs(job.folder) and read_inputs() != inputs
    by_now = read_job(args) if is_checked else job
    check_still_wanted({job.folder: job.trained_from}, {by_now.folder: by_now.trained_from}, found)
    write_run(
        job.folder,
        run,
        model=args.model,
        seed=args.seed,
        optimizer=job.model.optimizer,
        epochs=job.train.epochs,
        protocol=protocol_name(job.split, job.train),
        trained_from=job.trained_from,
    )
    scores = ", ".join(f"{split} {score.accuracy:.1%}" for split, score in run.scores.items())
    print(f"{job.folder}: accuracy {scores}" + (", DIVERGED" if run.fit.diverged else ""))


@dataclass(frozen=True)
class Job:
    """A run to train, and the folder for its record."""

    model: Model
    split: Split
    train: Train
    dataset: Dataset
    folder: Path
    trained_from: str


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
    dataset = load_dataset()
    digest = trained_from(model, params.split, train, args.seed, dataset)
    return Job(model, params.split, train, dataset, folder, digest)


class Parser(ArgumentParser):
    """A parser whose errors are shown as all others are, in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise InputError."""
        raise InputError(message)


if __name__ == "__main__":
    parser = Parser(description=__doc__)
    parser.add_argument("--model", required=True, help="a model of params.yaml")
    parser.add_argument("--seed", required=True, type=int, help="a whole number >= 0")
    parser.add_argument("--epochs", type=int, help="default: train.epochs of params.yaml")
    parser.add_argument("--optimizer", help="another optimizer, with its default settings")
    parser.add_argument(
        "--out",
        help="default: scratch/MODEL[-OPTIMIZER]-SEED; {model} and {seed} stand for those given",
    )
    main(parser.parse_args())
