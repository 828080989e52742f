"""make clean and distclean: what may be deleted, and comes back."""

from tests.workflow.project import Project


def test_clean_leaves_what_git_holds_and_the_cache_restores_the_rest(project: Project) -> None:
    (project.folder / "scratch").mkdir()
    project.run("make", "clean")
    assert not (project.folder / "runs").exists()
    assert not (project.folder / "data/dataset.npz").exists()
    assert not (project.folder / "scratch").exists()
    assert project.git("status", "--porcelain") == ""
    assert project.repro() == set()
    assert (project.folder / "runs/S-SGD/0/result.json").exists()


def test_distclean_leaves_a_fresh_clone(project: Project) -> None:
    (project.folder / "src/cnn_from_scratch/__pycache__").mkdir(exist_ok=True)
    project.run("make", "distclean")
    assert project.git("status", "--porcelain", "--ignored") == ""
