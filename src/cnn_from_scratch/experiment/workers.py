"""What a worker does: a process, here or on another machine, that trains runs for a writer.

A worker needs no file of the writer's: it is given the datasets once, and each run's settings; it
gives back the record's files. On the writer's machine it keeps checkpoints in the run's project.
"""

import os
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.checkpoints import SECONDS
from cnn_from_scratch.experiment.code import difference_from
from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.jobs import Job
from cnn_from_scratch.experiment.memory import keep_freed_memory

_datasets: dict[str, Dataset] = {}  # by digest
_seconds: float  # from one checkpoint of a run to the next


class RefusalError(InputError):
    """A worker cannot train the runs that it is asked for, whichever they are."""


def prepare(datasets: Iterable[Dataset], seconds: float = SECONDS) -> None:
    """Take in what all runs share: once for each worker process.

    seconds: from one checkpoint of a run to the next.
    """
    global _seconds
    keep_freed_memory()
    _seconds = seconds
    _datasets.update((dataset.digest, dataset) for dataset in datasets)


def train(
    job: Job, dataset: str, code: Mapping[str, str], project: Path | None
) -> tuple[dict[str, bytes], str]:
    """Return a run's record, as its files by name, and the name of this worker.

    dataset: the digest of one that `prepare` was given. code: the list of the code that is to train
    it. project: the folder of the project that has its checkpoint, if this machine has that; None:
    it begins anew. The record is a pure function of the first three. Raises RefusalError if this
    worker has other code or another dataset, InputError as `Job.record` does.
    """
    name = f"{socket.gethostname()}, process {os.getpid()}"
    if difference := difference_from(code):
        raise RefusalError(f"on {name}, other code than here: {difference}")
    if dataset not in _datasets:
        raise RefusalError(f"on {name}, it was not given the dataset")
    data = _datasets[dataset]
    checkpoint = job.checkpoint(data, project, _seconds) if project else None
    return job.record(data, checkpoint=checkpoint), name
