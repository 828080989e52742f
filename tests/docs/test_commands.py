"""Every command that a page shows is run here, or named with what runs it or why nothing does.

The commands of a page run one after the other, in its order, in a miniature of the study that has
all its models.
"""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import PIL.Image
import PIL.ImageDraw
import pytest
import yaml

from tests.docs.test_extending import EXAMPLES, add_code, apply_difference, blocks, section_text
from tests.workflow.project import ROOT, Project, copy_of_this_project

EXTENDING = "docs/extending.md"
STUDIES = sorted(path.parent.name for path in ROOT.glob("studies/*/README.md"))
SETTING_UP = "docs/pipeline.md"  # makes the environment that other pages activate
PAGES = [
    SETTING_UP,
    "README.md",
    "CONTRIBUTING.md",
    *sorted({page.relative_to(ROOT).as_posix() for page in ROOT.glob("docs/*.md")} - {SETTING_UP}),
    "data/README.md",
    "benchmarks/README.md",
    *(f"studies/{study}/README.md" for study in STUDIES),
]

# What is a command in a line of text: a program with arguments, one that needs none, or a setting.
COMMAND = re.compile(
    r"(cnn-export|cnn-predict|dvc|git|pip|py|python3?|ruff|unzip|uv) \S"
    r"|(make|mypy|pytest|\.ci/run)( |$)|\. \S|\.venv\\|-S \S"
)

# What other files run: the command, the files, and the text in each that shows it. Most targets of
# make first set up an environment, which needs the package index; .ci/run tries that, and all that
# `make` and `make test` do.
MAKEFILE, CI = "Makefile", ".ci/run"
BUILD, EXPERIMENTS = "tests/workflow/test_build.py", "tests/workflow/test_commands.py"
CACHE, REPORT = "tests/workflow/test_check_cache.py", "tests/workflow/test_study_report.py"
EXPLAIN, POWER = "tests/tools/test_explain.py", "tests/tools/test_power.py"
CLEAN, TIDY = "tests/workflow/test_clean.py", "tests/workflow/test_tidy_lock.py"
SHARING, SOURCES = "tests/workflow/test_sharing.py", "tests/workflow/test_sources.py"
PIP = "$(BIN)/python -m pip install --quiet"
ELSEWHERE: dict[str, list[tuple[str, str]]] = {
    "make": [(CI, "\nmake\n")],
    "make test": [(CI, "\nmake test\n")],
    "make test-all": [(MAKEFILE, "--numprocesses auto -m release\n"), (CI, "-m release -rs")],
    "make studies": [(CI, "\nmake studies\n")],
    "make verify": [(CI, "\nmake verify\n")],
    "make JOBS=1": [(MAKEFILE, "--jobs $(JOBS)"), (BUILD, '"--jobs"')],
    "make SCHEDULER=tcp://host:8786": [
        (MAKEFILE, "--scheduler $(SCHEDULER)"),
        ("tests/workflow/test_kills.py", '"--scheduler"'),
    ],
    "make AUDIT=5": [(MAKEFILE, "--audit $(AUDIT)"), (BUILD, '"--audit"')],
    "make COMPILED=1": [(MAKEFILE, "--compiled"), (BUILD, '"--compiled"')],
    "make report": [
        (MAKEFILE, "tools/study_report.py --base $(BASE)"),
        (REPORT, '"tools/study_report.py"'),
    ],
    "make explain": [(MAKEFILE, "tools/explain.py"), (EXPLAIN, "tools/explain.py")],
    "cd studies/logits && python ../../tools/explain.py": [(EXPLAIN, "tools/explain.py")],
    "python tools/power.py --effect 8 --models S-Adam S-SGD": [(POWER, '"tools/power.py"')],
    "make report BASE=main": [(REPORT, '"--base"')],
    "make prune": [(MAKEFILE, "tools/tidy_lock.py"), (TIDY, '"tools/tidy_lock.py"')],
    "make check-cache": [(MAKEFILE, "tools/check_cache.py"), (CACHE, '"tools/check_cache.py"')],
    "make clean": [(CLEAN, '"make", "clean"')],
    "make distclean": [(CLEAN, '"make", "distclean"')],
    "python tools/refresh.py": [(CI, "\n.venv/bin/python tools/refresh.py\n")],
    "python -m pip install --require-hashes -r requirements.txt": [
        (MAKEFILE, f"{PIP} --require-hashes -r")
    ],
    "python -m pip install --no-deps --no-build-isolation -e .": [
        (MAKEFILE, f"{PIP} --no-deps --no-build-isolation -e .")
    ],
    "python -m pip install --require-hashes -r requirements-sharing.txt": [
        (
            ".ci/sharing",
            "python -m pip install --quiet --require-hashes -r requirements-sharing.txt",
        ),
        (CI, "\n.ci/sharing\n"),
    ],
    "dvc remote add --default team s3://bucket/cnn-from-scratch": [
        (SHARING, '"remote", "add", "--default", "team", remote.url'),
        ("tests/workflow/remotes.py", '"s3://bucket/cnn-from-scratch"'),
    ],
    "make PULL=1": [
        (MAKEFILE, "$(if $(PULL),--pull)"),
        (SHARING, '("tools/build.py", "--pull")'),
    ],
    "dvc push --run-cache": [(SHARING, '"push", "--run-cache"')],
    "dvc repro --pull": [(SHARING, '"repro", "--pull"')],
    "dvc pull": [(SHARING, '("-m", "dvc", "pull")')],
    "dvc remote modify --local": [(SHARING, '"remote", "modify", "--local", "team"')],
    "dvc remote modify team verify true": [
        (SHARING, '"remote", "modify", "--local", "team", "verify", "true"')
    ],
    "ruff check .": [(MAKEFILE, "$(BIN)/ruff check .\n")],
    "ruff format --check .": [(MAKEFILE, "$(BIN)/ruff format --check .\n")],
    "mypy": [(MAKEFILE, "$(BIN)/mypy\n")],
    "pytest": [(MAKEFILE, "$(BIN)/pytest ")],
    "dvc exp run --temp -S ...": [(EXPERIMENTS, '"exp", "run", "--temp"')],
    "dvc exp run --run-all --jobs 2": [(EXPERIMENTS, '"exp", "run", "--run-all", "--jobs", "2"')],
    "dvc queue start --jobs 2": [(EXPERIMENTS, '"queue", "start", "--jobs", "2"')],
    "dvc exp run -S '~convert.source' -S '+convert.source={name: idx, path: data/mnist}'": [
        (
            SOURCES,
            '("-S", "~convert.source", "-S", "+convert.source={name: idx, path: data/mnist}")',
        ),
        (SOURCES, '"exp", "run"'),
    ],
    "dvc queue status": [(EXPERIMENTS, '"queue", "status"')],
    **{
        f"cd studies/{study} && dvc repro": [("tests/workflow/test_studies.py", "study.repro()")]
        for study in STUDIES
    },
}

# What nothing runs, and the words with which its page says so.
NOWHERE = {
    "py -m venv .venv": "On Windows, where no test has run",
    r".venv\Scripts\activate": "On Windows, where no test has run",
    **dict.fromkeys(
        ("git tag -a v1.0.0 -m v1.0.0", "git push origin v1.0.0"), "(no test runs that)"
    ),
    "make lock": "it needs uv and the package index, so no test runs it",
    "python tools/plots_page.py": "it needs npm, so no test runs it",
    "make bench": "no test runs them",
    "unzip -p checkpoint.npz network.json": "shows",
    "python benchmarks/bench.py steps memory": "no test runs them",
    "python benchmarks/bench.py show": "no test runs them",
    "pip install -e '.[compiled]'": "its installation needs the package index, so no test runs it",
    "pip install -e '.[cluster]'": "it needs the package index, so no test runs it",
    "pip install -e '.[onnx]'": "its installation needs the package index, so no test runs it",
    **dict.fromkeys(
        (
            "dask scheduler",
            "dask worker tcp://host:8786 --nworkers -1 --nthreads 1",
        ),
        "No test runs these lines as they stand",
    ),
    **dict.fromkeys(
        (
            "mkdir -p data/mnist && for part in train-images-idx3 train-labels-idx1"
            " t10k-images-idx3 t10k-labels-idx1",
            "do dvc import-url https://ossci-datasets.s3.amazonaws.com/mnist/$part-ubyte.gz"
            " data/mnist/; done",
            "dvc import-url https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz data/",
        ),
        "No test downloads them",
    ),
    "make QUEUE=SLURM JOBS=20": "With so many no test runs it",
    "make EXECUTOR=mpi4py.futures:MPIPoolExecutor": "so that no test runs them",
    "make EXECUTOR=loky:ProcessPoolExecutor": "so that no test runs them",
    "python benchmarks/numerics_accuracy.py": "no test runs them",
    "python benchmarks/browser.py": "no test runs them",
    "python benchmarks/builds.py": "no test runs them",
    "pip install torch==2.13.0 jax==0.10.2 numba==0.68.1": (
        "They are downloaded, so no test does that either"
    ),
}

# What is there to show an error, and the error.
REFUSED = {
    "python stages/convert.py": (
        "error: data/handwriting_dataset.xlsx, sheet 'Data', cell N7: expected a pixel from 0 to"
        " 255 (convert.source.pixel_max), found blank"
    ),
    "-S models.S-Adam.optimizer.name=sgd": (
        "models.S-Adam.optimizer.beta1: unknown; 'sgd' knows lr, weight_decay (to remove it: -S"
        " '~models.S-Adam.optimizer.beta1')"
    ),
}

# A setting that is a part of others, by what the text around it says.
COMPLETED = {
    "-S '~models.S-Adam.optimizer.beta1'": (
        "-S models.S-Adam.optimizer.name=sgd -S '~models.S-Adam.optimizer.beta1'"
        " -S '~models.S-Adam.optimizer.beta2'"
    ),
}


class Shown(NamedTuple):
    """A command and the page that shows it."""

    page: str
    command: str


def in_block(block: str) -> list[str]:
    """Return the commands of a console block: the lines with a prompt, if any line has one."""
    lines = [line.strip() for line in block.splitlines()]
    prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    typed = prompted or [line for line in lines if not line.startswith("error: ")]
    return [re.sub(r"\s+#.*", "", line) for line in typed if line]


def commands_of(page: str, text: str) -> list[Shown]:
    """Return the commands in a page's console blocks and in its text, in order."""
    found = []
    for part in re.finditer(r"^ *```(\w*)\n(.*?)^ *```$|`([^`]+)`", text, re.DOTALL | re.MULTILINE):
        language, block, code = part.groups()
        if language in ("console", "bash", "sh"):
            found += in_block(block)
        elif code and COMMAND.match(line := " ".join(code.split())):
            found.append(line)
    folder = re.match(r"studies/\w+", page)
    return [
        Shown(page, f"cd {folder[0]} && {line}" if folder and line.startswith("dvc") else line)
        for line in found
    ]


SHOWN = [found for page in PAGES for found in commands_of(page, (ROOT / page).read_text("utf-8"))]


def to_run(wanted: Callable[[Shown], bool]) -> list[str]:
    """Return what is left to this file of the commands wanted, each once, in order."""
    left = [c for c in SHOWN if wanted(c) and c.command not in ELSEWHERE | NOWHERE]
    return list(dict.fromkeys(shown.command for shown in left))


def run(project: Project, command: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in the project, as if its own source were installed."""
    return project.run("bash", "-c", f'export PYTHONPATH="$PWD/src"; {command}', check=False)


def check(project: Project, command: str) -> None:
    """Run a command, and check that it succeeds, or is refused as its page says."""
    typed = COMPLETED.get(command, command)
    result = run(project, f"dvc exp run {typed}" if typed.startswith("-S ") else typed)
    said = f"`{command}` gave {result.returncode}:\n{result.stdout}{result.stderr}"
    if command in REFUSED:
        assert result.returncode != 0, said
        assert REFUSED[command] in result.stderr, said
    else:
        assert result.returncode == 0, said


def small_study(folder: Path, change: Callable[[Any], None]) -> Project:
    """Return a copy of this project with one seed and two epochs, not built."""

    def shrink(params: Any) -> None:
        params["seeds"] = [0]
        params["train"]["epochs"] = 2
        change(params)

    project = copy_of_this_project(folder)
    # The pictures would take half of all the time.
    pipeline = yaml.safe_load((folder / "dvc.yaml").read_text(encoding="utf-8"))
    del pipeline["stages"]["plot"]
    (folder / "dvc.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False), encoding="utf-8")
    project.edit_params(shrink)
    return project


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The miniature with all models, built and committed; tests copy it."""
    project = small_study(tmp_path_factory.mktemp("commands") / "project", lambda params: None)
    project.repro()
    project.commit("The miniature study")
    return project


@pytest.fixture
def project(study: Project, tmp_path: Path) -> Project:
    """A copy of the built study, to change at will."""
    return study.copy(tmp_path / "project")


def empty_n7(project: Project) -> None:
    """Make the mistake in the workbook that data/README.md tells of."""
    file = project.folder / "data/handwriting_dataset.xlsx"
    book = openpyxl.load_workbook(file)
    book["Data"]["N7"] = None
    book.save(file)


def draw_digit(project: Project) -> None:
    """Draw a one, as a picture of one's own."""
    picture = PIL.Image.new("L", (120, 160), "white")
    PIL.ImageDraw.Draw(picture).line((60, 20, 60, 140), fill="black", width=20)
    picture.save(project.folder / "digit.png")


def test_the_collector() -> None:
    page = """Type `make` or `dvc
exp show`, not `python` or `dvc.lock`; try `-S a.b=1`, `-S`.

```console
$ dvc repro   # a comment
Running it
```

```bash
  git status
```

```python
"`git log`"
```
"""
    expected = ["make", "dvc exp show", "-S a.b=1", "dvc repro", "git status"]
    assert [shown.command for shown in commands_of("page.md", page)] == expected


@pytest.mark.release
def test_the_commands_of_the_pages(project: Project) -> None:
    for command in to_run(lambda c: c.page != EXTENDING and not c.command.startswith("-S ")):
        if command == "python stages/convert.py":
            empty_n7(project)
        if "digit.png" in command:
            draw_digit(project)
        check(project, command)


@pytest.mark.release
def test_the_commands_of_extending(tmp_path: Path) -> None:
    """In a project with all the page's examples, their tests included."""

    def change(params: Any) -> None:
        shown = yaml.safe_load(blocks("yaml")[0])["models"]
        params["models"] = {
            **{name: params["models"][name] for name in ("S-Adam", "E-RMS", "E-Adam")},
            "Strided": shown["Strided"],
        }

    project = small_study(tmp_path / "project", change)
    for section in EXAMPLES:
        add_code(project.folder, section)
        for difference in blocks("diff", section_text(section)):
            apply_difference(project.folder, difference)
    project.dvc("repro", "convert")
    project.commit("The examples")
    for command in to_run(lambda c: c.page == EXTENDING):
        check(project, command)


@pytest.mark.release
def test_the_settings(project: Project) -> None:
    """Together in one experiment those that succeed, as each costs as much as all."""
    settings = to_run(lambda c: c.command.startswith("-S "))
    special = [setting for setting in settings if setting in REFUSED or setting in COMPLETED]
    check(project, " ".join(setting for setting in settings if setting not in special))
    for setting in special:
        project.git("restore", ".")
        check(project, setting)


def test_what_is_said_of_the_commands_is_true() -> None:
    """Every entry of the tables is about a command that is shown, and right."""
    shown = {command for _, command in SHOWN}
    assert {*ELSEWHERE, *NOWHERE, *REFUSED, *COMPLETED} <= shown
    assert not ELSEWHERE.keys() & NOWHERE.keys()
    for places in ELSEWHERE.values():
        for file, text in places:
            assert text in (ROOT / file).read_text(encoding="utf-8"), (file, text)
    for page, command in SHOWN:
        if words := NOWHERE.get(command):
            assert words in " ".join((ROOT / page).read_text(encoding="utf-8").split()), page
    (error,) = [text for command, text in REFUSED.items() if command.startswith("python")]
    assert error in (ROOT / "data/README.md").read_text(encoding="utf-8")
