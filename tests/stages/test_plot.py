"""plot.py: it draws the pictures that are named, and says which there are."""

import pytest

from cnn_from_scratch.report.pictures.registry import PICTURES
from tests.stages.project import Project

COMMAND = "stages/plot.py"
KNOWN = f"known: {', '.join(PICTURES)}"


@pytest.fixture(scope="module")
def study(converted: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with results of two models; to look at or to copy, never to change."""
    project = converted.copy(tmp_path_factory.mktemp("study") / "project")
    network = {"name": "simple", "activate_logits": True}
    models = {
        f"S-{name}": {"architecture": network, "optimizer": {"name": name}}
        for name in ("sgd", "adam")
    }
    project.edit_params("models", models)
    project.edit_params("seeds", [0, 1])
    project.edit_params("train/epochs", 2)
    for model in models:
        project.python("stages/train_seeds.py", "--dataset", "data/dataset.npz", "--model", model)
    project.python("stages/aggregate.py")
    return project


def pictures(project: Project) -> dict[str, bytes]:
    return {name: data for name, data in project.files("plots").items() if name.endswith(".png")}


def test_the_named_pictures_are_drawn_and_no_others(
    study: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project = study.copy(tmp_path_factory.mktemp("drawn") / "project")
    project.python(COMMAND, "losses", "scores")
    drawn = pictures(project)
    assert set(drawn) == {"losses.png", "scores.png"}
    project.python(COMMAND, "scores", "losses", "collapse")
    again = pictures(project)
    assert set(again) == {"losses.png", "scores.png", "collapse.png"}
    assert {name: again[name] for name in drawn} == drawn


def test_an_unknown_picture_is_told_in_one_line(study: Project) -> None:
    assert study.refusal(COMMAND, "scores", "lose") == f"unknown picture 'lose'; {KNOWN}"
    assert study.refusal(COMMAND) == f"name the pictures to draw; {KNOWN}"


@pytest.mark.release
def test_missing_results_are_told_in_one_line(converted: Project) -> None:
    for name in sorted(PICTURES.keys() - {"dataset"}):
        message = converted.refusal(COMMAND, name)
        assert message.endswith("not found; 'dvc repro' makes it")


def test_a_picture_reads_nothing_that_it_does_not_show(
    project: Project, study: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The samples are drawn without results, and curves without samples."""
    project.python(COMMAND, "dataset")
    assert set(pictures(project)) == {"dataset.png"}
    results = study.copy(tmp_path_factory.mktemp("results") / "project")
    results.python(COMMAND, "losses", "--dataset", "nowhere.npz")
    assert set(pictures(results)) == {"losses.png"}
    assert results.refusal(COMMAND, "losses", "dataset", "--dataset", "nowhere.npz").startswith(
        "nowhere.npz: not found"
    )
