"""Jobs of SLURM, set up as docs/cluster.md shows it."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.workflow.builds import forget
from tests.workflow.project import ROOT, Project

# dask-jobqueue is imported by processes of their own: it reads its configuration at import.
JOB_SCRIPT = """
from dask_jobqueue import SLURMCluster

with SLURMCluster() as cluster:
    print(cluster.job_script())
"""
TWO_JOBS = """
import os
import subprocess
import time

from dask_jobqueue import SLURMCluster
from distributed import Client

def job(seconds):
    time.sleep(seconds)
    return os.environ["SLURM_JOB_ID"]

with SLURMCluster() as cluster:
    cluster.adapt(minimum_jobs=2, maximum_jobs=2)
    with Client(cluster) as client:
        client.wait_for_workers(2)
        executor = client.get_executor(pure=False)
"""
COMPUTE = """
        print(*executor.map(job, [0.5] * 4))
"""
DIE = """
        print(*executor.map(job, [0.5] * 4))
        executor.submit(job, 3)
        time.sleep(1)
        os.kill(os.getpid(), 9)
"""
CANCEL = """
        lost, kept = sorted({*executor.map(job, [0.5] * 4)})
        futures = [executor.submit(job, 5) for _ in range(2)]
        time.sleep(1)
        subprocess.run(["scancel", lost], check=True)
        print(lost, kept)
        print(*(future.result() for future in futures))
        client.wait_for_workers(2)
        print(*executor.map(job, [0.5] * 4))
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return an environment with the page's configuration of Dask, and no other."""
    page = (ROOT / "docs/cluster.md").read_text(encoding="utf-8")
    (configuration,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    file = tmp_path / "jobqueue.yaml"
    file.write_text(configuration, encoding="utf-8")
    others = {name: value for name, value in os.environ.items() if not name.startswith("DASK_")}
    return {**others, "DASK_CONFIG": str(file)}


@pytest.fixture
def slurm(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Return an environment whose jobs go to the SLURM of .ci/slurm, under a name of their own."""
    settings = ROOT / ".slurm/slurm.conf"
    if not settings.exists():
        pytest.skip("there is no SLURM here: .ci/slurm starts it")
    return {
        **environment,
        "SLURM_CONF": str(settings),
        "DASK_JOBQUEUE__SLURM__NAME": f"{tmp_path.parent.name}-{tmp_path.name}",
        "DASK_DISTRIBUTED__DEPLOY__LOST_WORKER_TIMEOUT": "1s",
    }


def run(program: str, environment: dict[str, str], folder: Path) -> str:
    """Run a program of Python in a folder, and return what it prints."""
    command = (sys.executable, "-W", "error", "-c", program)
    return subprocess.check_output(command, env=environment, cwd=folder, text=True, timeout=120)


def left_of(environment: dict[str, str]) -> list[str]:
    """Return the jobs in the queue that have the environment's name, and their processes."""
    name = environment["DASK_JOBQUEUE__SLURM__NAME"]
    queue = ("squeue", "--noheader", "--format", "job %i", "--name", name)
    jobs = subprocess.run(queue, env=environment, capture_output=True, text=True, check=True)
    found = jobs.stdout.splitlines()
    for process in psutil.process_iter():
        try:
            if process.environ().get("SLURM_JOB_NAME") == name:
                found.append(f"process {process.pid}")
        except psutil.Error:  # it is gone, or a stranger's
            continue
    return found


def wait_until_nothing_is_left(environment: dict[str, str]) -> None:
    end = time.monotonic() + 30
    while left := left_of(environment):
        assert time.monotonic() < end, left
        time.sleep(0.2)


def test_the_job_script(environment: dict[str, str], tmp_path: Path) -> None:
    environment["DASK_JOBQUEUE__SLURM__QUEUE"] = "short"
    environment["DASK_JOBQUEUE__SLURM__ACCOUNT"] = "students"
    environment["DASK_JOBQUEUE__SLURM__JOB_SCRIPT_PROLOGUE"] = "['module load gcc']"
    script = re.sub(r"tcp://\S+", "ADDRESS", run(JOB_SCRIPT, environment, tmp_path))
    assert script.split("\n") == [
        "#!/usr/bin/env bash",
        "",
        "#SBATCH -J dask-worker",
        "#SBATCH -e scratch/slurm/dask-worker-%J.err",
        "#SBATCH -o scratch/slurm/dask-worker-%J.out",
        "#SBATCH -p short",
        "#SBATCH -A students",
        "#SBATCH -n 1",
        "#SBATCH --cpus-per-task=1",
        "#SBATCH --mem=954M",
        "#SBATCH -t 01:00:00",
        "module load gcc",
        f"{sys.executable} -m distributed.cli.dask_worker ADDRESS --name dummy-name --nthreads 1"
        " --memory-limit 0.93GiB --nanny --death-timeout 60",
        "",
        "",
    ]


@pytest.mark.release
def test_two_jobs_compute_and_leave_nothing(slurm: dict[str, str], tmp_path: Path) -> None:
    jobs = run(TWO_JOBS + COMPUTE, slurm, tmp_path).split()
    assert len(jobs) == 4
    assert len({*jobs}) == 2
    wait_until_nothing_is_left(slurm)
    # Their logs are where the page says.
    assert {path.name for path in tmp_path.iterdir()} == {"jobqueue.yaml", "scratch"}


@pytest.mark.release
def test_a_cancelled_job_is_made_up_for(slurm: dict[str, str], tmp_path: Path) -> None:
    """Its task is done in the other job, and a third job comes in its place."""
    output = run(TWO_JOBS + CANCEL, slurm, tmp_path).splitlines()
    (lost, kept), afterwards, later = (line.split() for line in output)
    assert len(afterwards) == 2
    assert kept in afterwards
    assert lost not in afterwards
    assert lost not in later
    assert len({*later}) == 2
    wait_until_nothing_is_left(slurm)


@pytest.mark.release
def test_a_killed_program_leaves_nothing(slurm: dict[str, str], tmp_path: Path) -> None:
    """Its jobs end by themselves, once their tasks have ended."""
    with pytest.raises(subprocess.CalledProcessError, match="SIGKILL"):
        run(TWO_JOBS + DIE, slurm, tmp_path)
    wait_until_nothing_is_left(slurm)


@pytest.mark.release
def test_a_build_trains_in_jobs(slurm: dict[str, str], project: Project) -> None:
    forget(project)
    build = [sys.executable, "tools/build.py", "--queue", "SLURM", "--jobs", "2"]
    done = subprocess.run(
        build,
        cwd=project.folder,
        env=slurm | project.environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "training: 4 of 4 runs done, 0 restored" in done.stdout
    assert project.git("status", "--porcelain", "--", ":!scratch") == ""
    wait_until_nothing_is_left(slurm)
