"""DVC alone is killed: the training that it had started ends, and the next build is right."""

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest
import yaml

from tests.workflow.project import Project

PATIENCE = 120  # seconds that something may take on a busy machine

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc, for any shell")


def set_epochs(epochs: int) -> Callable[[Any], None]:
    def change(params: Any) -> None:
        params["train"]["epochs"] = epochs

    return change


def wait_until(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return value


def trainings(process: psutil.Process, script: str) -> list[psutil.Process]:
    """Return what runs the script below a process, shells excepted."""
    return [
        child
        for child in process.children(recursive=True)
        if any(part.endswith(script) for part in child.cmdline()) and "python" in child.name()
    ]


def kill_dvc_while_it_trains(project: Project, stage: str, folder: str, script: str) -> None:
    """Start a build, kill DVC alone once the stage's script is at work; wait for that to end."""
    with (
        (project.folder.parent / "output").open("w+") as output,
        subprocess.Popen(
            [sys.executable, "-m", "dvc", "repro", stage],
            cwd=project.folder / folder,
            env=project.environment() | {"SHELL": "/bin/sh"},
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            found = wait_until(lambda: trainings(psutil.Process(process.pid), script))
            wait_until(lambda: "numpy" in " ".join(m.path for m in found[0].memory_maps()))
            time.sleep(2.0)  # so that it is more than loaded; what it does then is the same
            found = trainings(psutil.Process(process.pid), script)
        finally:
            process.kill()
        process.wait()
        _, alive = psutil.wait_procs(found, PATIENCE)
        assert not alive
        output.seek(0)
        assert "error: DVC, which started this training, is gone: nothing is written" in (
            output.read().splitlines()
        )


def test_an_orphaned_training_ends_and_writes_nothing(project: Project) -> None:
    before = project.git("status", "--porcelain")
    project.edit_params(set_epochs(10**6))
    kill_dvc_while_it_trains(project, "train@S-SGD-0", ".", "stages/train.py")
    assert not (project.folder / "runs/S-SGD/0").exists()
    project.edit_params(set_epochs(5))
    assert project.repro() <= {"aggregate", "plot"}
    assert project.git("status", "--porcelain") == before


def test_the_orphaned_training_of_a_study_ends_with_its_workers(project: Project) -> None:
    study = project.folder / "studies/logits"
    params = study / "params.yaml"
    text = params.read_text()
    assert text.count("epochs: ") == 1
    params.write_text(text.replace("epochs: ", "epochs: 1000"))
    model = next(iter(yaml.safe_load(text)["models"]))
    kill_dvc_while_it_trains(project, f"train@{model}", "studies/logits", "train_seeds.py")
    assert list((study / "runs").iterdir()) == []
