"""train_seeds.py: a study's stage makes the same records as single runs, all or none."""

from tests.stages.project import Project

COMMAND = ("stages/train_seeds.py", "--dataset", "data/dataset.npz", "--model")


def test_it_writes_the_records_of_single_runs(project: Project) -> None:
    project.edit_params("seeds", [0, 3])
    project.edit_params("train/epochs", 2)
    printed = project.python(*COMMAND, "S-Adam").stdout
    told = sorted(line.split(":")[0] for line in printed.splitlines())  # as they come
    assert told == ["S-Adam seed 0", "S-Adam seed 3"]
    for seed in (0, 3):
        project.train("S-Adam", seed, "--out", "run")
        assert project.files(f"runs/S-Adam/{seed}") == project.files("run")


def test_it_trains_with_each_learning_rate_and_the_models_own_training(project: Project) -> None:
    project.edit_params("seeds", [3])
    project.edit_params("models/S-Adam/train", {"epochs": 2})
    project.edit_params("models/S-Adam/optimizer/lr", [0.01, 0.1])
    project.python(*COMMAND, "S-Adam")
    for lr in (0.01, 0.1):
        project.train(f"S-Adam/{lr}", 3, "--out", "run")
        written = project.files(f"runs/S-Adam/{lr}/3")
        assert written == project.files("run")
        assert written["history.csv"].count(b"\n") == 4  # the header, and epochs 0 to 2


def test_it_trains_on_each_split(project: Project) -> None:
    project.edit_params("seeds", [3])
    project.edit_params("models/S-Adam/train", {"epochs": 2})
    project.edit_params("split/seed", [3, 0])
    project.python(*COMMAND, "S-Adam")
    for seed in (3, 0):
        project.train(f"S-Adam/split-{seed}", 3, "--out", "run")
        assert project.files(f"runs/S-Adam/split-{seed}/3") == project.files("run")


def test_an_earlier_folder_is_replaced_whole(project: Project) -> None:
    project.edit_params("train/epochs", 1)
    for seeds in ([0, 1], [1]):
        project.edit_params("seeds", seeds)
        project.python(*COMMAND, "S-SGD")
    assert [path.name for path in (project.folder / "runs/S-SGD").iterdir()] == ["1"]


def test_bad_input_is_one_line_and_writes_nothing(project: Project) -> None:
    assert project.refusal(*COMMAND, "S-Adamm").startswith("--model: unknown 'S-Adamm'")
    missing = ("stages/train_seeds.py", "--dataset", "nowhere.npz", "--model", "S-SGD")
    assert project.refusal(*missing).startswith("nowhere.npz: not found")


def test_what_goes_wrong_in_a_run_is_one_line_and_writes_nothing(project: Project) -> None:
    stack = [{"name": "conv2d", "out_channels": 3, "kernel_size": 9}]
    project.edit_params("models/S-SGD/architecture", {"name": "stack", "stack": stack})
    (project.folder / "runs").mkdir()
    line = project.refusal(*COMMAND, "S-SGD")
    assert line.startswith("params.yaml: models.S-SGD: the architecture ")
    assert "cannot take the images" in line
