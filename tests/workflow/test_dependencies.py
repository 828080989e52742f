"""Each stage declares the files it imports, and imports no heavy library it has no use for."""

import json
import sys
from pathlib import Path

import pytest
import yaml

from tests.workflow.project import ROOT, Project

# Runs a script as `python SCRIPT ARGS` does, then prints the files of the modules it imported.
SPY = """
import json, runpy, sys
script, *sys.argv[1:] = sys.argv[1:]
sys.argv[0] = script
sys.path[0] = script.rpartition("/")[0]
runpy.run_path(script, run_name="__main__")
files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
print(json.dumps(files))
"""

COMMANDS = {
    "check": ["stages/check.py", "--out", "params.ok"],
    "convert": ["stages/convert.py"],
    "train": ["stages/train.py", "--model", "S-SGD", "--seed", "0", "--out", "runs/{model}/{seed}"],
    "aggregate": ["stages/aggregate.py"],
    "plot": ["stages/plot.py", "loss", "filters"],
    "list_code": ["stages/list_code.py", "--out", "src/training_code.json", "src/cnn_from_scratch"],
}
HEAVY = {
    *("pandas", "matplotlib", "pyarrow", "openpyxl", "scipy", "dvc", "sklearn", "tqdm", "numba"),
    *("onnx", "onnxruntime"),
}
NEEDED = {
    "check": set(),
    "convert": {"pandas", "pyarrow"},
    "train": set(),
    "aggregate": {"pandas", "pyarrow", "scipy"},
    "plot": {"pandas", "pyarrow", "matplotlib"},
    "list_code": set(),
}


# What a single training can do without: the other backend, and what many of them need.
WITHOUT = (
    "cnn_from_scratch/compiled",
    *(f"cnn_from_scratch/experiment/{name}" for name in ("executing", "workers")),
)

STUDIES = sorted(path.parent.name for path in (ROOT / "studies").glob("*/dvc.yaml"))
OF_STUDIES = {
    "check": ["../../stages/check.py", "--study", "--out", "params.ok"],
    "convert": ["../../stages/convert.py"],
    "train": ["../../stages/train_seeds.py", "--model", "{model}", "--dataset", "{dataset}"],
    "aggregate": ["../../stages/aggregate.py", "--dataset", "{dataset}"],
    "plot": ["../../stages/plot.py", "scores", "losses", "collapse"],
    "accuracies": ["accuracies.py"],
    "components": ["components.py"],
    "float32": ["float32.py"],
    "neighbours": ["neighbours.py"],
    "signals": ["signals.py"],
    "tune": ["tune.py"],
}


def test_every_stage_is_looked_at() -> None:
    assert set(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]) == set(COMMANDS)
    for study in STUDIES:
        stages = yaml.safe_load((ROOT / f"studies/{study}/dvc.yaml").read_text())["stages"]
        assert set(stages) <= set(OF_STUDIES)


def declared_code(project: Project, stage: str) -> list[str]:
    """Return a stage's dependencies, and what those of them that are lists of code list."""
    deps = yaml.safe_load((project.folder / "dvc.yaml").read_text())["stages"][stage]["deps"]
    lists = [project.folder / dep for dep in deps if dep.endswith("_code.json")]
    return deps + [path for file in lists for path in json.loads(file.read_text())]


@pytest.mark.parametrize("stage", COMMANDS)
def test_a_stage_declares_what_it_imports_and_imports_only_what_it_needs(
    project: Project, stage: str
) -> None:
    declared = declared_code(project, stage)
    output = project.run(sys.executable, "-c", SPY, *COMMANDS[stage]).stdout
    modules: dict[str, str | None] = json.loads(output.splitlines()[-1])
    ours = [
        Path(file).resolve().relative_to(project.folder.resolve())
        for file in modules.values()
        if file and Path(file).resolve().is_relative_to(project.folder.resolve())
    ]
    assert any(path.parent.name == "experiment" for path in ours)
    for path in [*ours, Path(COMMANDS[stage][0])]:
        assert any(path.is_relative_to(dep) for dep in declared), f"{path} is not declared"
    assert {name for name in modules if name in HEAVY} <= NEEDED[stage]


@pytest.mark.parametrize("stage", COMMANDS)
def test_a_stage_imports_every_package_and_module_it_declares(stage: str, project: Project) -> None:
    declared = declared_code(project, stage)
    output = project.run(sys.executable, "-c", SPY, *COMMANDS[stage]).stdout
    modules = json.loads(output.splitlines()[-1])
    for dep in declared:
        if dep.startswith("src/") and not dep.endswith("_code.json"):
            module = dep.removeprefix("src/").removesuffix(".py").removesuffix("/__init__")
            chosen = not module.startswith(WITHOUT)
            assert (module.replace("/", ".") in modules) == chosen
