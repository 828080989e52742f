"""Records of runs that are trained but not committed yet, kept so that a kill loses none of them.

They are in the project's .dvc/tmp/records, each in a folder that is named by what decides its bits.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.jobs import Job
from cnn_from_scratch.experiment.records import FILES, SUMS, first_damaged, read_files, write_record

WORKER = "WORKER"  # the file with the name of the worker


class Kept:
    """The records that a project keeps for a build with some list of code."""

    def __init__(self, project: Path, code: Mapping[str, str]) -> None:
        self.folder = project / ".dvc/tmp/records"
        self.code = code

    def put(self, job: Job, dataset: Dataset, files: Mapping[str, bytes], worker: str) -> None:
        """Keep a record, and which worker made it. Raises InputError if it is damaged."""
        if name := first_damaged(files):
            raise InputError(f"{name}, as trained by {worker}: damaged")
        record = {name: files[name] for name in (SUMS, *FILES)}  # and no other file of a worker's
        write_record(self._place(job, dataset), record | {WORKER: worker.encode()})

    def get(self, job: Job, dataset: Dataset) -> tuple[dict[str, bytes], str] | None:
        """Return a kept record and its worker, or None if there is none, or a damaged one."""
        place = self._place(job, dataset)
        try:
            files = read_files(place) | {SUMS: (place / SUMS).read_bytes()}
            return files, (place / WORKER).read_text(encoding="utf-8")
        except (InputError, OSError):
            return None

    def clear(self) -> None:
        """Forget all records, of earlier builds, too."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _place(self, job: Job, dataset: Dataset) -> Path:
        decisive = [job.model.name, job.trained_from(dataset), sorted(self.code.items())]
        return self.folder / hashlib.sha256(json.dumps(decisive).encode()).hexdigest()
