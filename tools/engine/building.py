"""A build: all that is out of date in some projects, with all their runs trained together."""

import sys
import time
import traceback
from collections.abc import Generator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import SystemRandom

from tqdm import tqdm

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.checkpoints import remove_old
from cnn_from_scratch.experiment.code import code_digests
from cnn_from_scratch.experiment.executing import as_they_come
from cnn_from_scratch.experiment.jobs import Job
from cnn_from_scratch.experiment.workers import RefusalError, prepare, train
from engine.audit import first_difference
from engine.executors import Where, on_this_machine
from engine.plans import ChangedError, Plan, read_code
from engine.progress import progress
from engine.projects import ROOT, Project, TrainStage

COMMIT_EVERY = 60.0  # seconds of training from one commit to the next


@dataclass(frozen=True)
class Options:
    """How to build.

    where: what gives the executor. compiled: whether portable runs, whose bits are the same either
    way, are trained by compiled loops. audit: how many runs to train again on this machine, to
    compare. pull: whether to take from DVC's remote what is there.
    """

    where: Where
    compiled: bool
    audit: int
    pull: bool


@dataclass(frozen=True, eq=False)
class Task:
    """A run to train for a stage of a plan."""

    plan: Plan
    stage: TrainStage
    job: Job

    def __str__(self) -> str:
        return f"{self.plan.project.name}{self.job}"

    def remove_checkpoint(self) -> None:
        """Delete what the run would go on from after a kill: it is finished."""
        self.job.checkpoint(self.stage.dataset, self.plan.project.folder).remove()

    def kept(self) -> tuple[dict[str, bytes], str] | None:
        """Return the record and its worker, if the run is finished."""
        return self.plan.kept.get(self.job, self.stage.dataset)


def build(projects: list[Project], options: Options) -> bool:
    """Build the projects; return whether there was anything to do.

    Raises InputError if anything fails, DvcException if it is DVC that does, and ChangedError if
    all is to be begun again. What is finished by then is kept.
    """
    ran = False
    if not any(project.folder == ROOT for project in projects):
        main = Project(ROOT)
        main.check()
        ran = main.reproduce(["check", "convert", "list_code"])
    plans = []
    with ExitStack() as claims:
        for project in projects:
            plans.append(Plan(project, pull=options.pull))
            claims.enter_context(project.claimed(plans[-1].stages))
        Training(plans, options).run()
    for project in projects:
        remove_old(project.folder)
    return ran or any(plan.ran for plan in plans)


class Training:
    """The training of all runs of some plans."""

    def __init__(self, plans: list[Plan], options: Options) -> None:
        self.plans = plans
        self.code = read_code()
        self.options = options
        self.tasks = [Task(plan, stage, job) for plan in plans for stage, job in plan.jobs()]
        if options.audit and (native := [t for t in self.tasks if not _is_portable(t)]):
            raise InputError(
                f"--audit: {native[0]} cannot be audited: with train.numerics native each machine"
                " has bits of its own; expected portable"
            )
        self.finished: list[Task] = []
        self.failed: list[Task] = []
        self.committed = time.monotonic()

    def run(self) -> None:
        """Train, commit, and build what depends on it. Raises InputError, ChangedError."""
        new = [task for task in self.tasks if not self._is_kept(task)]
        with (
            progress(len(new), sum(plan.restored for plan in self.plans)) as self.progress,
            closing(self._outcomes(self.options.where, new, resume=True)) as outcomes,
        ):
            for task, outcome in outcomes:
                error = outcome if isinstance(outcome, Exception) else self._keep(task, *outcome)
                if error:
                    self._fail(task, error)
                self.progress.done(failed=bool(error))
        if self.options.audit:
            self._audit()
        self._commit()
        if self.failed:
            raise InputError(f"{len(self.failed)} of {len(self.tasks)} runs failed")

    def _is_kept(self, task: Task) -> bool:
        """Whether a run's record is kept; if so, it counts as finished."""
        if task.kept() is None:
            return False
        self._finish(task)
        return True

    def _keep(self, task: Task, files: Mapping[str, bytes], worker: str) -> InputError | None:
        """Keep a record, or return what is wrong with it."""
        try:
            task.plan.kept.put(task.job, task.stage.dataset, files, worker)
        except InputError as error:
            return error
        self._finish(task)
        return None

    def _finish(self, task: Task) -> None:
        task.remove_checkpoint()
        task.plan.done(task.stage, task.job)
        self.finished.append(task)

    def _outcomes(
        self, where: Where, tasks: list[Task], *, resume: bool
    ) -> Generator[tuple[Task, tuple[dict[str, bytes], str] | Exception], None, None]:
        """Yield each task with its record and worker, or the error that it ended with.

        resume: whether a run goes on from its checkpoint, and keeps one.
        """
        datasets = {task.stage.dataset.digest: task.stage.dataset for task in tasks}
        start = partial(where, partial(prepare, list(datasets.values())))
        calls = {
            task: (
                self._job(task),
                task.stage.dataset.digest,
                self.code,
                task.plan.project.folder if resume else None,
            )
            for task in tasks
        }
        return as_they_come(start, train, calls, self._look)

    def _job(self, task: Task) -> Job:
        """Return what is sent to a worker: with compiled loops, if their bits are the same."""
        if self.options.compiled and _is_portable(task):
            return replace(task.job, train=replace(task.job.train, backend="compiled"))
        return task.job

    def _look(self, running: int) -> None:
        """Show how far all is; commit when it is time, unless all is to be audited before."""
        self.progress.show(running)
        due = time.monotonic() - self.committed >= COMMIT_EVERY
        if not self.options.audit and (due or any(plan.is_trained for plan in self.plans)):
            self._commit()

    def _commit(self) -> None:
        """Commit what is finished, and build the rest of the projects that are trained."""
        self._check_code()
        for plan in self.plans:
            plan.commit()
            if plan.is_trained:
                plan.finish()
        self.committed = time.monotonic()

    def _check_code(self) -> None:
        files = [Path(name) for name in self.code]
        if not all(file.exists() for file in files) or code_digests(files) != self.code:
            raise ChangedError("the code")

    def _fail(self, task: Task, error: Exception) -> None:
        """Say which run failed and why; the others go on, unless no worker can train them."""
        if isinstance(error, RefusalError | ImportError):
            self._check_code()  # a worker that has only begun now is right to refuse
            raise InputError(f"a worker refuses: {error}") from error
        if not isinstance(error, InputError):
            traceback.print_exception(error)
        tqdm.write(f"error: {task}: {error}", file=sys.stderr)
        self.failed.append(task)

    def _audit(self) -> None:
        """Train some of the finished runs again, here. Raises InputError if one differs."""
        chosen = SystemRandom().sample(self.finished, min(self.options.audit, len(self.finished)))
        for task, outcome in self._outcomes(on_this_machine(None), chosen, resume=False):
            if isinstance(outcome, Exception):
                raise InputError(f"--audit: {task}: {outcome}")
            if not (kept := task.kept()):
                raise ChangedError(f"{task.plan.kept.folder}")
            if place := first_difference(outcome[0], kept[0]):
                for plan in self.plans:
                    plan.kept.clear()
                raise InputError(
                    f"--audit: {task}, as trained by {kept[1]}: {place}: differs from what this"
                    " machine trains; nothing is committed"
                )
        tqdm.write(f"audit: {len(chosen)} of {len(self.finished)} runs trained again, all the same")


def _is_portable(task: Task) -> bool:
    return task.job.train.numerics == "portable"
