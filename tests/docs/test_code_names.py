"""The code that pages name is there: what a link to a file names, and what is between backticks."""

import ast
import re
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.docs.test_commands import COMMAND
from tests.workflow.project import ROOT

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "data/*.md", "studies/*/*.md", "benchmarks/README.md")
    for path in ROOT.glob(pattern)
)
# A link whose text has code in it, and leads to a file of Python.
LINK = re.compile(r"\[([^\[\]]*`[^\[\]]*)\]\(([^()\s]+\.py)\)")
CODE = re.compile(r"`([^`]+)`")
# The symbols of formulas: letters, one of them with an index.
SYMBOL = re.compile(r"[A-Za-z](_[a-z])?")


@cache
def definitions(file: Path) -> frozenset[str]:
    """Return the names of a module's functions, classes, methods and constants, as it has them."""
    found = set()

    def add(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(prefix + node.name)
            elif isinstance(node, ast.Assign):
                found.update(prefix + ast.unparse(target) for target in node.targets)
            elif isinstance(node, ast.AnnAssign):
                found.add(prefix + ast.unparse(node.target))
            if isinstance(node, ast.ClassDef):
                add(node.body, f"{prefix}{node.name}.")

    tree = ast.parse(file.read_text(encoding="utf-8"))
    add(tree.body, "")
    # What a class has of its bases, which are of the same module.
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            for base in map(ast.unparse, node.bases):
                inherited = [name.removeprefix(f"{base}.") for name in found if f"{base}." in name]
                found.update(f"{node.name}.{name}" for name in inherited)
    return frozenset(found)


def missing(page: Path, text: str) -> list[str]:
    """Return what links of the page name, and the files that they lead to do not define."""
    return [
        f"{name}: {target}"
        for words, target in LINK.findall(text)
        for name in CODE.findall(words)
        if re.fullmatch(r"[A-Za-z_][\w.]*", name)
        and not name.endswith(".py")
        and name not in definitions((page.parent / target).resolve())
    ]


@pytest.mark.parametrize("page", PAGES)
def test_links_name_what_their_files_define(page: str) -> None:
    file = ROOT / page
    assert missing(file, file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", ["_pad", "Conv2D.pad", "Conv2D.y", "forward"])
def test_another_name_would_be_seen(name: str) -> None:
    link = f"[`{name}` and `fit`](../src/cnn_from_scratch/nn/layers.py)"
    assert len(missing(ROOT / "docs/math.md", link)) == 2


def words_in(files: Iterable[Path], *, texts: bool = True) -> set[str]:
    """Return every name in the files' code and, if wanted, every text."""
    fields = ("id", "attr", "name", "arg", "module", *(["value"] if texts else []))
    return {
        value
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for field in fields
        if isinstance(value := getattr(node, field, None), str)
    }


def words_of_yaml(file: Path) -> set[str]:
    """Return every key and every text in a YAML file."""
    found: set[str] = set()
    stack = [yaml.safe_load(file.read_text(encoding="utf-8"))]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            found |= {str(key) for key in node}
            stack += node.values()
        elif isinstance(node, list):
            stack += node
        else:
            found.add(str(node))
    return found


@cache
def words_of_the_library() -> frozenset[str]:
    """Return the words in the code of nn and in params.yaml, and the names of its modules."""
    modules = list((ROOT / "src/cnn_from_scratch/nn").glob("*.py"))
    words = words_in(modules) | words_of_yaml(ROOT / "params.yaml")
    return frozenset(words | {file.name for file in modules})


@cache
def words_of_the_project() -> frozenset[str]:
    """Return the words in the code and in the YAML files, and the names of files and folders.

    Of the tests only the names count: their texts hold names that must not be there.
    """
    command = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = [name for name in output.splitlines() if (ROOT / name).exists()]
    code = [ROOT / name for name in listed if name.endswith(".py")]
    tests = [file for file in code if file.is_relative_to(ROOT / "tests")]
    words = words_in(file for file in code if file not in tests) | words_in(tests, texts=False)
    for name in listed:
        if name.endswith(".yaml"):
            words |= words_of_yaml(ROOT / name)
    paths = [*listed, *(word for word in words if not re.search(r"\s", word))]
    parts = {part for path in paths for part in re.split(r"[/.-]", path)}
    return frozenset(words | parts | {Path(path).name for path in paths})


# What pages name that is no name of ours, or that our code puts together.
OTHERS = {
    "docs/cluster.md": {
        *("DASK_JOBQUEUE__SLURM__QUEUE", "EXECUTOR", "account", "ib0"),
        *("interface", "jobqueue.yaml", "prologue", "saturation"),
    },
    "docs/extending.md": {"LeakyRelu", "NAME.md", "generated", "gaps.py", "gaps.png"},
    "docs/portability.md": {"e_log.c", "pow"},
    "docs/your-own.md": {"1_000", "binary", "fashion", "tar"},
    "data/README.md": {"pixel_0_0", "pixel_5_5", "pixel_ROW_COLUMN"},
    "docs/results.md": {"Validation"},
    "studies/regularisation/README.md": {"weak", "strong"},
}


NUMBER = re.compile("[0-9]+|[0-9a-f]{32}")  # or a digest


def unknown_words(text: str, known: frozenset[str]) -> set[str]:
    """Return the words between backticks that are not known, but for paths, symbols, commands."""
    prose = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)
    codes = [" ".join(code.split()) for code in CODE.findall(prose)]
    words = {
        word
        for code in codes
        if not COMMAND.match(code) and not (ROOT / code).exists()
        for word in re.findall(r"\w+(?:\.(?:c|csv|json|md|npz|parquet|png|py|yaml)\b)?", code)
    }
    return {
        word
        for word in words - known
        if not SYMBOL.fullmatch(word)
        and not NUMBER.fullmatch(word)
        and word not in ("true", "false")
    }


def test_the_mathematics_names_only_what_is_there() -> None:
    known = words_of_the_library()
    text = (ROOT / "docs/math.md").read_text(encoding="utf-8")
    assert unknown_words(text, known) == set()
    assert unknown_words("the `remaining` one, `_nowhere` of `Conv2D(O, k)`, `lost.py`", known) == {
        *("remaining", "_nowhere", "lost.py")
    }


@pytest.mark.parametrize("page", PAGES)
def test_pages_name_only_what_is_there(page: str) -> None:
    """A name that is said to be another's must be on its page, too."""
    text = (ROOT / page).read_text(encoding="utf-8")
    assert unknown_words(text, words_of_the_project()) == OTHERS.get(page, set())


@pytest.mark.parametrize("code", ["_nowhere", "lost.py", "nn/lost.py", "Conv2D.unheard_of()"])
def test_a_name_that_is_gone_would_be_seen(code: str) -> None:
    assert unknown_words(f"See\n`{code}`, `fit`, `git log`.", words_of_the_project()) != set()
