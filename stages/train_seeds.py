"""Train one model from every seed of params.yaml, with each of its learning rates.

A study's stage, run in the study's folder.
"""

import itertools
import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
for library in ("OPENBLAS", "OMP", "NUMBA"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")  # the processes share out the work

from cnn_from_scratch import one_line_errors

one_line_errors()

from concurrent.futures import ProcessPoolExecutor
from functools import partial

from cnn_from_scratch.experiment.dataset import Dataset, load_dataset
from cnn_from_scratch.experiment.files import replacing
from cnn_from_scratch.experiment.memory import keep_freed_memory
from cnn_from_scratch.experiment.models import Model, find_models
from cnn_from_scratch.experiment.params import Params, load_params, protocol_name
from cnn_from_scratch.experiment.records import RUNS_FOLDER, run_folder, write_run
from cnn_from_scratch.experiment.run import train_run


def train_one(
    params: Params, dataset: Dataset, parent: Path, named: tuple[str, Model], seed: int
) -> str:
    """Train the named model from a seed, write the run's record below `parent`, and describe it."""
    name, model = named
    train = params.models[name].train
    run = train_run(model, seed, dataset, params.split, train)
    write_run(
        parent / run_folder(name, seed).relative_to(RUNS_FOLDER),
        run,
        model=name,
        seed=seed,
        optimizer=model.optimizer,
        epochs=train.epochs,
        protocol=protocol_name(params.split, train),
    )
    scores = (f"{split} {score.accuracy:.1%}" for split, score in run.scores.items())
    return f"{name} seed {seed}: accuracy {', '.join(scores)}"


def main(args: Namespace) -> None:
    """Write the records of all the model's runs, as one folder; all cores train."""
    params = load_params()
    models = find_models(params, args.model)
    dataset = load_dataset(args.dataset)
    runs = list(itertools.product(models.items(), params.seeds))
    with replacing(RUNS_FOLDER / args.model) as folder:
        train = partial(train_one, params, dataset, folder.parent)
        with ProcessPoolExecutor(initializer=keep_freed_memory) as executor:
            for line in executor.map(train, *zip(*runs, strict=True)):
                print(line)


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="a model of params.yaml")
    parser.add_argument("--dataset", required=True, type=Path, help="what `convert` wrote")
    main(parser.parse_args())
