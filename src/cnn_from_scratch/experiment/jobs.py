"""A run to train: what, and where its record goes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cnn_from_scratch.experiment.checkpoints import SECONDS, Checkpoint
from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.identity import trained_from
from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.experiment.params import Split, Train, protocol_name
from cnn_from_scratch.experiment.records import check_still_wanted, record_files, recorded_from
from cnn_from_scratch.experiment.run import train_run
from cnn_from_scratch.experiment.splits import run_split
from cnn_from_scratch.nn.training import Epoch


@dataclass(frozen=True)
class Job:
    """A run to train: all but the dataset that decides its record.

    folder: the place of the record, from the project's folder.
    """

    model: Model
    seed: int
    split: Split
    train: Train
    folder: Path

    def __str__(self) -> str:
        """Return the run's name, for people."""
        return f"{self.model.name} seed {self.seed}"

    def trained_from(self, dataset: Dataset) -> str:
        """Return the digest of settings, seed and dataset."""
        return trained_from(self.model, self.split, self.train, self.seed, dataset)

    def checkpoint(self, dataset: Dataset, project: Path, seconds: float = SECONDS) -> Checkpoint:
        """Return the run's checkpoint in a project's folder, written every so many seconds."""
        return Checkpoint(project, self.trained_from(dataset), self.train, seconds)

    def samples(self, dataset: Dataset) -> int:
        """Return how many samples it is trained on."""
        return len(run_split(dataset, self.split, self.seed)[0])

    def record(
        self,
        dataset: Dataset,
        on_epoch: Callable[[Epoch], None] = lambda _: None,
        checkpoint: Checkpoint | None = None,
    ) -> dict[str, bytes]:
        """Train, and return the record's files. Raises InputError as `train_run` does."""
        run = train_run(
            self.model, self.seed, dataset, self.split, self.train, on_epoch, checkpoint
        )
        return record_files(
            run,
            model=self.model.name,
            seed=self.seed,
            optimizer=self.model.optimizer,
            epochs=self.train.epochs,
            protocol=protocol_name(self.split, self.train),
            trained_from=self.trained_from(dataset),
        )


def noting_records(
    jobs: Iterable[Job], dataset: Dataset
) -> Callable[[Iterable[Job], Dataset], None]:
    """Note which records are in the jobs' folders before the training.

    Returns a check to call when the training is done, with the jobs and the dataset as they are by
    then. It raises InputError if one of them is not asked for any more, or if another training has
    put a record of other settings into its folder.
    """
    wanted = _digests(jobs, dataset)
    found = {folder: recorded_from(folder) for folder in wanted}
    return lambda by_now, data: check_still_wanted(wanted, _digests(by_now, data), found)


def _digests(jobs: Iterable[Job], dataset: Dataset) -> dict[Path, str]:
    return {job.folder: job.trained_from(dataset) for job in jobs}
