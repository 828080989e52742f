"""Where a team may keep what DVC shares: a folder, a server that speaks S3, or one with sshd.

The servers are real ones, processes of their own on this machine; .ci/sharing installs them.
"""

import getpass
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.workflow.project import Project

HOST = "127.0.0.1"
SSHD = shutil.which("sshd", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"])) or "sshd"

# Without PAM and passwords: keys alone. Pytest's folders lie below one that everybody may write to,
# which StrictModes takes amiss.
SSHD_CONFIG = """\
ListenAddress {host}:{port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/member.pub
PidFile none
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
Subsystem sftp internal-sftp
"""


@dataclass(frozen=True)
class Remote:
    """Its address, and what each member of the team sets for themselves."""

    url: str
    settings: dict[str, str] = field(default_factory=dict)

    def set_up(self, project: Project) -> None:
        """Write a member's own settings of the remote `team`."""
        lines = [f"    {key} = {value}\n" for key, value in self.settings.items()]
        file = project.folder / ".dvc/config.local"
        file.write_text("".join(["['remote \"team\"']\n", *lines]))


@contextmanager
def folder(home: Path) -> Iterator[Remote]:
    """Give a folder that all can see."""
    yield Remote(str(home / "shared"))


@contextmanager
def s3(home: Path) -> Iterator[Remote]:
    """Start moto's server with a bucket."""
    require("dvc_s3", "moto")
    port = free_port()
    with running([sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)], port, home):
        address = f"http://{HOST}:{port}"
        bucket = urllib.request.Request(f"{address}/bucket", method="PUT")
        with urllib.request.urlopen(bucket):
            pass
        settings = {"endpointurl": address, "access_key_id": "me", "secret_access_key": "secret"}
        yield Remote("s3://bucket/cnn-from-scratch", settings)


@contextmanager
def ssh(home: Path) -> Iterator[Remote]:
    """Start an sshd that knows one key."""
    require("dvc_ssh")
    if not Path(SSHD).exists():
        pytest.skip("there is no sshd; .ci/sharing installs it")
    for key in ("host", "member"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / key)]
        subprocess.run(command, check=True)
    port, config = free_port(), home / "sshd_config"
    config.write_text(SSHD_CONFIG.format(host=HOST, port=port, folder=home))
    with running([SSHD, "-D", "-e", "-f", str(config)], port, home):
        url = f"ssh://{getpass.getuser()}@{HOST}:{port}{home}/shared"
        yield Remote(url, {"keyfile": str(home / "member")})


def require(*packages: str) -> None:
    """Skip the test if a package is not installed."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"there is no {package}; .ci/sharing installs it")


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(command: list[str], port: int, home: Path) -> Iterator[None]:
    """Run a server from when it answers at its port."""
    log = home / "server.log"
    with (
        log.open("w") as output,
        subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as process,
    ):
        try:
            until = time.monotonic() + 60
            while not answers(port):
                assert process.poll() is None and time.monotonic() < until, log.read_text()
                time.sleep(0.1)
            yield
        finally:
            process.terminate()


def answers(port: int) -> bool:
    """Whether somebody listens at a port."""
    try:
        socket.create_connection((HOST, port)).close()
    except ConnectionRefusedError:
        return False
    return True
