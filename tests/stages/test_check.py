"""check.py: one line for what is wrong in params.yaml; else 'ok', always the same."""

from pathlib import Path

from tests.stages.project import ROOT, Project

CHECK = "stages/check.py"


def test_good_parameters_pass_silently(project: Project) -> None:
    checked = project.python(CHECK, "--out", "params.ok")
    assert checked.stdout + checked.stderr == ""
    assert (project.folder / "params.ok").read_bytes() == b"ok\n"
    project.edit_params("train/epochs", 3)
    project.python(CHECK, "--out", "params.ok")
    assert (project.folder / "params.ok").read_bytes() == b"ok\n"


def test_bad_parameters_write_nothing(project: Project) -> None:
    project.edit_params("train/epochs", 0)
    message = project.refusal(CHECK, "--out", "params.ok")
    assert message == "params.yaml: train.epochs: expected a number of at least 1, got 0"


def test_a_list_of_learning_rates_is_for_studies(project: Project) -> None:
    project.edit_params("models/S-SGD/optimizer/lr", [0.1, 0.9])
    assert project.refusal(CHECK).startswith(
        "params.yaml: models.S-SGD.optimizer.lr: expected a number; a list of rates is"
    )
    assert project.python(CHECK, "--study").stderr == ""


def test_a_list_of_split_seeds_is_for_studies(project: Project) -> None:
    project.edit_params("split/seed", [0, 1])
    assert project.refusal(CHECK) == (
        "params.yaml: split.seed: expected a number; a list of seeds is for the studies in studies/"
    )
    assert project.python(CHECK, "--study").stderr == ""


def test_a_bad_source_is_told_by_the_stage_alone(project: Project) -> None:
    """`make` checks without `--out` before each build, and would read all samples each time."""
    project.edit_params("convert/source/path", "data/none.xlsx")
    assert project.python(CHECK).stderr == ""
    assert project.refusal(CHECK, "--out", "params.ok").startswith("data/none.xlsx: ")
    assert not (project.folder / "params.ok").exists()


def test_each_studys_parameters_pass(project: Project) -> None:
    for file in ROOT.glob("studies/*/params.yaml"):
        Path(project.folder, "params.yaml").write_bytes(file.read_bytes())
        assert project.python(CHECK, "--study").stderr == ""
