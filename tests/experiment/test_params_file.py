"""params.yaml is read as DVC reads it, and refused where people may read it otherwise."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.utils.hydra import apply_overrides
from dvc.utils.serialize import parse_yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.params import NO_NAMES
from cnn_from_scratch.experiment.params_file import TEXTS, read_params
from tests.experiment.params_files import COMMITTED

FILES = [COMMITTED, *sorted(COMMITTED.parent.glob("studies/*/params.yaml"))]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("params") / "params.yaml"


def read(file: Path, text: str) -> Any:
    """Return what is in a file of this text."""
    file.write_text(text, encoding="utf-8", newline="")
    return read_params(file)


def refusal(file: Path, text: str) -> str:
    """Return the one line that refuses a file of this text, after the file's name."""
    with pytest.raises(InputError) as error:
        read(file, text)
    (line,) = str(error.value).splitlines()
    assert line.startswith(f"{file}: ")
    return line.removeprefix(f"{file}: ")


# ---------------------------------------------------------------- as DVC


@pytest.mark.parametrize("committed", FILES, ids=lambda file: file.parent.name)
def test_the_committed_files_are_read_as_dvc_reads_them(committed: Path) -> None:
    assert read_params(committed) == parse_yaml(committed.read_text(encoding="utf-8"), "")


CORPUS = [
    ("a: 1e-3", {"a": 0.001}),
    ("a: 1E5", {"a": 1e5}),
    ("a: .5", {"a": 0.5}),
    ("a: 0x1F", {"a": 31}),
    ("a: -.inf", {"a": -float("inf")}),
    ("a: ~\nb: null\nc:", {"a": None, "b": None, "c": None}),
    ("a: True\nb: FALSE", {"a": True, "b": False}),
    ("a: '010'\nb: \"NO\"\nc: '1:30'", {"a": "010", "b": "NO", "c": "1:30"}),
    ("a: |\n  no\n", {"a": "no\n"}),
    ("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
    ("a: &x [1]\nb: [*x, *x]", {"a": [1], "b": [[1], [1]]}),
    ("1: a\n2.5: b\nnull: c", {1: "a", 2.5: "b", None: "c"}),
    ("\ufeffa: 1\r\nb: 2", {"a": 1, "b": 2}),
    (
        "convert:\n  source:\n    sheet: NO\n    test_sheet: 1:30\n    label: y",
        {"convert": {"source": {"sheet": "NO", "test_sheet": "1:30", "label": "y"}}},
    ),
]


@pytest.mark.parametrize(("text", "value"), CORPUS)
def test_a_corpus_is_read_as_dvc_reads_it(text: str, value: Any, file: Path) -> None:
    assert repr(read(file, text)) == repr(value) == repr(parse_yaml(text, ""))


TOKENS = (
    *("a", "b", "10", "010", "1e-3", "NO", "1_0", "2024-05-06", "null", "<<", "=", "'", '"', "#"),
    *(": ", "- ", "? ", "\n", "\n  ", "{", "}", "[", "]", ", ", "&x ", "*x", "!!int ", "!!set "),
    *("|\n  ", "---\n", "%YAML 1.1\n", "! ", "\t", "a: 1\n", "b: {a: 1}\n", "c: &x {a: 2}\n"),
)


@pytest.mark.filterwarnings("ignore::ruamel.yaml.error.ReusedAnchorWarning")
@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(TOKENS), max_size=14).map("".join))
def test_what_is_read_is_what_dvc_reads(file: Path, text: str) -> None:
    """Or there is one line; never anything else."""
    try:
        value = read(file, text)
    except InputError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert repr(value or {}) == repr(parse_yaml(text, ""))


# ---------------------------------------------------------------- two readings

AMBIGUOUS = [
    *("010", "-010", "+010", "00", "08", "0o12", "0O12"),  # octal, or decimal, or text
    *("1:30", "190:20:30", "1:30.5", "-1:30", "1_0:30"),  # to the base of 60, or text
    *("y", "Y", "n", "N", "yes", "Yes", "YES", "no", "No", "NO"),
    *("on", "On", "ON", "off", "Off", "OFF"),
    *("1_000", "1_0.5", "0x_1F", "0b1_0", "+_", "-_"),  # numbers or text
    *("2024-05-06", "2024-5-6", "2024-05-06T01:02:03Z", "2024-13-45", "2024-05-06 01:02:03"),
]


@pytest.mark.parametrize("value", AMBIGUOUS)
def test_what_people_read_in_two_ways_is_refused_with_its_place(value: str, file: Path) -> None:
    assert refusal(file, f"train:\n  epochs: {value}\n") == (
        f"line 2, column 11: train.epochs: YAML 1.1 and 1.2 differ on {value}: write a decimal"
        " number, true or false, or text in quotes"
    )
    assert refusal(file, f"a:\n- 1\n- {value}: 1").startswith(f"line 3, column 3: a[1].{value}: ")
    assert read(file, f"train:\n  epochs: '{value}'\n") == {"train": {"epochs": value}}


SCALARS = st.text("0123456789abefinoxyNOY._:+-eETZ ", min_size=1, max_size=10)
WORDS = st.from_regex(
    r"[-+]?(0[box]?)?[0-9_]{1,4}([.:_eE-][-+]?[0-9_]{0,3}){0,3}|[ynotrufalse]{1,5}", fullmatch=True
)


@settings(max_examples=500, deadline=None)
@given(SCALARS | WORDS)
def test_what_is_left_has_one_meaning(file: Path, scalar: str) -> None:
    """YAML 1.1 has the same value, or a text that Python, too, takes for the number."""
    try:
        (value,) = read(file, f"- {scalar}\n")
        (older,) = yaml.safe_load(f"- {scalar}\n")
    except (InputError, yaml.YAMLError):
        return
    assume(not isinstance(value, dict))  # the scalar ends with a colon
    if isinstance(value, float) and isinstance(older, str):
        assert float(older) == value
    else:
        assert repr(value) == repr(older)


@pytest.mark.parametrize("path", TEXTS)
def test_a_sheets_name_survives_dvcs_loss_of_quotes(path: str, file: Path) -> None:
    """`dvc exp run -S` rewrites the file, and keeps no quotes that YAML 1.2 can do without."""
    section, _, key = path.partition(".")
    for name in [*AMBIGUOUS, "null", "true", "1e-3", "0x1F", "12"]:
        file.write_text(f"{section}:\n  {key}: '{name}'\na: 1\n", encoding="utf-8")
        apply_overrides(file, ["a=2"])
        assert read_params(file) == {section: {key: name}, "a": 2}


@pytest.mark.parametrize("word", NO_NAMES)
def test_the_words_that_cannot_be_names_are_those_with_another_meaning(
    word: str, file: Path
) -> None:
    try:
        assert read(file, f"- {word}") != [word]
    except InputError as error:
        assert re.search(rf"differ on {word}\b", str(error))


# ---------------------------------------------------------------- what is no YAML of ours

TWICE = "while constructing a mapping, found duplicate key"
WRONG = [
    ("a: 1\nb: 2\na: {c: 3}", f'line 3, column 1: {TWICE} "a"'),
    ("a: {b: 1, b: 2}", f'line 1, column 11: {TWICE} "b"'),
    ("a: &x [*x]", "line 1, column 4: a[0]: is part of itself"),
    ("a: !!int 'x'", "line 1, column 4: 'x' is no int"),
    ("a: !!bool maybe", "line 1, column 4: 'maybe' is no bool"),
    ("a: !!int ''", "line 1, column 4: '' is no int"),
    ("a: !!set {b}", "line 1, column 4: a has an unknown type, tag:yaml.org,2002:set"),
    ("a: !mine b", "line 1, column 4: a has an unknown type, !mine"),
    ("a: =", "line 1, column 4: a has an unknown type, tag:yaml.org,2002:value"),
    ("? [a]\n: 1", "line 1, column 3: expected text for a key, found a list or a mapping"),
    ("%YAML 1.1\n---\na: 1", "expected no line that begins with '%': DVC reads YAML 1.2"),
    (f"a: {'9' * 5000}", f"line 1, column 4: '{'9' * 40}' is no int"),
    ("[" * 3000 + "]" * 3000, "brackets or lists too deep in each other"),
]


@pytest.mark.parametrize(("text", "line"), WRONG, ids=[text[:20] for text, _ in WRONG])
def test_what_is_refused_otherwise(text: str, line: str, file: Path) -> None:
    assert refusal(file, text) == line


def test_a_few_aliases_do_not_multiply_the_work(file: Path) -> None:
    """Nine lines of nine aliases each would be 9^9 nodes."""
    lines = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    value = read(file, "\n".join(["a0: &a0 [x]", *lines]))
    assert value["a9"][0] is value["a8"]
