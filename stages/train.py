"""Train one model from one seed: data/dataset.npz -> a run folder."""

import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the products are too small to share out

from cnn_from_scratch import InputError, one_line_errors

one_line_errors()

from dataclasses import replace
from typing import NoReturn

from cnn_from_scratch.experiment.dataset import load_dataset
from cnn_from_scratch.experiment.memory import keep_freed_memory
from cnn_from_scratch.experiment.models import default_optimizer, find_model
from cnn_from_scratch.experiment.params import load_params, protocol_name
from cnn_from_scratch.experiment.progress import progress
from cnn_from_scratch.experiment.records import check_run_folder, run_folder, write_run
from cnn_from_scratch.experiment.run import train_run


def main(args: Namespace) -> None:
    """Train the model that the arguments and params.yaml describe, and write its record."""
    for option, value, least in (("seed", args.seed, 0), ("epochs", args.epochs, 1)):
        if value is not None and value < least:
            raise InputError(
                f"--{option}: expected a whole number of at least {least}, got {value}"
            )
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

    keep_freed_memory()
    with progress(f"{args.model} seed {args.seed}", train.epochs) as on_epoch:
        run = train_run(model, args.seed, dataset, params.split, train, on_epoch)
    write_run(
        folder,
        run,
        model=args.model,
        seed=args.seed,
        optimizer=model.optimizer,
        epochs=train.epochs,
        protocol=protocol_name(params.split, train),
    )
    scores = ", ".join(f"{split} {score.accuracy:.1%}" for split, score in run.scores.items())
    print(f"{folder}: accuracy {scores}" + (", DIVERGED" if run.fit.diverged else ""))


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
