"""docs/extending.md: every example runs as it stands, and goes where the page says.

Its commands are run in test_commands.py.
"""

import csv
import io
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import PIL.Image
import pytest
import yaml
from sklearn.metrics import f1_score

from cnn_from_scratch import checks
from cnn_from_scratch.experiment.dataset import Dataset, save_dataset
from cnn_from_scratch.experiment.models import Model, resolve_models
from cnn_from_scratch.experiment.params import Split, Train, load_params
from cnn_from_scratch.experiment.params_file import read_params
from cnn_from_scratch.experiment.run import train_run
from cnn_from_scratch.nn import architectures, initializers, layers, optimizers, schedules
from cnn_from_scratch.nn.layers import Conv2D, Dense
from tests.nn.gradient_check import check_layer
from tests.nn.inputs import smooth_input
from tests.workflow.conftest import MODELS, SEEDS, shrink
from tests.workflow.project import ROOT, Project, copy_of_this_project

PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")


class Example(NamedTuple):
    """A section of the page: what it adds, and where."""

    module: Any
    registry: str
    name: str  # what params.yaml calls it
    object: str  # what the code calls it


EXAMPLES = {
    "A layer": Example(layers, "LAYERS", "leaky_relu", "LeakyReLU"),
    "An optimizer": Example(optimizers, "OPTIMIZERS", "adamax", "AdaMax"),
    "An initializer": Example(initializers, "INITIALIZERS", "he_uniform", "he_uniform"),
    "An architecture": Example(architectures, "ARCHITECTURES", "strided", "StridedCNN"),
    "A schedule": Example(schedules, "SCHEDULES", "exponential", "Exponential"),
}

# What is no part of nn: a layer's loops, below the others of their module, and its form in ONNX.
LOOPS = "A compiled layer"
LOOPS_FILE = "src/cnn_from_scratch/compiled/activations.py"
FORM = "A layer in ONNX"
FORM_FILE = "src/cnn_from_scratch/export/forms.py"
SECTIONS = [*EXAMPLES, LOOPS, FORM]


# The sections of what is reported: the file that holds the code, and where it stands in it.
REPORTED = {
    "A metric": ("src/cnn_from_scratch/report/measures.py", "\nMEASURES: "),
    "A picture": ("src/cnn_from_scratch/report/pictures/gaps.py", None),
}


def blocks(language: str, text: str = PAGE) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def section_text(title: str) -> str:
    """Return the text below a heading, up to the next."""
    return re.split(r"^## .*\n", PAGE.partition(f"\n## {title}\n")[2], flags=re.MULTILINE)[0]


def code_of(section: str) -> str:
    """Return the section's one block of Python."""
    (code,) = blocks("python", section_text(section))
    return code


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run every example among its module's names, and register what it defines.

    Returns what the examples define, by their sections.
    """
    objects = {}
    for section, example in EXAMPLES.items():
        names = vars(checks) | vars(example.module)  # the page shows which is imported anew
        exec(compile(code_of(section), "docs/extending.md", "exec"), names)
        objects[section] = names[example.object]
        registry = getattr(example.module, example.registry)
        monkeypatch.setitem(registry, example.name, objects[section])
    return objects


def resolve(model: dict[str, Any], folder: Path) -> Model:
    """Return a model as a params.yaml that names it would give it."""
    params = read_params(ROOT / "params.yaml")
    file = folder / "params.yaml"
    file.write_text(yaml.safe_dump(params | {"models": {"mine": model}}), encoding="utf-8")
    return resolve_models(load_params(file))["mine"]


def small_dataset() -> Dataset:
    """Return twelve random images of three classes."""
    rng = np.random.RandomState(0)
    return Dataset(
        X=rng.random_sample((12, 1, 6, 6)), y=np.arange(12) % 3, class_names=("1", "2", "3")
    )


def check_learns(model: Model) -> None:
    """Train the model on twelve images, and check that its loss is finite and falls."""
    split = Split("resubstitution", validation_fraction=0.5)
    run = train_run(model, 0, small_dataset(), split, Train(epochs=40, batch_size=None))
    losses = [epoch.train.loss for epoch in run.fit.history]
    check_falls(losses)
    assert len(losses) == 41
    assert not run.fit.diverged


def check_falls(losses: list[float]) -> None:
    """Check that losses are finite and end clearly below their start."""
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.9 * losses[0]


STUDY = yaml.safe_load(blocks("yaml")[1])
STRIDED, STACKED = yaml.safe_load(blocks("yaml")[0])["models"].values()
ADAM = {"name": "adam"}


def test_every_registry_has_a_section_and_every_section_its_code() -> None:
    assert len(blocks("python")) == len(SECTIONS) + len(REPORTED)
    assert len(blocks("yaml")) == 2  # the second is of a study
    for section in (*SECTIONS, *REPORTED):
        assert code_of(section)
    named = {name for module in (layers, optimizers, initializers, architectures, schedules)
             for name, value in vars(module).items()
             if name.isupper() and isinstance(value, dict) and name != "ACTIVATIONS"}  # fmt: skip
    assert named == {example.registry for example in EXAMPLES.values()}


def test_the_keys_of_a_study_are_understood(tmp_path: Path) -> None:
    params = read_params(ROOT / "params.yaml")
    file = tmp_path / "params.yaml"
    file.write_text(yaml.safe_dump(params | STUDY), encoding="utf-8")
    loaded = load_params(file)
    assert list(resolve_models(loaded)) == ["S-adam/0.001", "S-adam/0.01", "S-adam/0.1"]
    assert loaded.models["S-adam/0.1"].train.epochs == 600
    assert loaded.contrasts == STUDY["contrasts"]


def test_the_registries_are_as_before_without_the_examples() -> None:
    for example in EXAMPLES.values():
        assert example.name not in getattr(example.module, example.registry)


@pytest.mark.parametrize("in_shape", [(5,), (2, 3, 4)])
@pytest.mark.parametrize("slope", [0.01, 0.2])
def test_the_layers_gradient(
    added: dict[str, Any], in_shape: tuple[int, ...], slope: float
) -> None:
    rng = np.random.RandomState(0)
    check_layer(added["A layer"](slope), {}, {}, smooth_input((3, *in_shape), rng), rng)


def test_the_layer_through_the_parameters(added: dict[str, Any], tmp_path: Path) -> None:
    architecture = {
        "name": "stack",
        "stack": [
            {"name": "conv2d", "out_channels": 4, "kernel_size": 3},
            {"name": "leaky_relu", "slope": 0.1},
            {"name": "flatten"},
            {"name": "dense", "out_features": 3},
        ],
    }
    model = resolve({"architecture": architecture, "optimizer": ADAM}, tmp_path)
    assert model.architecture.layers(3)[1] == added["A layer"](slope=0.1)
    check_learns(model)


def test_the_optimizer_through_the_parameters(added: dict[str, Any], tmp_path: Path) -> None:
    settings = {"name": "adamax", "lr": 0.02, "weight_decay": 0.5}
    architecture = {"name": "simple", "activate_logits": False}
    model = resolve({"architecture": architecture, "optimizer": settings}, tmp_path)
    assert model.optimizer == added["An optimizer"](lr=0.02, weight_decay=0.5)
    theta, g = np.array([1.0, -2.0, 0.0]), np.array([-0.4, 0.5, 0.0])
    delta, _ = model.optimizer.update(g, model.optimizer.init(theta), theta)
    np.testing.assert_allclose(delta, [-0.02, 0.02, 0.0], rtol=1e-6)  # by the decay's sign
    plain = resolve(
        {"architecture": architecture, "optimizer": settings | {"weight_decay": 0}}, tmp_path
    )
    check_learns(plain)


@pytest.mark.parametrize("layer", [Conv2D(40, 3), Dense(900)], ids=str)
def test_the_initializer_through_a_layer(added: dict[str, Any], layer: Any) -> None:
    """Its name in params.yaml is tried in the copy below: a type holds the names accepted."""
    layer = type(layer)(**vars(layer) | {"weight_init": "he_uniform"})
    in_shape = (30, 4, 4) if isinstance(layer, Conv2D) else (270,)
    weights = layer.init(in_shape, np.random.RandomState(0)).params["W"]
    limit = (6 / 270) ** 0.5  # fan_in is 30 * 3 * 3, or 270
    assert 0.99 * limit < np.abs(weights).max() <= limit
    assert weights.var() == pytest.approx(2 / 270, rel=0.05)
    expected = added["An initializer"](np.random.RandomState(0), weights.shape, 270, 1)
    np.testing.assert_array_equal(weights, expected)


def test_the_architecture_through_the_parameters(added: dict[str, Any], tmp_path: Path) -> None:
    settings = {"name": "strided", "channels": 6, "activation": "relu", "init": "he"}
    model = resolve({"architecture": settings, "optimizer": ADAM}, tmp_path)
    assert model.architecture == added["An architecture"](6, "relu", "he")
    check_learns(model)


def test_the_schedule_through_the_parameters(added: dict[str, Any], tmp_path: Path) -> None:
    model = resolve(
        {
            "architecture": {"name": "simple", "activate_logits": False},
            "optimizer": ADAM,
            "schedule": {"name": "exponential", "gamma": 0.95, "warmup_epochs": 2},
        },
        tmp_path,
    )
    assert model.schedule == added["A schedule"](0.95, warmup_epochs=2)
    assert [model.schedule.factor(e, 9) for e in range(3)] == pytest.approx([0.5, 0.95, 0.95**2])
    check_learns(model)


# Where the page says what goes where: the code above its registry, and its differences.


def apply_difference(folder: Path, difference: str) -> None:
    """Make the changes of a block: `+++ FILE`, then hunks, set apart by `@@`.

    The lines of a hunk that begin with a blank or a minus must stand in the file once, below each
    other; `...` stands for the rest of a line's list.
    """
    for part in re.split(r"^\+\+\+ ", difference, flags=re.MULTILINE)[1:]:
        name, _, hunks = part.partition("\n")
        file = folder / name
        text = file.read_text(encoding="utf-8")
        for hunk in re.split(r"^@@\n", hunks, flags=re.MULTILINE):
            lines = hunk.splitlines()
            old = "\n".join(line[1:] for line in lines if line[0] in " -")
            new = "\n".join(line[1:] for line in lines if line[0] in " +")
            pattern = rf"^{re.escape(old)}$".replace(re.escape("..."), "(?P<rest>.*)")
            found = [*re.finditer(pattern, text, flags=re.MULTILINE)]
            assert len(found) == 1, f"{name} has {len(found)} places for\n{hunk}"
            if "..." in new:
                new = new.replace("...", found[0]["rest"])
            text = text[: found[0].start()] + new + text[found[0].end() :]
        file.write_text(text, encoding="utf-8")


def add_code(folder: Path, section: str) -> None:
    """Put a section's code right above its registry, or loops below the others."""
    if section == LOOPS:
        with (folder / LOOPS_FILE).open("a", encoding="utf-8") as loops:
            loops.write(f"\n\n{code_of(section)}")
        return
    if section == FORM:
        file, registry = folder / FORM_FILE, "FORMS"
    else:
        module, registry, *_ = EXAMPLES[section]
        file = folder / Path(module.__file__).relative_to(ROOT)
    text = file.read_text(encoding="utf-8")
    assert text.count(f"\n{registry}: ") == 1
    new = text.replace(f"\n{registry}: ", f"\n{code_of(section)}\n\n{registry}: ")
    file.write_text(new, encoding="utf-8")


@pytest.fixture
def extended(tmp_path: Path) -> Project:
    """A copy of this project with all the examples, but without their rows of tests and the form.

    The form has no row: a test sees by the registry that it is missing.
    """
    folder = tmp_path / "extended"
    project = Project(folder)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if name.startswith(("src/", "stages/", "tests/", "pyproject.toml", "params.yaml")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    for section in [*EXAMPLES, LOOPS]:
        add_code(folder, section)
        for difference in blocks("diff", section_text(section)):
            if difference.startswith("+++ src/"):
                apply_difference(folder, difference)
    return project


def test_the_models_shown_train(extended: Project, tmp_path: Path) -> None:
    """Named in params.yaml, by the stage's own script."""
    project = extended
    params = read_params(ROOT / "params.yaml")
    shown = yaml.safe_load(blocks("yaml")[0])
    params["split"]["protocol"] = "resubstitution"
    (project.folder / "params.yaml").write_text(yaml.safe_dump(params | shown), encoding="utf-8")
    (project.folder / "data").mkdir()
    save_dataset(project.folder / "data/dataset.npz", small_dataset())
    for model in shown["models"]:
        out = tmp_path / model
        project.run(
            sys.executable, "stages/train.py", "--model", model, "--seed", "0", "--epochs", "40",
            "--out", str(out),
        )  # fmt: skip
        with (out / "history.csv").open(encoding="utf-8") as file:
            check_falls([float(row["train_loss"]) for row in csv.DictReader(file)])


ROWS_ARE_THERE = {
    "A layer": ["test_layers.py::test_every_layer_has_a_case",
                "test_network.py::test_random_stacks_are_of_all_layers"],
    "An optimizer": ["test_optimizers.py::test_every_optimizer_has_a_row",
                     "test_optimizers.py::test_every_optimizer_is_linear_or_adaptive"],
    "An initializer": ["test_initializers.py::test_every_initializer_has_a_row"],
    "An architecture": ["test_architectures.py::test_every_architecture_is_written_out"],
    "A schedule": ["test_schedules.py::test_every_schedule_has_a_row"],
}  # fmt: skip


def run_tests(project: Project, *args: str) -> subprocess.CompletedProcess[str]:
    """Run tests in the copy, in one process."""
    plain = ["-p", "no:cacheprovider", "--tb=line"]
    return project.run(sys.executable, "-m", "pytest", *plain, *args, check=False)


def check_rows_are_missed(project: Project, tests: list[str]) -> None:
    """Check that these tests fail in the copy as it is."""
    without = run_tests(project, *tests)
    failed = re.findall(r"^FAILED (\S+)", without.stdout, flags=re.MULTILINE)
    assert sorted(failed) == sorted(tests), without.stdout + without.stderr


def add_rows(folder: Path, section: str) -> None:
    """Make the second of a section's changes; the first is the registry's line."""
    _, rows = blocks("diff", section_text(section))
    apply_difference(folder, rows)


@pytest.mark.release
def test_without_rows_the_suite_fails_and_with_them_it_passes(extended: Project) -> None:
    assert ROWS_ARE_THERE.keys() == EXAMPLES.keys()
    tests = [f"tests/nn/{test}" for section in ROWS_ARE_THERE.values() for test in section]
    check_rows_are_missed(extended, tests)
    for section in EXAMPLES:
        add_rows(extended.folder, section)
    files = sorted({test.partition("::")[0] for test in tests})
    words = [test.partition("::")[2] for test in tests]
    words += [word for example in EXAMPLES.values() for word in (example.name, example.object)]
    for whole in ("nn/test_size.py", "test_checks.py"):  # small enough, every number in a range
        result = run_tests(extended, f"tests/{whole}")
        assert result.returncode == 0, result.stdout
    passed = run_tests(extended, *files, "-v", "-k", " or ".join(words))
    assert passed.returncode == 0, passed.stdout
    for example in EXAMPLES.values():
        ran = rf"::\S+\[.*({example.name}|{example.object})"
        assert re.search(ran, passed.stdout), f"{example.name}: not a single test"


@pytest.mark.release
def test_without_a_row_loops_fail_and_with_it_they_pass(extended: Project) -> None:
    """All but tests in float32, and of portable threads, for which all is compiled once more."""
    add_rows(extended.folder, "A layer")  # whose cases are the loops', too
    check_rows_are_missed(
        extended, ["tests/compiled/test_chain.py::test_every_layer_with_loops_has_a_row"]
    )
    add_rows(extended.folder, LOOPS)
    files = [f"tests/compiled/test_{name}.py" for name in ("chain", "special_values")]
    which = "every_layer or LeakyReLU and not float32 and not (threads and portable)"
    passed = run_tests(extended, *files, "-v", "-k", which)
    assert passed.returncode == 0, passed.stdout
    for test in (
        *("every_layer_with_loops_has_a_row", "native_passes_agree", "threads_change_no_bit"),
        *("portable_passes_are_the_same_bits", "gradients", "layers"),
    ):
        assert re.search(rf"::test_{test}\b.* PASSED", passed.stdout), test


@pytest.mark.release
def test_without_its_form_a_layer_fails_and_with_it_it_passes(extended: Project) -> None:
    add_rows(extended.folder, "A layer")
    check_rows_are_missed(extended, ["tests/export/test_forms.py::test_every_layer_has_a_form"])
    add_code(extended.folder, FORM)
    apply_difference(extended.folder, *blocks("diff", section_text(FORM)))
    which = "every_layer or LeakyReLU or layers_in_a_row"
    passed = run_tests(extended, "tests/export/test_forms.py", "-v", "-k", which)
    assert passed.returncode == 0, passed.stdout
    for test in ("every_layer_has_a_form", r"a_layer_alone\[.*LeakyReLU", "layers_in_a_row"):
        assert re.search(rf"::test_{test}.* PASSED", passed.stdout), test


# What is reported: on the runs of a miniature study, by the real pipeline.


@pytest.fixture(scope="module")
def reporting(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A miniature study, built and committed, and then given both examples without their rows."""
    project = copy_of_this_project(tmp_path_factory.mktemp("reporting") / "project")
    project.edit_params(shrink)
    project.repro()
    project.commit("The miniature study")
    for section, (name, above) in REPORTED.items():
        file = project.folder / name
        if above is None:
            file.write_text(code_of(section), encoding="utf-8")
        else:
            text = file.read_text(encoding="utf-8")
            assert text.count(above) == 1
            file.write_text(text.replace(above, f"\n{code_of(section)}\n{above}"), encoding="utf-8")
        apply_difference(project.folder, blocks("diff", section_text(section))[0])
    return project


def height(picture: bytes) -> int:
    """Return that of a PNG, in pixels."""
    return int(np.asarray(PIL.Image.open(io.BytesIO(picture))).shape[0])


@pytest.mark.release
def test_a_metric_and_a_picture_train_nothing_and_are_everywhere(reporting: Project) -> None:
    """In the order in which the page says where they are."""
    project, folder = reporting, reporting.folder
    before = {path.name: path.read_bytes() for path in (folder / "plots").iterdir()}
    assert project.repro() == {"list_code", "aggregate", "plot"}
    assert project.repro() == set()

    expected = pd.DataFrame(
        {"model": model, "seed": seed, "split": split, "macro_f1": macro_f1_of(folder, *run)}
        for run in itertools.product(MODELS, SEEDS, ("val", "test"))
        for model, seed, split in [run]
    )
    runs = pd.read_parquet(folder / "metrics/runs.parquet")
    assert runs.loc[runs["split"] == "train", "macro_f1"].isna().all()
    found = runs[runs["split"] != "train"][[*expected]].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected)
    mean = expected.groupby(["model", "split"])["macro_f1"].mean()

    results = (folder / "metrics/results.md").read_text(encoding="utf-8")
    [table] = re.findall(r"^Macro F1 in percent\.\n\n((?:\|.*\n)+)", results, flags=re.MULTILINE)
    header, _, *rows = ([c.strip() for c in row.split("|")[1:-1]] for row in table.splitlines())
    assert header == ["Model", "Validation", "Test"]
    for model, *cells in rows:
        for split, cell in zip(("val", "test"), cells, strict=True):
            assert cell.startswith(f"{100 * mean[model, split]:.2f} ± ")
    assert [row[0] for row in rows] == list(MODELS)

    statistics = json.loads((folder / "metrics/statistics.json").read_text(encoding="utf-8"))
    summary = json.loads((folder / "metrics/summary.json").read_text(encoding="utf-8"))
    for model, split in itertools.product(MODELS, ("val", "test")):
        told = statistics["models"][model][split]["macro_f1"]
        assert told["mean"] == pytest.approx(mean[model, split], abs=1e-6)
        assert told["interval_95"][0] <= told["mean"] <= told["interval_95"][1]
        assert summary[model][f"{split}_macro_f1"] == {
            key: told[key] for key in ("mean", "population_sd", "n")
        }
        assert "train_macro_f1" not in summary[model]
    page = (folder / "metrics/statistics.md").read_text(encoding="utf-8")
    assert "\n## Macro F1 in percent\n" in page

    for command in (("metrics", "diff"), ("exp", "show", "--md")):
        assert "S-SGD.test_macro_f1.mean" in project.dvc(*command).stdout

    after = {path.name: path.read_bytes() for path in (folder / "plots").iterdir()}
    assert after.keys() - before.keys() == {"gaps.png"}
    assert {name for name in before if after[name] != before[name]} == {"accuracy_by_seed.png"}
    assert height(after["accuracy_by_seed.png"]) > 1.5 * height(before["accuracy_by_seed.png"])
    page = project.dvc("plots", "show").stdout.strip().removeprefix("file://")
    assert "gaps.png" in Path(page).read_text(encoding="utf-8")
    project.run(sys.executable, "stages/plot.py", "scores")


def macro_f1_of(folder: Path, model: str, seed: int, split: str) -> float:
    """Return it as scikit-learn does, of what a run has recorded."""
    rows = pd.read_csv(folder / f"runs/{model}/{seed}/predictions.csv")
    rows = rows[rows["split"] == split]
    return float(f1_score(rows["label"], rows["predicted"], average="macro", zero_division=0))


@pytest.mark.release
def test_without_rows_the_tests_of_the_report_fail_and_with_them_they_pass(
    reporting: Project,
) -> None:
    reporting.repro()
    there = {
        "A metric": "tests/report/test_measures.py::test_every_measure_has_a_row",
        "A picture": "tests/report/pictures/test_bounds.py::test_every_picture_is_swept",
    }
    without = run_tests(reporting, *there.values())
    failed = re.findall(r"^FAILED (\S+)", without.stdout, flags=re.MULTILINE)
    assert sorted(failed) == sorted(there.values()), without.stdout + without.stderr
    for section in there:
        differences = blocks("diff", section_text(section))
        assert len(differences) == 2, section
        apply_difference(reporting.folder, differences[1])
    words = ["every", "macro_f1", "gaps"]
    files = [test.partition("::")[0] for test in there.values()]
    registry = "tests/report/pictures/test_registry.py"
    passed = run_tests(reporting, *files, registry, "-v", "-k", " or ".join(words))
    assert passed.returncode == 0, passed.stdout
    for ran in (r"test_measures\S+\[macro_f1\]", r"test_bounds\S+\[gaps_figure\]",
                r"test_registry\S+\[gaps\]"):  # fmt: skip
        assert re.search(ran, passed.stdout), ran
