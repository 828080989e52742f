"""The code that pages name is there: what a link to a file names, and all that math.md names."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.workflow.project import ROOT

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "data/*.md", "studies/*/*.md", "benchmarks/README.md")
    for path in ROOT.glob(pattern)
)
# A link whose text has code in it, and leads to a file of Python.
LINK = re.compile(r"\[([^\[\]]*`[^\[\]]*)\]\(([^()\s]+\.py)\)")
CODE = re.compile(r"`([^`\n]+)`")
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


@cache
def words_of_the_library() -> frozenset[str]:
    """Return every name and every text in the code of nn, and every key in params.yaml."""
    found = set()
    for file in (ROOT / "src/cnn_from_scratch/nn").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            found |= {
                value
                for field in ("id", "attr", "name", "arg", "value")
                if isinstance(value := getattr(node, field, None), str)
            }
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    stack = [params]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            found |= {str(key) for key in node}
            stack += node.values()
    return frozenset(found)


def unknown_words(text: str) -> set[str]:
    """Return the words between backticks, but for files and symbols, that the library has not."""
    codes = [code for code in CODE.findall(text) if not (ROOT / code).exists()]
    words = {word for code in codes for word in re.findall(r"\w+(?:\.py)?", code)}
    modules = {file.name for file in (ROOT / "src/cnn_from_scratch/nn").glob("*.py")}
    return {
        word
        for word in words - modules - words_of_the_library()
        if not SYMBOL.fullmatch(word) and not word.isdigit() and word not in ("true", "false")
    }


def test_the_mathematics_names_only_what_is_there() -> None:
    text = (ROOT / "docs/math.md").read_text(encoding="utf-8")
    assert unknown_words(text) == set()
    assert unknown_words("the `remaining` gradient, `_places` of `Conv2D(O, k)`, `lost.py`") == {
        *("remaining", "_places", "lost.py")
    }
