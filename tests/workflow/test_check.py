"""params.yaml is checked before anything is trained, and nothing in it reaches the shell."""

import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.workflow.project import ROOT, Project, started_stages

NAMES = "error: params.yaml: models: expected names of at most 100 letters, digits, '-' and '_'"

EVIL = ["$(touch pwned)", "`touch pwned`", "&touch pwned&", ">pwned", ";touch pwned"]
EVIL += ["'; touch pwned; '", '"; touch pwned; "', "\ntouch pwned\n", "|touch pwned"]


def rename(name: Any) -> Callable[[Any], None]:
    def change(params: Any) -> None:
        params["models"][name] = params["models"].pop("S-SGD")

    return change


def add_seed(seed: Any) -> Callable[[Any], None]:
    return lambda params: params["seeds"].append(seed)


def check_nothing_ran(project: Project) -> None:
    assert list(project.folder.rglob("*pwned*")) == []


@pytest.mark.parametrize(
    "evil", [*EVIL[:2], *(pytest.param(evil, marks=pytest.mark.release) for evil in EVIL[2:])]
)
def test_a_models_name_never_runs(project: Project, evil: str) -> None:
    project.edit_params(rename(f"x{evil}"))
    failed = project.dvc("repro", check=False)
    assert failed.returncode != 0
    assert started_stages(failed.stdout) == {"check"}
    assert [line for line in failed.stderr.splitlines() if line.startswith("error: ")] == [
        f"{NAMES} that begin with a letter, got {f'x{evil}'!r}"
    ]
    alone = project.dvc("repro", "--single-item", f"train@x{evil}-0", check=False)  # unchecked
    assert alone.returncode != 0
    check_nothing_ran(project)


@pytest.mark.parametrize("evil", ["0; touch pwned", "$(touch pwned)", "'`touch pwned`'"])
def test_a_seed_never_runs(project: Project, evil: str) -> None:
    project.edit_params(add_seed(evil))
    failed = project.dvc("repro", f"train@S-SGD-{evil}", check=False)
    assert started_stages(failed.stdout) == {"check"}
    expected = "error: params.yaml: seeds[2]: expected a whole number from 0 to 9223372036854775807"
    assert f"{expected}, got {evil!r}" in (failed.stderr.splitlines())
    assert project.dvc("repro", "-s", f"train@S-SGD-{evil}", check=False).returncode != 0
    check_nothing_ran(project)


@pytest.mark.parametrize("seed", [{"$(touch pwned)": 1}, ["$(touch pwned)"]])
def test_a_seed_that_is_no_scalar_is_refused_by_dvc(project: Project, seed: Any) -> None:
    project.edit_params(add_seed(seed))
    assert project.dvc("repro", check=False).returncode != 0
    check_nothing_ran(project)


def test_commands_take_from_the_parameters_only_what_dvc_quotes() -> None:
    """A dictionary, such as `${item}`, it quotes; a text, such as `${item.model}`, it does not."""
    files = [ROOT / "dvc.yaml", *ROOT.glob("studies/*/dvc.yaml")]
    for file in files:
        stages = yaml.safe_load(file.read_text(encoding="utf-8"))["stages"]
        commands = str([stage["cmd"] for stage in stages.values()])
        assert set(re.findall(r"\$\{[^}]*\}", commands)) <= {"${item}"}, file
        assert ("${item}" in commands) == ("train" in stages), file


def test_nothing_runs_in_an_experiment(project: Project) -> None:
    setting = 'seeds=["$(touch pwned)"]'
    failed = project.dvc("exp", "run", "-S", setting, check=False)
    assert "error: params.yaml: seeds[0]: expected a whole number from 0 to" in failed.stderr
    assert started_stages(failed.stdout) == {"check"}
    check_nothing_ran(project)


def test_what_yaml_reads_in_two_ways_stops_the_build(project: Project) -> None:
    file = project.folder / "params.yaml"
    file.write_text(file.read_text().replace("epochs: 5", "epochs: 010"))
    failed = project.dvc("repro", check=False)
    assert started_stages(failed.stdout) == {"check"}
    assert "train.epochs: YAML 1.1 and 1.2 differ on 010: write a decimal" in failed.stderr


def test_a_bad_source_fails_before_dvc_deletes_what_was_converted(project: Project) -> None:
    dataset = (project.folder / "data/dataset.npz").read_bytes()
    source = project.folder / "data/handwriting_dataset.xlsx"
    good = source.read_bytes()
    source.write_bytes(good[:1000])
    failed = project.dvc("repro", check=False)
    assert started_stages(failed.stdout) == {"check"}
    assert "error: data/handwriting_dataset.xlsx: " in failed.stderr
    assert (project.folder / "data/dataset.npz").read_bytes() == dataset
    assert project.git("status", "--porcelain") == " M data/handwriting_dataset.xlsx\n"
    source.write_bytes(good)
    assert project.repro() == set()


def test_every_train_stage_waits_for_the_check(project: Project) -> None:
    above = project.dvc("dag", "train").stdout
    assert "check" in above
    for study in ROOT.glob("studies/*/dvc.yaml"):
        stages = yaml.safe_load(study.read_text())["stages"]
        first = "convert" if "convert" in stages else "train"
        assert "params.ok" in stages[first]["deps"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (rename("a@b"), NAMES),
        (add_seed([1]), "error: params.yaml: seeds[2]: expected a whole number from 0 to"),
        (lambda params: params.pop("seeds"), "error: params.yaml: seeds: missing"),
    ],
)
def test_what_dvc_stumbles_over_is_told_by_the_check_before_it(
    project: Project, change: Any, what: str
) -> None:
    """DVC then runs no stage, so `make` runs the check first."""
    project.edit_params(change)
    failed = project.dvc("repro", check=False)
    assert failed.returncode != 0
    assert started_stages(failed.stdout) == set()
    checked = project.run(sys.executable, "stages/check.py", check=False)
    assert checked.returncode == 1
    (line,) = checked.stderr.splitlines()
    assert line.startswith(what)


@pytest.mark.parametrize("folder", [".", "studies/logits"])
def test_a_build_checks_the_parameters_before_dvc_reads_them(project: Project, folder: str) -> None:
    file = project.folder / folder / "params.yaml"
    file.write_text(file.read_text().replace("\nmodels:", "\nmodel:"))
    failed = project.run(sys.executable, "tools/build.py", folder, check=False)
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert "params.yaml: model: unknown; known: " in line
