"""What a worker does: a process, here or on another machine, that trains runs for a writer.

A worker needs no file of the writer's, and writes none: it is given the datasets once, and each
run's settings; it gives back the record's files.
"""

import os
import socket
from collections.abc import Iterable, Mapping

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.code import difference_from
from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.jobs import Job
from cnn_from_scratch.experiment.memory import keep_freed_memory

_datasets: dict[str, Dataset] = {}  # by digest


class RefusalError(InputError):
    """A worker cannot train the runs that it is asked for, whichever they are."""


def prepare(datasets: Iterable[Dataset]) -> None:
    """Take in the datasets that the runs are trained on: once for each worker process."""
    keep_freed_memory()
    _datasets.update((dataset.digest, dataset) for dataset in datasets)


def train(job: Job, dataset: str, code: Mapping[str, str]) -> tuple[dict[str, bytes], str]:
    """Return a run's record, as its files by name, and the name of this worker.

    dataset: the digest of one that `prepare` was given. code: the list of the code that is to train
    it. It is a pure function of its arguments. Raises RefusalError if this worker has other code or
    another dataset, InputError as `Job.record` does.
    """
    name = f"{socket.gethostname()}, process {os.getpid()}"
    if difference := difference_from(code):
        raise RefusalError(f"on {name}, other code than here: {difference}")
    if dataset not in _datasets:
        raise RefusalError(f"on {name}, it was not given the dataset")
    return job.record(_datasets[dataset]), name
