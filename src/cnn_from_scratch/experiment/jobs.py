"""A run to train: what, from what, and where its record goes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.identity import trained_from
from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.experiment.params import Split, Train, protocol_name
from cnn_from_scratch.experiment.records import check_still_wanted, recorded_from, write_run
from cnn_from_scratch.experiment.run import Run, train_run
from cnn_from_scratch.nn.training import Epoch


@dataclass(frozen=True)
class Job:
    """A run to train.

    name: of the model, as params.yaml has it. folder: the place of the record.
    """

    name: str
    model: Model
    seed: int
    split: Split
    train: Train
    dataset: Dataset
    folder: Path

    @cached_property
    def trained_from(self) -> str:
        """The digest of settings, seed and dataset."""
        return trained_from(self.model, self.split, self.train, self.seed, self.dataset)

    def run(self, on_epoch: Callable[[Epoch], None] = lambda _: None) -> Run:
        """Train. Raises InputError as `train_run` does."""
        return train_run(self.model, self.seed, self.dataset, self.split, self.train, on_epoch)

    def write(self, run: Run, folder: Path) -> None:
        """Write the record of the trained run at a folder, whole or not at all."""
        write_run(
            folder,
            run,
            model=self.name,
            seed=self.seed,
            optimizer=self.model.optimizer,
            epochs=self.train.epochs,
            protocol=protocol_name(self.split, self.train),
            trained_from=self.trained_from,
        )


def noting_records(jobs: Iterable[Job]) -> Callable[[Iterable[Job]], None]:
    """Note which records are in the jobs' folders before the training.

    Returns a check to call when the training is done, with the jobs as they are asked for by then.
    It raises InputError if one of them is not that any more, or if another training has put a
    record of other settings into its folder.
    """
    wanted = _digests(jobs)
    found = {folder: recorded_from(folder) for folder in wanted}
    return lambda by_now: check_still_wanted(wanted, _digests(by_now), found)


def _digests(jobs: Iterable[Job]) -> dict[Path, str]:
    return {job.folder: job.trained_from for job in jobs}


def accuracies(run: Run) -> str:
    """Return a run's accuracy on every split, in words, and whether it diverged."""
    scores = ", ".join(f"{split} {score.accuracy:.1%}" for split, score in run.scores.items())
    return f"accuracy {scores}" + (", DIVERGED" if run.fit.diverged else "")
