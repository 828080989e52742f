"""Kills (kill -9) at random moments: nothing is lost, nothing is left, and the bytes are the same.

There are fifty-two of them: of workers, of schedulers and of the builds themselves.
"""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random, SystemRandom

import psutil
import pytest

from tests.workflow.builds import (
    Study,
    building,
    check_committed,
    check_no_process,
    check_quiet,
    finish,
    forget,
    kept,
)
from tests.workflow.cluster import Cluster, cluster
from tests.workflow.project import Project

pytestmark = pytest.mark.release

NOTICED = 20.0  # seconds within which a build notices that its scheduler is gone


@pytest.fixture
def moments() -> Random:
    """A new random generator, whose seed is shown if the test fails."""
    seed = SystemRandom().getrandbits(32)
    print(f"random moments: seed {seed}")
    return Random(seed)


@pytest.fixture
def three(untrained: Project, tmp_path: Path) -> Iterator[Cluster]:
    """A cluster of three workers."""
    with cluster(tmp_path / "cluster", deaths=100) as made:
        for _ in range(3):
            made.worker(untrained).start()
        yield made


def test_processes(untrained: Project, study: Study, moments: Random) -> None:
    def kill_one(build: psutil.Process) -> bool:
        children = [child for child in build.children() if child.status() != psutil.STATUS_ZOMBIE]
        training = [child for child in children if "--multiprocessing-fork" in child.cmdline()]
        if training:
            moments.choice(training).kill()
        return bool(training)

    kill_workers(untrained, study, moments, 8, kill_one)


def test_workers_of_a_cluster(
    untrained: Project, study: Study, moments: Random, three: Cluster
) -> None:
    def kill_one(_: psutil.Process) -> bool:
        worker = moments.choice(three.workers)
        worker.kill()
        worker.start()
        return True

    kill_workers(untrained, study, moments, 22, kill_one, "--scheduler", three.address)


def kill_workers(
    project: Project,
    study: Study,
    moments: Random,
    kills: int,
    kill_one: Callable[[psutil.Process], bool],
    *args: str,
) -> None:
    """Kill so many workers, each up to a second after another run is finished."""
    while kills:
        with building(project, *args) as build:
            finished = 0
            while build.poll() is None:
                if kills and kept(project) > finished:
                    finished = kept(project)
                    time.sleep(moments.uniform(0.0, 1.0))
                    with suppress(psutil.NoSuchProcess):  # something ends just now
                        kills -= kill_one(psutil.Process(build.pid))
                time.sleep(0.05)
            assert build.returncode == 0, build.communicate()
        check_committed(project, study)
        forget(project)


def test_builds(untrained: Project, study: Study, moments: Random) -> None:
    kill_builds(untrained, study, moments, 10)


def test_builds_on_a_cluster(
    untrained: Project, study: Study, moments: Random, three: Cluster
) -> None:
    kill_builds(untrained, study, moments, 7, "--scheduler", three.address)
    assert all(worker.is_running() for worker in three.workers)


def kill_builds(project: Project, study: Study, moments: Random, kills: int, *args: str) -> None:
    """Kill so many builds, each at any moment between its start and its end."""
    while kills:
        with building(project, *args) as build:
            if ends_within(build, moments.uniform(0.0, study.seconds)):
                assert build.returncode == 0, build.communicate()
                check_committed(project, study)
                forget(project)
            else:
                build.kill()
                build.wait()
                check_no_process(project)
                kills -= 1
    finish(project, study, *args)


def test_schedulers(untrained: Project, study: Study, moments: Random, three: Cluster) -> None:
    kills = 5
    while kills:
        with building(untrained, "--scheduler", three.address) as build:
            if not ends_within(build, moments.uniform(0.0, study.seconds)):
                three.scheduler.kill()
                kills -= 1
            _, errors = build.communicate(timeout=NOTICED)
        if build.returncode == 0:  # it had no more use for the scheduler
            check_committed(untrained, study)
            forget(untrained)
        else:
            assert errors.count("\n") == 1, errors
            assert errors.startswith("error: --scheduler: ")
            assert three.address in errors
            check_quiet(untrained)
        if not three.scheduler.is_running():
            three.restart()
    finish(untrained, study, "--scheduler", three.address)


def ends_within(build: "subprocess.Popen[str]", seconds: float) -> bool:
    """Wait so long for a build; return whether it is at its end."""
    try:
        build.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True
