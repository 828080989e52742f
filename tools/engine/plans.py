"""What one project needs: stages to train, and then everything else."""

import json
from collections.abc import Iterator

from cnn_from_scratch.experiment.jobs import Job
from engine.kept import Kept
from engine.projects import ROOT, Project, Record, TrainStage

CODE = ROOT / "src/training_code.json"


class ChangedError(Exception):
    """What runs depend on has changed since they were planned; the message names it."""


class Plan:
    """The stages of a project that are to be trained, and how far they are.

    stages: all of them. restored: how many more there were, which the run cache had. ran: whether
    any stage had to be run or restored.
    """

    def __init__(self, project: Project, *, pull: bool) -> None:
        self.project = project
        project.check()
        if pull:
            project.fetch()
        first, self._rest = project.other_stages()
        self.ran = project.reproduce(first)
        self.stages, self.restored = project.plan(pull=pull)
        self.ran |= bool(self.stages or self.restored)
        self.kept = Kept(project.folder, read_code())
        self._missing = {stage: set(stage.jobs) for stage in self.stages}
        self._ready: list[TrainStage] = []
        self._finished = False

    def jobs(self) -> Iterator[tuple[TrainStage, Job]]:
        """Yield each run that is to be trained, with its stage."""
        return ((stage, job) for stage in self.stages for job in stage.jobs)

    def done(self, stage: TrainStage, job: Job) -> None:
        """Note that a run's record is kept."""
        self._missing[stage].remove(job)
        if not self._missing[stage]:
            del self._missing[stage]
            self._ready.append(stage)

    @property
    def is_trained(self) -> bool:
        """Whether the records of all runs are kept, and the rest is still to be done."""
        return not (self._missing or self._finished)

    def commit(self) -> None:
        """Commit the stages whose runs are all there. Raises ChangedError."""
        if not self._ready:
            return
        finished: dict[TrainStage, dict[Job, Record]] = {}
        for stage in self._ready:
            kept = {job: self.kept.get(job, stage.dataset) for job in stage.jobs}
            if not all(kept.values()):
                raise ChangedError(f"{self.kept.folder}")
            finished[stage] = {job: found[0] for job, found in kept.items() if found}
        if changed := self.project.commit(finished):
            raise ChangedError(f"what {changed[0]} depends on")
        self._ready.clear()

    def finish(self) -> None:
        """Build the rest of the project, when all of its runs are committed."""
        self.ran |= self.project.reproduce(self._rest)
        self.project.tidy()  # also what a build has left that was killed just before this
        self.kept.clear()
        self._finished = True


def read_code() -> dict[str, str]:
    """Return the list of the code that runs are trained by, as the main project has it."""
    code: dict[str, str] = json.loads(CODE.read_text(encoding="utf-8"))
    return code
