"""A build with real trainings, but in threads and without DVC: what is committed and told."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment import workers
from cnn_from_scratch.experiment.code import code_digests
from cnn_from_scratch.experiment.jobs import Job
from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.experiment.params import Train
from cnn_from_scratch.experiment.records import record_files
from cnn_from_scratch.experiment.run import train_run
from cnn_from_scratch.nn.architectures import Stack
from cnn_from_scratch.nn.layers import Flatten
from cnn_from_scratch.nn.optimizers import SGD
from engine import building, plans
from engine.building import Options, Training, build
from engine.executors import SetUp, Where
from engine.plans import ChangedError, Plan
from engine.projects import Project, Record, TrainStage
from tests.experiment.studies import HOLDOUT, SIMPLE, stripes
from tests.workflow.project import ROOT

DATASET = stripes()
TRAIN = Train(epochs=1, batch_size=None)
IMPOSSIBLE = Model(Stack((Flatten(),)), SGD(lr=0.1))  # it gives 36 numbers for an image


@dataclass
class Fake:
    """A project of some train stages, and what was asked of it."""

    folder: Path
    stages: list[TrainStage]
    name: str = ""
    changed: list[str] = field(default_factory=list)  # what depends on something else by now
    committed: dict[str, list[str]] = field(default_factory=dict)  # stage: its runs
    done: list[str] = field(default_factory=list)

    def check(self) -> None:
        """All is well."""

    def claimed(self, stages: list[TrainStage]) -> Any:
        """Nobody else is at work."""
        return nullcontext()

    def other_stages(self) -> tuple[list[str], list[str]]:
        """Return a stage before and one after the trainings."""
        return ["convert"], ["aggregate"]

    def reproduce(self, names: list[str]) -> bool:
        """Note the stages."""
        self.done += names
        return names == ["aggregate"] and bool(self.stages)

    def plan(self, *, pull: bool) -> tuple[list[TrainStage], int]:
        """Return the stages; nothing is restored."""
        return self.stages, 0

    def commit(self, finished: Mapping[TrainStage, Mapping[Job, Record]]) -> list[str]:
        """Note the runs of each stage, if it has not changed."""
        for stage, records in finished.items():
            if stage.name not in self.changed:
                self.committed[stage.name] = sorted(map(str, records))
        return [stage.name for stage in finished if stage.name in self.changed]

    def tidy(self) -> None:
        """Note it."""
        self.done.append("tidy")


def stage(name: str, *seeds: int, model: Model = SIMPLE, train: Train = TRAIN) -> TrainStage:
    jobs = tuple(
        Job(replace(model, name=name), seed, HOLDOUT, train, Path("runs", name, str(seed)))
        for seed in seeds
    )
    return TrainStage(name, jobs, DATASET, Path("runs", name), [])


@pytest.fixture(autouse=True)
def main_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The main project, with a list of code that may be edited."""
    names = ("cnn_from_scratch/__init__.py", "cnn_from_scratch/nn/layers.py")
    for name in names:
        (tmp_path / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "src" / name).write_bytes((ROOT / "src" / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    code = tmp_path / "src/training_code.json"
    code.write_text(json.dumps(code_digests([Path("src/cnn_from_scratch")])))
    monkeypatch.setattr(plans, "CODE", code)
    monkeypatch.setattr(building, "ROOT", tmp_path)
    monkeypatch.setattr(building, "on_this_machine", lambda _: threads())
    monkeypatch.setattr(workers, "_datasets", {})
    return tmp_path


@pytest.fixture
def project(main_project: Path) -> Fake:
    return Fake(main_project, [stage("A", 0, 1), stage("B", 0)])


def threads(cheat: Callable[[Job, Record], Record] = lambda _, files: files) -> Where:
    """Return what trains in this process, and may change the records."""

    class Cheating(ThreadPoolExecutor):
        def submit(self, function: Callable[..., Any], /, job: Any, *args: Any) -> Future[Any]:  # type: ignore[override]
            """Train, and cheat."""

            def call() -> Any:
                files, _ = function(job, *args)
                return cheat(job, files), "a worker"

            return super().submit(call)

    @contextmanager
    def where(set_up: SetUp) -> Iterator[Executor]:
        with Cheating(1, initializer=set_up) as executor:
            yield executor

    return where


def run(*projects: Fake, where: Where | None = None, audit: int = 0) -> bool:
    return build(cast("list[Project]", list(projects)), options(where or threads(), audit))


def options(where: Where, audit: int = 0) -> Options:
    return Options(where, compiled=False, audit=audit, pull=False)


def records(project: Fake) -> list[Path]:
    return list((project.folder / ".dvc/tmp/records").glob("*/SHA256SUMS"))


# ---------------------------------------------------------------- what is built


def test_all_runs_are_committed_and_then_the_rest_is_built(project: Fake) -> None:
    assert run(project)
    assert project.committed == {"A": ["A seed 0", "A seed 1"], "B": ["B seed 0"]}
    assert project.done == ["convert", "aggregate", "tidy"]
    assert records(project) == []


def test_where_nothing_is_to_be_done_nothing_is_written(main_project: Path) -> None:
    project = Fake(main_project, [])
    assert not run(project)
    assert (project.committed, project.done) == ({}, ["convert", "aggregate", "tidy"])


def test_the_runs_of_all_projects_are_trained_together(main_project: Path) -> None:
    one, other = (Fake(main_project / name, [stage(name, 0)], f"{name}: ") for name in "ab")
    together = Fake(main_project, [])
    assert run(together, one, other)
    assert (one.committed, other.committed) == ({"a": ["a seed 0"]}, {"b": ["b seed 0"]})


def test_what_is_kept_is_not_trained_again(project: Fake) -> None:
    job = project.stages[0].jobs[1]
    kept = Plan(cast("Project", project), pull=False).kept
    kept.put(job, DATASET, job.record(DATASET), "an earlier worker")
    trained: list[str] = []

    def note(job: Job, files: Record) -> Record:
        trained.append(str(job))
        return files

    run(project, where=threads(note))
    assert trained == ["A seed 0", "B seed 0"]
    assert project.committed == {"A": ["A seed 0", "A seed 1"], "B": ["B seed 0"]}


def test_compiled_loops_are_for_runs_of_the_same_bits(main_project: Path) -> None:
    native = replace(TRAIN, numerics="native")
    project = Fake(main_project, [stage("A", 0), stage("B", 0, train=native)])
    for compiled, backends in ((True, ["compiled", "numpy"]), (False, ["numpy", "numpy"])):
        wanted = replace(options(threads()), compiled=compiled)
        training = Training([Plan(cast("Project", project), pull=False)], wanted)
        sent = [training._job(task) for task in training.tasks]
        assert [job.train.backend for job in sent] == backends


# ---------------------------------------------------------------- what fails


def test_a_run_that_fails_is_named_and_the_others_are_committed(
    project: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    project.stages = [stage("A", 0), stage("B", 0, model=IMPOSSIBLE), stage("C", 0)]
    with pytest.raises(InputError, match=r"^1 of 3 runs failed$"):
        run(project)
    [line] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert line.startswith("error: B seed 0: params.yaml: models.B: the architecture ")
    assert set(project.committed) == {"A", "C"}
    assert project.done == ["convert"]
    assert len(records(project)) == 2  # of no use any more, but for a build that is killed


def test_a_stage_whose_runs_are_not_all_there_is_not_committed(project: Fake) -> None:
    good, bad = stage("A", 0), stage("A", 1, model=IMPOSSIBLE)
    project.stages = [replace(good, jobs=good.jobs + bad.jobs)]
    with pytest.raises(InputError, match=r"^1 of 2 runs failed$"):
        run(project)
    assert project.committed == {}


def test_an_error_of_our_own_is_shown_in_full(
    project: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash(job: Job, files: Record) -> Record:
        raise ZeroDivisionError("a bug")

    with pytest.raises(InputError, match=r"^3 of 3 runs failed$"):
        run(project, where=threads(crash))
    shown = capsys.readouterr().err
    assert "in crash" in shown
    assert "error: A seed 0: a bug" in shown.splitlines()


@pytest.mark.parametrize("change", [{"history.csv": b"else"}, {"SHA256SUMS": b""}])
def test_a_record_that_arrives_damaged_fails(
    project: Fake, change: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=r"^3 of 3 runs failed$"):
        run(project, where=threads(lambda _, files: {**files, **change}))
    name = "history.csv" if "history.csv" in change else "checkpoint.npz"
    line = f"error: A seed 0: {name}, as trained by a worker: damaged"
    assert line in capsys.readouterr().err.splitlines()
    assert project.committed == {}


@pytest.mark.parametrize("error", [workers.RefusalError("other code"), ImportError("no msgspec")])
def test_a_worker_that_cannot_train_ends_the_build(project: Fake, error: Exception) -> None:
    def refuse(job: Job, files: Record) -> Record:
        raise error

    with pytest.raises(InputError, match=f"^a worker refuses: {error}$"):
        run(project, where=threads(refuse))
    assert project.committed == {}


# ---------------------------------------------------------------- what changes meanwhile


def test_a_stage_that_depends_on_something_else_by_now_is_not_committed(project: Fake) -> None:
    project.changed = ["A"]
    with pytest.raises(ChangedError, match=r"^what A depends on$"):
        run(project)
    assert project.committed == {"B": ["B seed 0"]}
    assert project.done == ["convert"]


@pytest.mark.parametrize("refuses", [False, True])
@pytest.mark.parametrize("edit", [lambda file: file.write_text("# more\n"), Path.unlink])
def test_code_that_changes_meanwhile_is_told(
    project: Fake, edit: Callable[[Path], object], refuses: bool
) -> None:
    """Also where a worker that has only begun by then is the first to say so."""

    def change(job: Job, files: Record) -> Record:
        if str(job) == "A seed 0":
            edit(project.folder / "src/cnn_from_scratch/nn/layers.py")
            if refuses:
                raise workers.RefusalError("other code than here")
        return files

    with pytest.raises(ChangedError, match=r"^the code$"):
        run(project, where=threads(change))
    assert project.committed == {}


def test_what_is_deleted_of_the_kept_records_is_trained_again(project: Fake) -> None:
    def delete(job: Job, files: Record) -> Record:
        if str(job) == "B seed 0":
            end = time.monotonic() + 60
            while len(records(project)) < 2:  # of A; the main thread is about to write them
                assert time.monotonic() < end
                time.sleep(0.01)
            for file in records(project):
                file.unlink()
        return files

    with pytest.raises(ChangedError, match=r"/records$"):
        run(project, where=threads(delete))
    assert project.committed == {}


def test_what_is_finished_is_committed_now_and_then(
    project: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "COMMIT_EVERY", 0.0)
    training = Training([Plan(cast("Project", project), pull=False)], options(threads()))
    training.progress = cast("Any", Progress())
    first, second, _ = training.tasks
    for task in (first, second):
        training._keep(task, task.job.record(DATASET), "a worker")
    training._look(running=1)
    assert project.committed == {"A": ["A seed 0", "A seed 1"]}
    assert project.done == ["convert"]


class Progress:
    """It shows nothing."""

    def show(self, running: int) -> None:
        """Show nothing."""


# ---------------------------------------------------------------- an audit


def cheat_in_b(job: Job, files: Record) -> Record:
    """Give another run's result for B, with sums that fit."""
    if job.model.name != "B":
        return files
    other = train_run(job.model, 7, DATASET, job.split, job.train)
    written = json.loads(files["result.json"])
    return record_files(
        other,
        optimizer=job.model.optimizer,
        **{name: written[name] for name in ("model", "seed", "epochs", "protocol", "trained_from")},
    )


def test_an_audit_names_the_worker_the_run_the_file_and_the_array(project: Fake) -> None:
    """And as nobody knows what else that worker did, nothing is kept."""
    with pytest.raises(InputError) as error:
        run(project, where=threads(cheat_in_b), audit=3)
    assert str(error.value) == (
        "--audit: B seed 0, as trained by a worker: checkpoint.npz, array theta: differs from what"
        " this machine trains; nothing is committed"
    )
    assert project.committed == {}
    assert records(project) == []


def test_what_is_not_audited_is_believed(project: Fake) -> None:
    run(project, where=threads(cheat_in_b))
    assert set(project.committed) == {"A", "B"}


def test_an_audit_that_finds_nothing_says_how_much_it_has_seen(
    project: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    run(project, audit=2)
    assert "audit: 2 of 3 runs trained again, all the same" in capsys.readouterr().out.splitlines()
    assert set(project.committed) == {"A", "B"}


def test_before_the_audit_nothing_is_committed(
    project: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "COMMIT_EVERY", 0.0)
    training = Training([Plan(cast("Project", project), pull=False)], options(threads(), audit=1))
    training.progress = cast("Any", Progress())
    for task in training.tasks:
        training._keep(task, task.job.record(DATASET), "a worker")
    training._look(running=0)
    assert project.committed == {}


def test_an_audit_needs_portable_runs(main_project: Path) -> None:
    native = replace(TRAIN, numerics="native")
    project = Fake(main_project, [stage("A", 0), stage("B", 0, train=native)], "studies/a: ")
    with pytest.raises(InputError, match=r"^--audit: studies/a: B seed 0 cannot be audited: "):
        run(project, audit=1)
