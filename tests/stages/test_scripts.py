"""What all scripts have in common: the source beside them, and few imports."""

import json
import re
from pathlib import Path

import pytest

from tests.stages.project import ROOT, Project

SCRIPTS = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("stages", "tools")
    for path in (ROOT / folder).glob("*.py")
    if "__main__" in path.read_text(encoding="utf-8")
)

HEAVY = ("dvc", "matplotlib", "openpyxl", "pandas", "pyarrow", "scipy", "sklearn", "tqdm")

# Those that need nothing but Python, and those that take arguments.
BARE = {"stages/list_code.py", "tools/plots_page.py", "tools/post_report.py"}
WITH_ARGUMENTS = [
    script for script in SCRIPTS if "Parser(" in (ROOT / script).read_text(encoding="utf-8")
]

# Runs train.py in a process of its own, and then tells which modules it has, from where.
SPY = """
import json, runpy, sys
sys.path[0] = "stages"
sys.argv = ["stages/train.py", "--model", "S-Adam", "--seed", "0", "--epochs", "1"]
runpy.run_path("stages/train.py", run_name="__main__")
files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
print(json.dumps(files))
"""


@pytest.fixture(scope="module")
def modules(
    converted: Project, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, str | None]]:
    """A project, and the modules in the process of its train.py with their files."""
    project = converted.copy(tmp_path_factory.mktemp("spied") / "project")
    printed = project.python("-c", SPY).stdout.splitlines()
    files: dict[str, str | None] = json.loads(printed[-1])
    return project.folder, files


def test_there_are_scripts() -> None:
    assert {"stages/convert.py", "stages/train.py", "tools/tidy_lock.py"} <= set(SCRIPTS)
    assert {"stages/train_seeds.py", "tools/study_report.py"} <= set(WITH_ARGUMENTS)


def test_training_imports_no_heavy_library(modules: tuple[Path, dict[str, str | None]]) -> None:
    _, files = modules
    assert {"numpy", "ruamel.yaml", "msgspec"} <= set(files)
    assert [name for name in files if name.split(".")[0] in HEAVY] == []


def test_training_runs_the_source_beside_the_script(
    modules: tuple[Path, dict[str, str | None]],
) -> None:
    folder, files = modules
    ours = [Path(str(file)) for name, file in files.items() if name.startswith("cnn_from_scratch")]
    assert len(ours) > 10
    source = (folder / "src").resolve()
    assert [file for file in ours if source not in file.resolve().parents] == []


@pytest.mark.parametrize(
    ("script", "args"), [("convert.py", []), ("train.py", ["--model", "nobody", "--seed", "0"])]
)
def test_a_change_of_the_source_beside_the_script_is_seen(
    script: str, args: list[str], project: Project
) -> None:
    file = project.folder / "src" / "cnn_from_scratch" / "__init__.py"
    text = file.read_text(encoding="utf-8")
    assert text.count('"error: {error}"') == 1
    file.write_text(text.replace('"error: {error}"', '"mistake: {error}"'), encoding="utf-8")
    project.edit_params("train/epochs", 0)
    result = project.python(f"stages/{script}", *args, check=False)
    assert (
        result.stderr
        == "mistake: params.yaml: train.epochs: expected a number of at least 1, got 0\n"
    )


@pytest.mark.parametrize("script", sorted({*SCRIPTS} - BARE))
def test_an_inactive_environment_is_told_in_one_line(script: str, converted: Project) -> None:
    args = ["--model", "S-Adam", "--seed", "0"] if script != "tools/build.py" else []
    # an interpreter that finds no installed package
    message = converted.refusal("-E", "-s", "-S", script, *args)
    assert "has no module" in message
    assert "activate the environment" in message
    assert "make" in message


@pytest.mark.parametrize("script", WITH_ARGUMENTS)
def test_a_mistake_in_the_arguments_is_told_in_one_line(script: str, converted: Project) -> None:
    message = converted.refusal(script, "--nope")
    assert re.match(
        "unrecognized arguments: --nope$|the following arguments are required: ", message
    )


@pytest.mark.parametrize(
    ("script", "args"), [("convert.py", []), ("train.py", ["--model", "S-Adam", "--seed", "0"])]
)
def test_a_missing_params_file_is_told_in_one_line(
    script: str, args: list[str], project: Project
) -> None:
    (project.folder / "params.yaml").unlink()
    assert project.refusal(f"stages/{script}", *args).startswith("params.yaml: ")


def test_a_bug_keeps_its_traceback(project: Project) -> None:
    file = project.folder / "src" / "cnn_from_scratch" / "experiment" / "params.py"
    file.write_text(file.read_text(encoding="utf-8") + "\n1 / 0\n", encoding="utf-8")
    result = project.python("stages/convert.py", check=False)
    assert result.returncode == 1
    assert "Traceback" in result.stderr
    assert "ZeroDivisionError" in result.stderr


def test_a_missing_module_of_our_own_is_a_bug(project: Project) -> None:
    (project.folder / "src" / "cnn_from_scratch" / "experiment" / "params.py").unlink()
    result = project.python("stages/convert.py", check=False)
    assert result.returncode == 1
    assert "Traceback" in result.stderr
    assert "cnn_from_scratch.experiment.params" in result.stderr
