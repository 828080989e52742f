"""The build engine with the real DVC: what `dvc repro` would leave, whatever happens meanwhile."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.workflow.builds import processes
from tests.workflow.project import Project
from tests.workflow.test_repro import train

BUILD = (sys.executable, "tools/build.py")
PATIENCE = 120  # seconds that something may take on a busy machine
NOTHING = "Nothing to do: everything is up to date. The results are in metrics/results.md."


def build(project: Project, *args: str) -> str:
    """Build, and return what is printed."""
    return project.run(*BUILD, *args).stdout


def failing_build(project: Project, *args: str) -> list[str]:
    """Build in vain, and return the lines of standard error."""
    failed = project.run(*BUILD, *args, check=False)
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert "Traceback" not in failed.stderr
    return failed.stderr.splitlines()


def trained(output: str) -> int:
    """Return how many runs a build says that it has trained."""
    lines = [line for line in output.splitlines() if line.startswith("training: ")]
    return int(lines[-1].split()[1]) if lines else 0


def forget(project: Project) -> None:
    """Delete all that is built, and DVC's cache."""
    (project.folder / "dvc.lock").unlink()
    for name in ("runs", ".dvc/cache"):
        shutil.rmtree(project.folder / name)
    for file in (project.folder / "data").glob("dataset.*"):
        file.unlink()


def lock(project: Project) -> bytes:
    """Return dvc.lock."""
    return (project.folder / "dvc.lock").read_bytes()


def set_epochs(epochs: int) -> Callable[[Any], None]:
    """Return the change of params.yaml."""

    def change(params: Any) -> None:
        params["train"]["epochs"] = epochs

    return change


def set_seeds(*seeds: int) -> Callable[[Any], None]:
    """Return the change of params.yaml."""

    def change(params: Any) -> None:
        params["seeds"] = list(seeds)

    return change


def spoil_a_model(params: Any) -> None:
    """Give a model a network that gives 36 numbers for an image, where there are 3 classes."""
    architecture = {"name": "stack", "stack": [{"name": "flatten"}]}
    params["models"]["S-SGD"]["architecture"] = architecture


# ---------------------------------------------------------------- what dvc repro would leave


def test_a_cold_build_leaves_what_dvc_repro_does(project: Project) -> None:
    serial = lock(project)
    forget(project)
    shown = build(project)
    assert trained(shown) == 4
    assert shown.endswith((project.folder / "metrics/results.md").read_text())
    assert lock(project) == serial
    assert project.git("status", "--porcelain") == ""
    before = files(project)
    assert build(project).splitlines()[-1] == NOTHING
    assert files(project) == before


def files(project: Project) -> dict[Path, int]:
    """Return when each file was written, but for DVC's own notes and bytecode."""
    folders = ("data", "metrics", "plot_data", "plots", "runs", "src", ".dvc/cache")
    found = [path for name in folders for path in (project.folder / name).rglob("*")]
    kept = [path for path in found if "__pycache__" not in path.parts]
    return {path: path.stat().st_mtime_ns for path in [project.folder / "dvc.lock", *kept]}


@pytest.mark.release
def test_compiled_loops_leave_the_same_bytes(project: Project) -> None:
    forget(project)
    build(project, "--compiled")
    assert project.git("status", "--porcelain") == ""


@pytest.mark.release
def test_dvc_has_nothing_to_add_and_the_cache_is_whole(project: Project) -> None:
    forget(project)
    build(project, "--jobs", "1")
    assert project.dvc("status").stdout.strip() == "Data and pipelines are up to date."
    assert project.repro() == set()
    shutil.rmtree(project.folder / "runs")
    (project.folder / "dvc.lock").unlink()
    assert project.repro() <= {"aggregate", "plot"}  # the runs are all in the run cache
    assert project.git("status", "--porcelain") == ""


@pytest.mark.release
def test_engine_and_dvc_take_turns(project: Project, tmp_path: Path) -> None:
    whole = project.copy(tmp_path / "whole")
    whole.edit_params(set_seeds(0, 1, 2, 3))
    forget(whole)
    whole.repro()
    other = project.copy(tmp_path / "other")

    project.edit_params(set_seeds(0, 1, 2))
    assert train("S-SGD", 2) | train("E-Adam", 2) <= project.repro()
    project.edit_params(set_seeds(0, 1, 2, 3))
    assert trained(build(project)) == 2
    assert lock(project) == lock(whole)

    other.edit_params(set_seeds(0, 1, 2))
    assert trained(build(other)) == 2
    other.edit_params(set_seeds(0, 1, 2, 3))
    assert other.repro() == train("S-SGD", 3) | train("E-Adam", 3) | {"check", "aggregate", "plot"}
    assert build(other).splitlines()[-1] == NOTHING  # but that DVC puts new stages at the end
    assert lock(other) == lock(whole)
    assert other.git("diff", "--no-index", "--", "metrics", str(whole.folder / "metrics")) == ""


@pytest.mark.release
def test_only_what_changed_is_trained(project: Project) -> None:
    before = lock(project)

    def change(params: Any) -> None:
        params["models"]["S-SGD"]["optimizer"]["lr"] = 0.5

    original = (project.folder / "params.yaml").read_bytes()
    project.edit_params(change)
    assert trained(build(project)) == 2
    assert project.repro() == set()
    (project.folder / "params.yaml").write_bytes(original)
    shown = build(project)
    assert "training: 0 of 0 runs done, 2 restored" in shown
    assert lock(project) == before
    assert project.git("status", "--porcelain") == ""


@pytest.mark.release
def test_an_edit_of_the_code_trains_all(project: Project) -> None:
    project.append("src/cnn_from_scratch/nn/__init__.py", "\n# more\n")
    assert trained(build(project)) == 4
    assert project.repro() == set()


@pytest.mark.release
def test_what_the_run_cache_has_is_restored(project: Project) -> None:
    before = lock(project)
    (project.folder / "dvc.lock").unlink()
    for run in ("S-SGD/0", "S-SGD/1", "E-Adam/0"):
        shutil.rmtree(project.folder / "runs" / run)
    shown = build(project)
    assert "training: 0 of 0 runs done, 4 restored, 0 running, 0 failed" in shown
    assert lock(project) == before
    assert project.git("status", "--porcelain") == ""


@pytest.mark.release
def test_a_stage_whose_output_is_elsewhere_is_one_line(project: Project) -> None:
    file = project.folder / "dvc.yaml"
    text = file.read_text()
    assert text.count("- runs/${item.model}/${item.seed}\n") == 1
    file.write_text(text.replace("- runs/${item.model}/", "- elsewhere/${item.model}/"))
    [line] = failing_build(project)
    assert line.startswith("error: dvc.yaml: train@")
    assert line.endswith(": expected an output that holds its runs")


@pytest.mark.release
def test_a_stage_of_another_command_is_left_to_dvc(project: Project) -> None:
    file = project.folder / "dvc.yaml"
    stage = """
  own:
    cmd: mkdir -p own && cp runs/S-SGD/0/result.json own/copy.json
    deps:
      - runs/S-SGD/0
    outs:
      - own/copy.json

  train: # one line"""
    text = file.read_text()
    assert text.count("\n  train: # one line") == 1
    file.write_text(text.replace("\n  train: # one line", stage))
    (project.folder / "runs/S-SGD/0/result.json").unlink()
    shown = build(project)
    assert "Running stage 'own'" in shown
    copied = (project.folder / "own/copy.json").read_bytes()
    assert copied == (project.folder / "runs/S-SGD/0/result.json").read_bytes()
    assert project.repro() == set()


@pytest.mark.release
def test_studies_are_built_together_with_the_stages_that_dvc_would_make(
    project: Project, tmp_path: Path
) -> None:
    """Each stage stands for a model's runs; those of all studies go to the processes together."""
    other = project.copy(tmp_path / "other")
    names = ("studies/logits", "studies/regularisation")
    for one in (project, other):
        for name in names:
            Project(one.folder / name).edit_params(shrink_study)
            (one.folder / name / "dvc.lock").unlink()  # with models and seeds that are gone
    for name in names:
        Project(other.folder / name).repro()
    shown = build(project, *names)
    assert shown.splitlines()[-1] == "Everything is up to date."
    assert trained(shown) == 8
    for name in names:
        study, same = (Project(one.folder / name) for one in (project, other))
        assert lock(study) == lock(same)
        for built in ("metrics", "runs", "plots"):
            assert study.git("diff", "--no-index", "--", built, str(same.folder / built)) == ""
    last = build(project, *names).splitlines()[-1]
    assert last == "Nothing to do: everything is up to date."
    assert project.git("status", "--porcelain", ".").count("studies/") > 0
    assert lock(project) == lock(other)


def shrink_study(params: Any) -> None:
    """Make a study small."""
    params["seeds"] = [0, 1]
    params["models"] = dict(list(params["models"].items())[:2])
    params["train"]["epochs"] = 2
    if "contrasts" in params:
        first, second = params["models"]
        params["contrasts"] = {"both": {first: 1, second: -1}}


# ---------------------------------------------------------------- what is refused, what fails


@pytest.mark.release
def test_a_run_that_fails_is_named_and_the_others_are_committed(project: Project) -> None:
    project.edit_params(spoil_a_model)
    project.edit_params(set_epochs(4))
    lines = failing_build(project)
    for seed in (0, 1):
        [line] = [line for line in lines if line.startswith(f"error: S-SGD seed {seed}: ")]
        assert "not into 3 logits" in line
    assert lines[-1] == "error: 2 of 4 runs failed"
    status = json.loads(project.dvc("status", "--json").stdout)
    assert {name for name in status if name.startswith("train@")} == train("S-SGD", 0, 1)
    assert processes(project) == []


def test_what_is_ones_own_stops_the_build(project: Project) -> None:
    own = project.folder / "runs/S-SGD/0/notes.md"
    own.write_text("mine")
    [line] = failing_build(project)
    assert line.startswith(f"error: {Path('runs/S-SGD/0/notes.md')}: DVC deletes this")
    assert own.exists()


def test_a_studys_error_names_the_study(project: Project) -> None:
    study = Project(project.folder / "studies/logits")
    study.append("params.yaml", "models: {\n")
    [line] = failing_build(project, "studies/logits")
    assert line.startswith("error: studies/logits: params.yaml: line ")
    [line] = failing_build(project, "studies")
    folder = project.folder / "studies"
    assert line == f"error: {folder}: expected a project's folder, with a dvc.yaml"


# ---------------------------------------------------------------- what changes meanwhile


# An executor whose workers train when a file is there, and say in another that they wait.
WAITING = """
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

def threads(initializer, initargs):
    return Waiting(1, initializer=initializer, initargs=initargs)

class Waiting(ThreadPoolExecutor):
    def submit(self, function, /, *args, **kwargs):
        def call():
            Path("waiting").touch()
            while not Path("go").exists():
                time.sleep(0.05)
            return function(*args, **kwargs)
        return super().submit(call)
"""


@contextmanager
def started(project: Project, *args: str) -> Iterator[subprocess.Popen[str]]:
    """Start a build in a session of its own; afterwards nothing of it is left."""
    with subprocess.Popen(
        [*BUILD, *args],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that a signal reaches the parent alone
    ) as process:
        try:
            yield process
        finally:
            process.kill()
            for left in processes(project):
                left.kill()


@contextmanager
def waiting_build(project: Project, *args: str) -> Iterator[subprocess.Popen[str]]:
    """Start a build whose trainings wait until `go` is there."""
    (project.folder / "waiting_executor.py").write_text(WAITING)
    with started(project, "--executor", "waiting_executor:threads", *args) as process:
        wait_until(lambda: (project.folder / "waiting").exists() or process.poll() is not None)
        assert process.poll() is None, process.communicate()
        yield process


def wait_until(condition: Callable[[], Any]) -> None:
    """Wait, within reason."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def rwlock(project: Project) -> Any:
    """Return what DVC has noted: who reads and writes which files."""
    notes = json.loads((project.folder / ".dvc/tmp/rwlock").read_text())
    return {mode: files for mode, files in notes.items() if files}


@pytest.mark.release
@pytest.mark.parametrize("what", ["params.yaml", "stages/train.py", "code"])
def test_what_changes_during_the_training_is_not_committed_but_trained_again(
    project: Project, what: str
) -> None:
    project.edit_params(set_epochs(4))
    with waiting_build(project) as process:
        if what == "params.yaml":
            project.edit_params(set_epochs(3))
        elif what == "code":
            project.append("src/cnn_from_scratch/nn/__init__.py", "\n# more\n")
        else:
            project.append("stages/train.py", "\n# more\n")
        (project.folder / "go").touch()
        out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    said = "the code" if what == "code" else "what train@S-SGD-0 depends on"
    assert f"{said} has changed since this build began: building again" in out.splitlines()
    assert trained(out) == 4
    epochs = 3 if what == "params.yaml" else 4
    for run in ("S-SGD/0", "E-Adam/1"):
        result = json.loads((project.folder / "runs" / run / "result.json").read_text())
        assert result["epochs"] == epochs
    assert project.repro() == set()


@pytest.mark.release
def test_of_two_builds_at_once_one_says_who_is_at_work(project: Project) -> None:
    project.edit_params(set_epochs(4))
    with waiting_build(project) as first:
        [line] = failing_build(project)
        assert line.startswith("error: cannot build: '")
        assert "is busy, it is being blocked by:" in line
        assert f"(PID {first.pid}): tools/build.py" in line
        (project.folder / "go").touch()
        out, errors = first.communicate(timeout=PATIENCE)
    assert (first.returncode, trained(out)) == (0, 4), errors
    assert project.repro() == set()


@pytest.mark.release
def test_an_experiment_during_a_build_changes_nothing_of_it(project: Project) -> None:
    project.edit_params(set_epochs(4))
    project.commit("Four epochs")
    with waiting_build(project) as process:
        failed = project.dvc("exp", "run", check=False)
        assert failed.returncode != 0
        assert f"(PID {process.pid}): tools/build.py" in failed.stderr
        (project.folder / "go").touch()
        out, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, trained(out)) == (0, 4), errors
    assert project.repro() == set()


# ---------------------------------------------------------------- an audit


# An executor whose workers give a record whose checkpoint has one flipped bit, and fitting sums.
CHEATING = """
import hashlib
from concurrent.futures import ThreadPoolExecutor

def threads(initializer, initargs):
    return Cheating(1, initializer=initializer, initargs=initargs)

class Cheating(ThreadPoolExecutor):
    def submit(self, function, /, job, *args):
        return super().submit(cheat if job.model.name == "E-Adam" else call, function, job, *args)

def call(function, *args):
    return function(*args)

def cheat(function, *args):
    files, worker = function(*args)
    content = bytearray(files["checkpoint.npz"])
    content[200] ^= 1
    before = hashlib.sha256(files["checkpoint.npz"]).hexdigest()
    after = hashlib.sha256(content).hexdigest()
    sums = files["SHA256SUMS"].replace(before.encode(), after.encode())
    return files | {"checkpoint.npz": bytes(content), "SHA256SUMS": sums}, worker
"""


@pytest.mark.release
def test_an_audit_finds_a_flipped_bit_and_nothing_is_committed(project: Project) -> None:
    (project.folder / "cheating.py").write_text(CHEATING)
    forget(project)
    lines = failing_build(project, "--executor", "cheating:threads", "--audit", "4")
    [line] = lines
    assert line.startswith("error: --audit: E-Adam seed ")
    assert ", as trained by " in line
    assert "checkpoint.npz, array theta: differs from what this machine trains" in line
    assert b"train@" not in lock(project)
    assert not list((project.folder / "runs").rglob("*.npz"))
    assert not list((project.folder / ".dvc/tmp").glob("records/*"))
    assert trained(build(project)) == 4
    assert project.git("status", "--porcelain", "dvc.lock", "metrics") == ""


@pytest.mark.release
def test_an_audit_of_honest_runs_passes(project: Project) -> None:
    """Those of another backend are honest, too: its bits are the same."""
    forget(project)
    shown = build(project, "--compiled", "--audit", "3", "--jobs", "2")
    assert "audit: 3 of 4 runs trained again, all the same" in shown.splitlines()
    assert project.git("status", "--porcelain") == ""


@pytest.mark.release
def test_native_runs_cannot_be_audited(project: Project) -> None:
    project.edit_params(lambda params: params["train"].update(numerics="native"))
    [line] = failing_build(project, "--audit", "1")
    assert line == (
        "error: --audit: S-SGD seed 0 cannot be audited: with train.numerics native each machine"
        " has bits of its own; expected portable"
    )


# ---------------------------------------------------------------- an end by force


def is_training(process: psutil.Process) -> bool:
    """Whether it is a worker that has done more than start."""
    try:
        return "spawn_main" in " ".join(process.cmdline()) and process.cpu_times().user > 0.8
    except psutil.Error:
        return False


def wait_for_workers(project: Project, build: subprocess.Popen[str]) -> list[psutil.Process]:
    """Wait until two processes train, and return them."""
    found: list[psutil.Process] = []

    def are_there() -> bool:
        assert build.poll() is None
        found[:] = [child for child in psutil.Process(build.pid).children() if is_training(child)]
        return len(found) == 2

    wait_until(are_there)
    return found


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, marks=pytest.mark.release),
        signal.SIGTERM,
        pytest.param(signal.SIGHUP, marks=pytest.mark.release),
    ],
)
def test_a_signal_ends_all_processes_and_the_next_build_goes_on(
    project: Project, number: signal.Signals
) -> None:
    before = (project.folder / "params.yaml").read_bytes()
    project.edit_params(set_epochs(10**6))
    with started(project, "--jobs", "2") as process:
        workers = wait_for_workers(project, process)
        process.send_signal(number)
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 1
        assert errors.splitlines()[-1] == "stopped; what is finished is kept"
        assert psutil.wait_procs(workers, PATIENCE)[1] == []
        assert processes(project) == []
    assert rwlock(project) == {}
    (project.folder / "params.yaml").write_bytes(before)
    assert trained(build(project)) == 0
    assert project.git("status", "--porcelain") == ""


@pytest.mark.release
def test_a_hangup_does_not_end_what_nohup_has_started(project: Project) -> None:
    project.edit_params(set_epochs(4))
    ignored = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with waiting_build(project) as process:
            process.send_signal(signal.SIGHUP)
            (project.folder / "go").touch()
            out, errors = process.communicate(timeout=PATIENCE)
    finally:
        signal.signal(signal.SIGHUP, ignored)
    assert (process.returncode, trained(out)) == (0, 4), errors


@pytest.mark.release
def test_a_kill_loses_no_finished_run_and_leaves_no_process(project: Project) -> None:
    """One model's runs are long: the other's are kept, and not trained again."""

    def change(params: Any) -> None:
        params["train"]["epochs"] = 4
        params["models"]["E-Adam"]["train"] = {"epochs": 10**6}

    project.edit_params(change)
    with started(project, "--jobs", "2") as process:
        wait_until(lambda: len(list(project.folder.glob(".dvc/tmp/records/*/WORKER"))) == 2)
        workers = wait_for_workers(project, process)
        process.kill()
        assert psutil.wait_procs(workers, PATIENCE)[1] == []
        assert processes(project) == []
    project.edit_params(lambda params: params["models"]["E-Adam"].update(train={"epochs": 3}))
    shown = build(project)
    assert trained(shown) == 2  # those of E-Adam
    assert rwlock(project) == {}
    assert project.repro() == set()
    assert not (project.folder / ".dvc/tmp/records").exists()
