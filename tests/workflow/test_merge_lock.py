"""After a merge by tools/merge_lock.py DVC builds what depends on both sides; it trains nothing."""

from typing import Any

import pytest

from tests.workflow.project import Project, switch_on_merge_driver


def add_model(project: Project, name: str) -> None:
    """Add a model, another one for every name."""

    def change(params: Any) -> None:
        model = params["models"]["S-SGD"]
        optimizer = {**model["optimizer"], "lr": 0.01 * len(name)}
        params["models"][name] = {**model, "optimizer": optimizer}

    project.edit_params(change)


@pytest.mark.release
@pytest.mark.parametrize("prune", [False, True])
def test_two_models_are_merged_without_training(project: Project, prune: bool) -> None:
    main = project.git("rev-parse", "--abbrev-ref", "HEAD").strip()
    for name in ("One", "Second"):
        project.git("checkout", "--quiet", "-b", name, main)
        add_model(project, name)
        assert {f"train@{name}-0", f"train@{name}-1"} <= project.repro()
        if prune:
            project.run("python", "tools/tidy_lock.py")
        project.commit(f"A model: {name}")
    switch_on_merge_driver(project)
    project.git("checkout", "--quiet", "One")
    merged = project.run("git", "merge", "Second", check=False)
    assert merged.returncode == 1
    line = "dvc.lock: both sides have changed check, aggregate, plot; now run 'dvc repro'"
    assert line in merged.stderr.splitlines()

    project.git("checkout", "--ours", "params.yaml")
    add_model(project, "Second")
    assert project.repro() == {"check", "aggregate", "plot"}
    assert "<<<<<<<" not in (project.folder / "metrics/summary.json").read_text()
    lock = (project.folder / "dvc.lock").read_bytes()
    project.commit("Both models")
    assert project.dvc("status").stdout == "Data and pipelines are up to date.\n"
    assert project.repro() == set()
    if prune:
        assert project.run("python", "tools/tidy_lock.py").stdout == ""
    assert (project.folder / "dvc.lock").read_bytes() == lock
    assert project.git("status", "--porcelain") == ""
