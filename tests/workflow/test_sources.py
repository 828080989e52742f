"""Another source of samples, as DVC's own commands fetch and choose it."""

from pathlib import Path

import pytest

from tests.idx_files import write_idx
from tests.workflow.project import Project, started_stages

SWITCH = ("-S", "~convert.source", "-S", "+convert.source={name: idx, path: data/mnist}")


@pytest.mark.release
def test_an_experiment_on_imported_idx_files(project: Project, tmp_path: Path) -> None:
    write_idx(tmp_path / "published", samples=40, tests=20)
    (project.folder / "data/mnist").mkdir()
    for file in (tmp_path / "published").iterdir():
        project.dvc("import-url", str(file), "data/mnist/")
    assert project.git("status", "--short", "--untracked-files=all").count(".dvc\n") == 4
    project.commit("digits")
    output = project.dvc("exp", "run", "-n", "idx", *SWITCH).stdout
    assert {"convert", "train@S-SGD-0", "aggregate", "plot"} <= started_stages(output)
    assert "data: 40 samples of 10 classes, 6x6" in output
