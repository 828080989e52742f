"""Train one model from every seed of params.yaml, with each of its learning rates.

A study's stage, run in the study's folder.
"""

import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
for library in ("OPENBLAS", "OMP", "NUMBA"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")  # the processes share out the work

from cnn_from_scratch import one_line_errors

one_line_errors()

from dataclasses import dataclass
from functools import partial

from cnn_from_scratch.experiment.dataset import Dataset, load_dataset
from cnn_from_scratch.experiment.files import replacing
from cnn_from_scratch.experiment.identity import trained_from
from cnn_from_scratch.experiment.models import Model, find_models
from cnn_from_scratch.experiment.orphans import ending_with_dvc, side_by_side
from cnn_from_scratch.experiment.params import Split, Train, load_params, protocol_name
from cnn_from_scratch.experiment.records import (
    RUNS_FOLDER,
    check_still_wanted,
    recorded_from,
    run_folder,
    write_run,
)
from cnn_from_scratch.experiment.run import train_run


@dataclass(frozen=True)
class Job:
    """A run to train."""

    name: str
    model: Model
    split: Split
    train: Train
    seed: int
    trained_from: str

    @property
    def folder(self) -> Path:
        """Where the workflow keeps the run."""
        return run_folder(self.name, self.seed)


def read_jobs(model: str, dataset: Dataset) -> list[Job]:
    """Return the runs of the model, with each learning rate. Raises InputError."""
    params = load_params()
    return [
        Job(name, found, params.split, train, seed, digest)
        for name, found in find_models(params, model).items()
        for train in [params.models[name].train]
        for seed in params.seeds
        for digest in [trained_from(found, params.split, train, seed, dataset)]
    ]


def train_one(dataset: Dataset, parent: Path, job: Job) -> str:
    """Train a run, write its record below `parent` instead of `runs`, and describe it."""
    run = train_run(job.model, job.seed, dataset, job.split, job.train)
    write_run(
        parent / job.folder.relative_to(RUNS_FOLDER),
        run,
        model=job.name,
        seed=job.seed,
        optimizer=job.model.optimizer,
        epochs=job.train.epochs,
        protocol=protocol_name(job.split, job.train),
        trained_from=job.trained_from,
    )
    scores = (f"{split} {score.accuracy:.1%}" for split, score in run.scores.items())
    return f"{job.name} seed {job.seed}: accuracy {', '.join(scores)}"


def main(args: Namespace) -> None:
    """Write the records of all the model's runs, as one folder; all cores train."""
    check_parent = ending_with_dvc()
    dataset = load_dataset(args.dataset)
    jobs = read_jobs(args.model, dataset)
    found = {job.folder: recorded_from(job.folder) for job in jobs}
    with replacing(RUNS_FOLDER / args.model) as folder:
        with side_by_side(check_parent) as map_:
            for line in map_(partial(train_one, dataset, folder.parent), jobs):
                print(line)
        check_parent()
        by_now = read_jobs(args.model, load_dataset(args.dataset))
        check_still_wanted(digests(jobs), digests(by_now), found)


def digests(jobs: list[Job]) -> dict[Path, str]:
    """Return what each run is trained from, by its folder."""
    return {job.folder: job.trained_from for job in jobs}


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="a model of params.yaml")
    parser.add_argument("--dataset", required=True, type=Path, help="what `convert` wrote")
    main(parser.parse_args())
