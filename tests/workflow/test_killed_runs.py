"""A training that is killed with -9, again and again, comes to the record of one that is not."""

import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from cnn_from_scratch.experiment.checkpoints import FOLDER
from tests.workflow.project import Project

KILLS = 50
MODELS: dict[str, Any] = {
    "Momentum": {
        "architecture": {"name": "enhanced", "dropout": 0.2, "batch_norm": True},
        "optimizer": {"name": "momentum", "lr": 0.01},
        "schedule": {"name": "cosine", "by": "step"},
    },
    "Adam": {
        "architecture": {"name": "simple", "activate_logits": False},
        "optimizer": {"name": "adam", "lr": 0.01},
    },
}


def shrink(params: Any) -> None:
    params["seeds"] = list(range(20))
    params["models"] = MODELS
    params["train"] |= {
        "epochs": 150,
        "batch_size": 16,
        "augment": {"shift": 1, "rotation": 10, "noise": 0.05},
        "best_checkpoint": True,
    }


def command(model: str, seed: int, out: str) -> list[str]:
    script = [sys.executable, "stages/train.py", "--model", model, "--seed", str(seed)]
    return [*script, "--out", out, "--checkpoint-seconds", "0"]


def record(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def has_begun(training: "subprocess.Popen[str]", folder: Path) -> bool:
    """Wait until the training has written a checkpoint; return False if it ends before."""
    started = time.time()
    while training.poll() is None:
        for file in folder.glob("[0-9a-f]*"):
            with suppress(FileNotFoundError):
                if file.stat().st_mtime >= started:
                    return True
        time.sleep(0.01)
    return False


@pytest.mark.release
def test_killed_at_random_moments_a_run_comes_to_the_same_bits(project: Project) -> None:
    project.edit_params(shrink)
    rng = random.Random(0)
    kills = resumed = seed = 0
    while kills < KILLS:
        model = list(MODELS)[seed % 2]
        project.run(*command(model, seed, f"scratch/whole-{seed}"))
        out = project.folder / f"scratch/killed-{seed}"
        while not out.exists():
            training = subprocess.Popen(
                command(model, seed, f"scratch/killed-{seed}"),
                cwd=project.folder,
                env=project.environment(),
                stderr=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                text=True,
            )
            if kills < KILLS and has_begun(training, project.folder / FOLDER):
                time.sleep(rng.uniform(0.0, 0.3))
                training.kill()
                kills += training.wait() != 0
            _, errors = training.communicate()
            assert training.returncode in (0, -signal.SIGKILL), errors
            resumed += "going on from epoch" in errors
            assert "damaged" not in errors
        assert record(out) == record(project.folder / f"scratch/whole-{seed}")
        assert not list((project.folder / FOLDER).glob("[0-9a-f]*"))
        seed += 1
    assert resumed > KILLS / 2
