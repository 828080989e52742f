"""The library's size: small enough to be read in one sitting."""

import ast
import io
import tokenize
from pathlib import Path

import pytest

from cnn_from_scratch import nn

LIMIT = 1000
NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def lines_of_code(source: str) -> int:
    """Count the lines that hold code: blank lines, comments and docstrings are none."""
    docstrings = {
        (node.body[0].lineno, node.body[0].col_offset)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None
    }
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE and token.start not in docstrings:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines)


COUNTED = [
    ("", 0),
    ("\n\n   \n", 0),
    ("# a comment\n   # another\n", 0),
    ('"""A module\'s docstring.\n\nOf four lines.\n"""\n', 0),
    ("x = 1\n", 1),
    ("x = 1  # with a comment\n", 1),
    ('"""Doc."""\n\nx = 1\n\n\ny = 2\n', 2),
    ('def f():\n    """Doc.\n\n    More.\n    """\n    return 1\n', 2),
    ('class A:\n    """Doc."""\n\n    def f(self):\n        """Doc."""\n', 2),
    ('async def f():\n    """Doc."""\n', 1),
    ('def f(): "A docstring beside code."\n', 1),
    ("f(\n    1,\n\n    # a comment between\n    2,\n)\n", 4),
    ('x = """A string\n\nthat is no docstring.\n"""\n', 4),
    ('x = 1\n"""A string after code is no docstring."""\n', 2),
    ("x = 1; y = 2\n", 1),
    ("x = 1 + \\\n    2\n", 2),
    ("if x:\n    pass\nelse:\n    pass\n", 4),
]


@pytest.mark.parametrize(("source", "expected"), COUNTED)
def test_lines_of_code(source: str, expected: int) -> None:
    """Blank lines, comments and docstrings do not count, and all else does."""
    assert lines_of_code(source) == expected


def test_the_library_is_below_its_limit() -> None:
    """All modules together."""
    modules = sorted(Path(nn.__path__[0]).rglob("*.py"))
    names = {module.stem for module in modules}
    assert {"architectures", "layers", "losses", "network", "optimizers", "training"} <= names
    sizes = {m.stem: lines_of_code(m.read_text(encoding="utf-8")) for m in modules}
    assert sizes["layers"] > 100  # so that the count is one
    assert sum(sizes.values()) < LIMIT, sizes
