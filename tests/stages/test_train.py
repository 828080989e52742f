"""stages/train.py as a user runs it: a run folder, or one line that says what is wrong."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.stages.project import Project

FILES = {
    "SHA256SUMS",
    "checkpoint.npz",
    "gradients.csv",
    "history.csv",
    "predictions.csv",
    "result.json",
}
TRAIN = ("stages/train.py", "--model", "S-Adam", "--seed", "0")


def result(project: Project, folder: str) -> Any:
    text = (project.folder / folder / "result.json").read_text(encoding="utf-8")

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_the_same_command_gives_the_same_bytes(project: Project) -> None:
    printed = project.train("E-Adam", 3, "--out", "first")
    assert printed.startswith("first: accuracy train ")
    first = project.files("first")
    assert set(first) == FILES
    project.train("E-Adam", 3, "--out", "second")
    assert project.files("second") == first
    project.train("E-Adam", 3, "--out", "first")
    assert project.files("first") == first
    project.train("E-Adam", 4, "--out", "first")
    assert project.files("first") != first


def test_the_default_folder_is_under_scratch(project: Project) -> None:
    before = project.files()
    printed = project.train("S-SGD", 7)
    assert printed.startswith(f"{Path('scratch', 'S-SGD-7')}: accuracy train ")
    made = project.files().keys() - before.keys()
    assert made == {"scratch", "scratch/S-SGD-7", *(f"scratch/S-SGD-7/{name}" for name in FILES)}
    assert result(project, "scratch/S-SGD-7")["last_finite_epoch"] == 2


def test_another_optimizer_has_another_default_folder(project: Project) -> None:
    printed = project.train("S-SGD", 7, "--optimizer", "rmsprop")
    folder = Path("scratch", "S-SGD-rmsprop-7")
    assert printed.startswith(f"{folder}: accuracy train ")
    assert set(project.files(str(folder))) == FILES


def test_the_record_says_what_the_options_changed(project: Project) -> None:
    project.edit_params("models/S-SGD/optimizer", {"name": "sgd", "lr": 0.5})
    project.train("S-SGD", 0, "--out", "a")
    project.python("stages/train.py", "--model", "S-SGD", "--seed", "0", "--optimizer", "momentum",
                   "--epochs", "1", "--out", "b")  # fmt: skip
    sgd = {"name": "sgd", "lr": 0.5, "weight_decay": 0.0}
    momentum = {"name": "momentum", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.0}
    assert (result(project, "a")["optimizer"], result(project, "a")["epochs"]) == (sgd, 2)
    assert (result(project, "b")["optimizer"], result(project, "b")["epochs"]) == (momentum, 1)


def test_what_it_prints_is_what_it_wrote(project: Project) -> None:
    printed = project.train("S-Adam", 0, "--out", "run")
    scores = result(project, "run")["scores"]
    accuracies = [f"{split} {scores[split]['accuracy']:.1%}" for split in ("train", "val", "test")]
    assert printed == f"run: accuracy {', '.join(accuracies)}\n"


def test_the_epochs_are_those_of_params_by_default(project: Project) -> None:
    project.edit_params("train/epochs", 3)
    project.python(*TRAIN)
    assert result(project, "scratch/S-Adam-0")["last_finite_epoch"] == 3


def test_another_optimizer_takes_its_defaults(project: Project) -> None:
    project.edit_params("models/S-RMS/optimizer", {"name": "rmsprop", "lr": 0.5, "rho": 0.1})
    project.train("S-RMS", 0, "--optimizer", "adam", "--out", "a")
    project.train("S-Adam", 0, "--out", "b")  # params.yaml gives it the defaults
    project.train("S-RMS", 0, "--out", "c")
    a, b, c = (project.files(folder) for folder in "abc")
    assert a["checkpoint.npz"] == b["checkpoint.npz"] != c["checkpoint.npz"]
    assert a["history.csv"] == b["history.csv"]
    assert result(project, "a")["model"] == "S-RMS"


def test_an_earlier_run_is_replaced_whole(project: Project) -> None:
    project.train("S-Adam", 0, "--out", "runs/S-Adam/0")
    first = project.files("runs")
    (project.folder / "runs/S-Adam/0/stale.txt").write_text("stale")
    (project.folder / "runs/S-Adam/0/history.csv").write_text("stale")
    project.train("S-Adam", 0, "--out", "runs/S-Adam/0")
    assert project.files("runs") == first


def test_the_place_may_be_told_by_model_and_seed(project: Project) -> None:
    printed = project.train("S-Adam", 1, "--out", "runs/{model}/{seed}")
    assert printed.startswith("runs/S-Adam/1: ")
    assert (project.folder / "runs/S-Adam/1/result.json").exists()


def test_resubstitution_is_recorded_as_such(project: Project) -> None:
    project.edit_params("split/protocol", "resubstitution")
    project.train("S-Adam", 0, "--out", "run")
    written = result(project, "run")
    assert written["protocol"] == "resubstitution"
    assert written["scores"]["val"] == written["scores"]["train"]


def _add_model(project: Project, optimizer: str, lr: float) -> None:
    network = {"name": "enhanced", "activate_logits": optimizer == "rmsprop"}
    model = {"architecture": network, "optimizer": {"name": optimizer, "lr": lr}}
    project.edit_params("models/wild", model)


@pytest.mark.parametrize(
    ("optimizer", "lr", "seed"),
    [
        ("sgd", 1e300, 0),  # the first step ends it
        ("sgd", 1e20, 6),  # a later step does
        ("rmsprop", 1e101, 1),  # after one step the loss is finite, but not on the test samples
    ],
)
def test_a_diverging_run_is_recorded_and_no_failure(
    optimizer: str, lr: float, seed: int, project: Project
) -> None:
    _add_model(project, optimizer, lr)
    command = ("stages/train.py", "--model", "wild", "--seed", str(seed))
    done = project.python(*command, "--epochs", "4", "--out", "run")
    assert "DIVERGED" in done.stdout
    assert "Warning" not in done.stderr
    assert set(project.files("run")) == FILES
    written = result(project, "run")
    assert written["diverged"] is True
    assert 0 <= written["last_finite_epoch"] < 4
    rows = (project.folder / "run/history.csv").read_text().splitlines()[1:]
    assert [int(row.split(",")[0]) for row in rows] == list(range(len(rows)))
    assert written["last_finite_epoch"] == len(rows) - 1
    assert np.isfinite([float(number) for row in rows for number in row.split(",")]).all()


BAD_ARGUMENTS = {
    "model": (
        ["--model", "S-Adamm"],
        "--model: unknown 'S-Adamm'; params.yaml has S-SGD, S-RMS, S-Adam, E-RMS, E-Adam",
    ),
    "optimizer": (
        ["--optimizer", "adamax"],
        "--optimizer: unknown 'adamax'; known: sgd, momentum, nag, adagrad, rmsprop, adam, adamw",
    ),
    "seed": (["--seed", "-1"], "--seed: expected a whole number of at least 0, got -1"),
    "epochs": (["--epochs", "0"], "--epochs: expected a whole number of at least 1, got 0"),
    "seconds": (
        ["--checkpoint-seconds", "-1"],
        "argument --checkpoint-seconds: expected a number of seconds, at least 0, got '-1'",
    ),
    "no number of seconds": (
        ["--checkpoint-seconds", "nan"],
        "argument --checkpoint-seconds: expected a number of seconds, at least 0, got 'nan'",
    ),
    "negative epochs": (["--epochs", "-5"], "--epochs: expected a whole number of at least 1"),
}


@pytest.fixture
def trained(project: Project) -> Project:
    """A project with a run where the failing commands would put theirs."""
    project.train()
    return project


@pytest.mark.parametrize(("args", "what"), BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS)
def test_bad_arguments_leave_the_earlier_run(args: list[str], what: str, trained: Project) -> None:
    assert trained.refusal(*TRAIN, "--out", "scratch/S-Adam-0", *args).startswith(what)


@pytest.mark.parametrize("out", ["params.yaml", "data", "src", "."])
def test_what_is_no_run_is_never_replaced(out: str, trained: Project) -> None:
    """It is refused before the training, not after."""
    what = f"{out}: is there already, and is no run's folder"
    assert trained.refusal(*TRAIN, "--out", out).startswith(what)


@pytest.mark.parametrize(
    ("out", "seed"),
    [
        ("runs/mine", "0"),
        ("runs", "0"),
        ("runs/S-Adam/1", "0"),
        ("runs/S-SGD/0", "0"),
        ("runs/S-Adam/0/deep", "0"),
        ("src/../runs/mine", "0"),
        ("runs/S-Adam/99", "99"),  # its seed is not in params.yaml
    ],
)
def test_a_run_that_would_be_deleted_later_is_refused(
    out: str, seed: str, project: Project
) -> None:
    message = project.refusal("stages/train.py", "--model", "S-Adam", "--seed", seed, "--out", out)
    assert message.startswith(f"--out: {Path(out)}: ")
    assert message.endswith(f"such as {Path('scratch', 'mine')}")


def test_a_place_below_a_file_leaves_everything(trained: Project) -> None:
    before = trained.files()
    result = trained.python(*TRAIN, "--epochs", "1", "--out", "params.yaml/run", check=False)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert "params.yaml" in result.stderr.splitlines()[-1]
    assert trained.files() == before


def test_an_argument_that_is_no_number_is_one_line(trained: Project) -> None:
    assert "--seed" in trained.refusal(*TRAIN[:-1], "--seed", "zero")


DATASET = Path("data", "dataset.npz")
BAD_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (Path.unlink, f"{DATASET}: not found; 'python stages/convert.py' makes it"),
    "empty": (lambda file: file.write_bytes(b""), f"{DATASET}: damaged; "),
    "cut off": (
        lambda file: file.write_bytes(file.read_bytes()[:-1000]),
        f"{DATASET}: damaged; 'python stages/convert.py' makes it anew",
    ),
    "flipped": (
        lambda file: file.write_bytes(file.read_bytes().replace(b"\0\0\xf0\x3f", b"\0\0\xe0\x3f")),
        f"{DATASET}: damaged; ",
    ),
}


@pytest.mark.parametrize(("spoil", "what"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_dataset_leaves_the_earlier_run(
    spoil: Callable[[Path], object], what: str, trained: Project
) -> None:
    spoil(trained.folder / DATASET)
    assert trained.refusal(*TRAIN).startswith(what)


def test_bad_parameters_leave_the_earlier_run(trained: Project) -> None:
    trained.edit_params("models/E-RMS/optimizer/name", "adam")
    message = trained.refusal(*TRAIN)  # of another model, and it is a mistake all the same
    assert message.startswith("params.yaml: models.E-RMS.optimizer.rho: unknown; 'adam' knows ")


def test_too_few_samples_leave_the_earlier_run(trained: Project) -> None:
    with np.load(trained.folder / DATASET) as file:
        arrays = dict(file)
    arrays["y"] = np.where(arrays["y"] == 2, 1, arrays["y"])
    arrays["y"][0] = 2
    np.savez(trained.folder / DATASET, allow_pickle=False, **arrays)
    assert "class 3" in trained.refusal(*TRAIN)


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGINT to send here")
def test_ctrl_c_is_one_line_and_leaves_everything(trained: Project) -> None:
    before = trained.files()
    process = subprocess.Popen(
        [sys.executable, *TRAIN, "--epochs", "6000"],
        cwd=trained.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "epoch 2000/6000" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert (stdout, stderr) == ("", "interrupted\n")
    assert process.returncode == -signal.SIGINT  # a shell calls it 130
    assert trained.files() == before


# ---------------------------------------------------------------- meanwhile


def after_a_third(project: Project, out: str, change: Callable[[], object]) -> tuple[int, str]:
    """Change something while a training is on its way; return its exit code and last line."""
    process = subprocess.Popen(
        [sys.executable, *TRAIN, "--epochs", "6000", "--out", out],
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "epoch 2000/6000" in process.stderr.readline()
    change()
    _, stderr = process.communicate(timeout=600)
    return process.returncode, stderr.splitlines()[-1]


def test_a_training_writes_no_run_that_params_no_longer_ask_for(project: Project) -> None:
    change = lambda: project.edit_params("models/S-Adam/optimizer/lr", 0.5)  # noqa: E731
    code, line = after_a_third(project, "runs/S-Adam/0", change)
    assert code == 1
    assert line.startswith(f"error: {Path('runs/S-Adam/0')}: not written, as params.yaml or the")
    assert not (project.folder / "runs").exists()


@pytest.mark.release
def test_what_changes_for_other_models_does_not_matter(project: Project) -> None:
    change = lambda: project.edit_params("models/E-Adam/optimizer/lr", 0.5)  # noqa: E731
    assert after_a_third(project, "runs/S-Adam/0", change)[0] == 0
    assert set(project.files("runs/S-Adam/0")) == FILES


@pytest.mark.release
def test_a_run_of_ones_own_is_written_whatever_params_ask_for_by_then(project: Project) -> None:
    change = lambda: project.edit_params("models/S-Adam/optimizer/lr", 0.5)  # noqa: E731
    assert after_a_third(project, "mine", change)[0] == 0
    assert set(project.files("mine")) == FILES


@pytest.mark.release
@pytest.mark.parametrize("out", ["runs/S-Adam/0", "mine"])
def test_a_training_writes_over_no_run_that_came_meanwhile(project: Project, out: str) -> None:
    code, line = after_a_third(project, out, lambda: project.train("S-Adam", 0, "--out", out))
    assert code == 1
    assert line.startswith(f"error: {Path(out)}: not written, as another training has put")
    assert result(project, out)["epochs"] == 2


# ---------------------------------------------------------------- progress


def test_without_a_terminal_the_progress_is_plain_lines(project: Project) -> None:
    lines = project.python(*TRAIN, "--epochs", "6").stderr.split("\n")
    assert lines.pop() == ""
    assert [line.split(",")[0] for line in lines] == [
        "S-Adam seed 0: epoch 2/6",
        "S-Adam seed 0: epoch 4/6",
        "S-Adam seed 0: epoch 6/6",
    ]
    assert all("train loss" in line and "\r" not in line for line in lines)


def test_on_a_terminal_the_progress_is_a_bar(project: Project) -> None:
    pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")
    termios = pytest.importorskip("termios")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    process = subprocess.Popen(
        [sys.executable, *TRAIN, "--epochs", "6"],
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # as Linux tells that the other end is closed
        while piece := os.read(ours, 1000):
            shown += piece
    os.close(ours)
    stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    text = shown.decode()
    assert "\rS-Adam seed 0:" in text
    assert "100%" in text
    assert "6/6" in text
    assert "epoch 6/6" not in text
    assert stdout.decode().count("\n") == 1
