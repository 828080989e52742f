"""Builds on a Dask cluster, whose workers share no file with the project and may be at fault."""

import re
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workflow.builds import Study, building, check_quiet, finish, kept
from tests.workflow.cluster import PACKAGE, Cluster, Server, cluster
from tests.workflow.project import Project

RUNS = 12

pytestmark = pytest.mark.release

# Scripts that a worker runs before it takes any task.
CHANGE = """
import os, time
from cnn_from_scratch.experiment import workers

workers.original = train = getattr(workers, "original", workers.train)  # Dask runs this twice
"""
# It says in a file whenever it begins a run, and ends one.
NOTE = f"""{CHANGE}
def note(word):
    with open("notes", "a") as file:
        print(word, file=file)

def noting(*args):
    note("begun")
    trained = train(*args)
    note("ended")
    return trained

workers.train = noting
"""
SLOW = f"""{NOTE}
def slow(*args):
    time.sleep(3.0)
    return noting(*args)

workers.train = slow
"""
FLIP = """
from cnn_from_scratch.experiment import jobs

jobs.original = train_run = getattr(jobs, "original", jobs.train_run)

def flipping(*args):
    run = train_run(*args)
    run.checkpoint["theta"].view("uint64")[7] ^= 1
    return run

jobs.train_run = flipping
"""
DEADLY = f"""{CHANGE}
def deadly(job, *args):
    if job.seed == 3:
        os._exit(1)
    return train(job, *args)

workers.train = deadly
"""
FATAL = f"""{CHANGE}
workers.prepare = lambda *shared: os._exit(1)
"""


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster without workers yet."""
    with cluster(tmp_path / "cluster") as made:
        yield made


def noted(word: str, *workers: Server) -> int:
    """Return how many runs the workers have begun, or ended."""
    files = [worker.folder / "notes" for worker in workers]
    return sum(file.read_text().split().count(word) for file in files if file.exists())


def wait_until_kept(project: Project, records: int) -> None:
    """Wait until so many records are kept."""
    until = time.monotonic() + 60.0
    while kept(project) < records:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_worker_that_comes_late_trains_it_all(
    untrained: Project, study: Study, made: Cluster
) -> None:
    worker = made.worker(untrained, NOTE)
    with building(untrained, "--scheduler", made.address) as build:
        time.sleep(12.0)
        worker.start()
        said, errors = build.communicate(timeout=60)
    assert build.returncode == 0, errors
    assert f"training: 0 of {RUNS} runs done, 0 restored, 0 running, 0 failed" in said
    assert noted("ended", worker) == RUNS


def test_a_slow_worker_leaves_the_runs_to_others(
    untrained: Project, study: Study, made: Cluster
) -> None:
    slow, fast = made.worker(untrained, SLOW), made.worker(untrained, NOTE)
    for worker in (slow, fast):
        worker.start()
        worker.wait_for("Registered to")
    finish(untrained, study, "--scheduler", made.address)
    assert 1 <= noted("ended", slow) < noted("ended", fast)


@pytest.mark.parametrize("late", [False, True])
def test_a_worker_with_other_code_refuses(untrained: Project, made: Cluster, late: bool) -> None:
    worker = made.worker(untrained)
    file = worker.folder / f"site/{PACKAGE}/nn/layers.py"
    file.write_text(file.read_text() + "\n# more\n")
    line = refusal(untrained, made, worker, late)
    assert line.startswith("error: a worker refuses: on ")
    assert line.endswith(f"other code than here: src/{PACKAGE}/nn/layers.py: another version\n")


@pytest.mark.parametrize("late", [False, True])
def test_a_worker_without_the_package_refuses(
    untrained: Project, made: Cluster, late: bool
) -> None:
    worker = made.worker(untrained)
    shutil.rmtree(worker.folder / "site")
    line = refusal(untrained, made, worker, late)
    assert line.endswith(f"refuses: No module named '{PACKAGE}'\n")


def refusal(project: Project, made: Cluster, worker: Server, late: bool) -> str:
    """Build on a worker that refuses, which is there before or comes late; return the one line."""
    if not late:
        worker.start()
        worker.wait_for("Registered to")
    with building(project, "--scheduler", made.address) as build:
        if late:
            made.scheduler.wait_for("Receive client connection")
            time.sleep(1.0)
            worker.start()
        _, errors = build.communicate(timeout=60)
    assert build.returncode == 1, errors
    assert errors.count("\n") == 1, errors
    check_quiet(project)
    return str(errors)


def test_the_audit_finds_a_flipped_bit(untrained: Project, study: Study, made: Cluster) -> None:
    false = made.worker(untrained, FLIP)
    false.start()
    with building(untrained, "--scheduler", made.address, "--audit", "2") as build:
        _, errors = build.communicate(timeout=60)
    assert build.returncode == 1, errors
    assert re.fullmatch(
        r"error: --audit: (S-SGD|E-Adam) seed \d, as trained by .*, process "
        rf"{false.pid}: checkpoint.npz, array theta: differs .*; nothing is committed\n",
        errors,
    )
    assert "train@" not in (untrained.folder / "dvc.lock").read_text()
    check_quiet(untrained)
    finish(untrained, study)


def test_a_run_whose_workers_die_is_named_and_the_others_are_finished(
    untrained: Project, study: Study, made: Cluster
) -> None:
    deadly = [made.worker(untrained, DEADLY) for _ in range(2)]
    with building(untrained, "--scheduler", made.address) as build:
        while build.poll() is None:
            for worker in deadly:
                if not worker.is_running():
                    worker.start()
            time.sleep(0.1)
        said, errors = build.communicate()
    assert build.returncode == 1, f"{said}{errors}"
    assert sorted(errors.splitlines()) == [
        "error: 2 of 12 runs failed",
        "error: E-Adam seed 3: its worker died, 4 times in a row",
        "error: S-SGD seed 3: its worker died, 4 times in a row",
    ], errors
    assert kept(untrained) == RUNS - 2
    finish(untrained, study)


def test_a_worker_that_dies_while_it_is_set_up_costs_nothing(
    untrained: Project, study: Study, made: Cluster
) -> None:
    for preload in (NOTE, NOTE, FATAL):
        worker = made.worker(untrained, preload)
        worker.start()
        worker.wait_for("Registered to")
    finish(untrained, study, "--scheduler", made.address)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_build_leaves_a_cluster_to_use(
    untrained: Project, study: Study, made: Cluster, number: signal.Signals
) -> None:
    worker = made.worker(untrained, NOTE)
    worker.start()
    with building(untrained, "--scheduler", made.address) as build:
        wait_until_kept(untrained, 2)
        build.send_signal(number)
        _, errors = build.communicate(timeout=20)
    assert build.returncode == 1, errors
    assert errors == "stopped; what is finished is kept\n"
    check_quiet(untrained)
    had, trained = kept(untrained), ended(worker)
    finish(untrained, study, "--scheduler", made.address)
    assert noted("ended", worker) - trained == RUNS - had


def test_a_killed_build_loses_no_finished_run(
    untrained: Project, study: Study, made: Cluster
) -> None:
    worker = made.worker(untrained, NOTE)
    worker.start()
    with building(untrained, "--scheduler", made.address) as build:
        wait_until_kept(untrained, 4)
        build.kill()
    had, trained = kept(untrained), ended(worker)
    assert had >= 4
    finish(untrained, study, "--scheduler", made.address)
    assert noted("ended", worker) - trained == RUNS - had


def ended(worker: Server) -> int:
    """Return how many runs a worker has ended, when it works on none."""
    until = time.monotonic() + 60.0
    while noted("ended", worker) < noted("begun", worker):
        assert time.monotonic() < until
        time.sleep(0.1)
    return noted("ended", worker)
