"""params.yaml as plain values, read as DVC reads it: by the same library, with the same settings.

DVC takes the file for YAML 1.2, other programs and older habits for YAML 1.1. What the two read
differently, such as 010 or NO, is refused: DVC would record one value, and people would mean
another. Numbers such as 1e-3, which not all take for numbers, mean one thing to people.
"""

import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from cnn_from_scratch import InputError

PARAMS_FILE = Path("params.yaml")
_SOURCE_TEXTS = (
    "label",
    "path",
    "sheet",
    "test",
    "test_column",
    "test_sheet",
    "test_value",
    "train",
)
# Where what YAML 1.2 takes for text can only be text, such as a column called y.
TEXTS = tuple(f"convert.source.{key}" for key in _SOURCE_TEXTS)

TWO_READINGS = re.compile(
    r"""
      y|yes|n|no|on|off                              # text, or true or false
    | [-+]?0[0-9]+                                   # decimal or octal
    | [-+]?0o[0-7]+                                  # octal or text
    | [-+.0-9][-+.0-9a-fox]*_[-+.0-9a-fox_]*         # a number with _ in it, or text
    | [-+]?[0-9][0-9_]*(:[0-9_]+)+(\.[0-9_]*)?       # text, or a number to the base of 60
    | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([T\ \t].*)?     # a date or text
    """,
    re.VERBOSE | re.IGNORECASE,
)
_TAG = "tag:yaml.org,2002:"
_SCALARS = {f"{_TAG}{kind}" for kind in ("bool", "float", "int", "merge", "null", "str")}


def read_params(file: Path = PARAMS_FILE) -> Any:
    """Return the file's one document; None if it is empty. Raises InputError, with the place."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # ValueError: not UTF-8
        raise InputError(f"{file}: {error}") from error
    if re.search("^\ufeff?%", text, re.MULTILINE):
        raise InputError(f"{file}: expected no line that begins with '%': DVC reads YAML 1.2")
    yaml = YAML(typ="safe")  # as dvc.utils.serialize does
    yaml.Constructor = _Constructor
    try:
        return yaml.load(text)
    except YAMLError as error:
        raise InputError(f"{file}: {_problem(error, text)}") from error
    except RecursionError as error:
        raise InputError(f"{file}: brackets or lists too deep in each other") from error


class _Constructor(SafeConstructor):
    """What makes values of DVC's nodes, once they are checked."""

    def construct_document(self, node: Any) -> Any:
        _check(node, "", {})
        return super().construct_document(node)

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError) as error:  # of an explicit tag: !!int x, !!bool maybe
            raise _refusal(
                node, f"{node.value[:40]!r} is no {node.tag.removeprefix(_TAG)}"
            ) from error


def _check(node: Any, path: str, seen: dict[Any, bool]) -> None:
    """Refuse what DVC and people may take for different things, in the node and below.

    seen: the nodes met before, more than once where there are aliases, and whether they are done.
    """
    if node in seen:
        if not seen[node]:
            raise _refusal(node, f"{path}: is part of itself")
        return
    seen[node] = False
    if isinstance(node, ScalarNode):
        _check_scalar(node, path)
    elif isinstance(node, SequenceNode) and node.tag == f"{_TAG}seq":
        for i, item in enumerate(node.value):
            _check(item, f"{path}[{i}]", seen)
    elif isinstance(node, MappingNode) and node.tag == f"{_TAG}map":
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise _refusal(key, "expected text for a key, found a list or a mapping")
            inner = f"{path}.{key.value}" if path else f"{key.value}"
            _check(key, inner, seen)
            _check(value, inner, seen)
    else:
        raise _refusal(node, f"{path} has an unknown type, {node.tag}")
    seen[node] = True


def _check_scalar(node: Any, path: str) -> None:
    is_text = node.tag == f"{_TAG}str"
    if is_text and (node.style or path in TEXTS):  # a style is of quotes, or of a block of text
        return
    if TWO_READINGS.fullmatch(node.value):
        raise _refusal(
            node,
            f"{path}: YAML 1.1 and 1.2 differ on {node.value}: write a decimal number, true or"
            " false, or text in quotes",
        )
    if node.tag not in _SCALARS:
        raise _refusal(node, f"{path} has an unknown type, {node.tag}")


def _refusal(node: Any, problem: str) -> MarkedYAMLError:
    return MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def _problem(error: YAMLError, text: str) -> str:
    """Return 'line 1, column 2: ...', without the name that the library gives a text."""
    if isinstance(error, ReaderError):  # its position is in bytes or in letters
        before = text[: text.index(chr(error.character))].split("\n")
        line, column = len(before) - 1, len(before[-1])
        problem = f"{error.reason}, found {chr(error.character)!r}"
    else:
        assert isinstance(error, MarkedYAMLError)  # as all other errors of loading are
        assert error.problem_mark is not None
        line, column = error.problem_mark.line, error.problem_mark.column
        # Of a key that stands there twice it shows both values, whole.
        reason = re.sub('" with value .*', '"', str(error.problem), flags=re.DOTALL)
        problem = ", ".join(filter(None, (error.context, reason)))
    return f"line {line + 1}, column {column + 1}: {problem}"
