"""A Dask scheduler and workers, each a process of its own, that share no file with a project.

Every worker has a folder with its own copy of the package, and where root allows it a network
namespace, as if it were another host.
"""

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.workflow.project import Project

LIBRARIES = sysconfig.get_path("purelib")
PACKAGE = "cnn_from_scratch"
SETTINGS = {
    "DASK_CONFIG": os.devnull,  # none of the user's
    # A run waits at the scheduler, not at a worker whose death would count as the run's fault.
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION": "1.0",
}


@dataclass(frozen=True)
class Host:
    """Where processes run: what their commands begin with."""

    enter: tuple[str, ...] = ()


@dataclass
class Server:
    """A scheduler or worker: its folder, host and command; `start` may be called again.

    deaths: of how many workers a scheduler does not call one run guilty.
    """

    folder: Path
    host: Host
    command: tuple[str, ...]
    deaths: int = 3
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start the process, in its folder; it finds the folder's own package, and libraries."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.host.enter, sys.executable, "-S", "-m", *self.command],  # -S: no project
                cwd=self.folder,
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": os.pathsep.join([str(self.folder / "site"), LIBRARIES]),
                    **SETTINGS,
                    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(self.deaths),
                    "OPENBLAS_NUM_THREADS": "1",
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """Kill the process, if it runs."""
        if self.process:
            self.process.kill()
            self.process.wait()

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self.process
        return self.process.pid

    def is_running(self) -> bool:
        """Return whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def wait_for(self, text: str) -> None:
        """Wait until the process says this."""
        log = self.folder / "log"
        until = time.monotonic() + 60.0
        while text not in log.read_text():
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)


@dataclass
class Cluster:
    """A scheduler and its workers."""

    folder: Path
    hosts: list[Host]
    address: str
    scheduler: Server
    workers: list[Server] = field(default_factory=list)

    def restart(self) -> None:
        """Start everything anew."""
        for server in (self.scheduler, *self.workers):
            server.kill()
            server.start()

    def worker(self, project: Project, preload: str = "") -> Server:
        """Return a new worker, not started yet, that has the project's package.

        preload: a script that it runs before it takes any task.
        """
        number = len(self.workers)
        folder = self.folder / f"worker-{number}"
        shutil.copytree(project.folder / "src" / PACKAGE, folder / "site" / PACKAGE)
        (folder / "preload.py").write_text(preload)
        command = (
            *("distributed.cli.dask_worker", self.address, "--no-nanny", "--nthreads", "1"),
            *("--no-dashboard", "--memory-limit", "0", "--local-directory", "scratch"),
            *("--preload", "preload.py"),
        )
        self.workers.append(Server(folder, self.hosts[number % len(self.hosts)], command))
        return self.workers[-1]


@contextmanager
def cluster(folder: Path, deaths: int = 3) -> Iterator[Cluster]:
    """Give a cluster with a running scheduler; all of its processes are killed at the end.

    deaths: of how many workers no single run is called guilty; 3 is Dask's own.
    """
    with hosts(3) as (address, workers):
        place = folder / "scheduler"
        place.mkdir(parents=True)
        with socket.create_server((address, 0)) as free:
            port = free.getsockname()[1]
        command = (
            *("distributed.cli.dask_scheduler", "--host", address, "--port", str(port)),
            *("--dashboard-address", ":0"),
        )
        scheduler = Server(place, Host(), command, deaths)
        made = Cluster(folder, workers, f"tcp://{address}:{port}", scheduler)
        try:
            made.scheduler.start()
            made.scheduler.wait_for("Scheduler at:")
            yield made
        finally:
            for server in (*made.workers, made.scheduler):
                server.kill()


@contextmanager
def hosts(count: int) -> Iterator[tuple[str, list[Host]]]:
    """Give this host's address, and so many others: network namespaces, if that is allowed."""
    name = f"cnn{os.getpid()}"
    network = f"198.18.{os.getpid() % 256}"  # of the addresses that are there for tests
    if not _ip("link", "add", name, "type", "bridge"):
        yield "127.0.0.1", [Host()]
        return
    with ExitStack() as stack:
        stack.callback(_ip, "link", "delete", name)
        _ip("address", "add", f"{network}.1/24", "dev", name)
        _ip("link", "set", name, "up")
        others = [f"{name}-{number}" for number in range(count)]
        for number, other in enumerate(others):
            stack.callback(_ip, "netns", "delete", other)
            _ip("netns", "add", other)
            _ip("link", "add", other, "type", "veth", "peer", "name", "eth0", "netns", other)
            _ip("link", "set", other, "master", name, "up")
            _ip("-n", other, "address", "add", f"{network}.{number + 2}/24", "dev", "eth0")
            _ip("-n", other, "link", "set", "eth0", "up")
            _ip("-n", other, "link", "set", "lo", "up")
        yield f"{network}.1", [Host(("ip", "netns", "exec", other)) for other in others]


def _ip(*arguments: str) -> bool:
    """Run Linux's `ip`; return whether it is there and allowed to."""
    try:
        return subprocess.run(["ip", *arguments], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
