"""The numbers that pages cite from JSON files: in step, in which form, and what goes wrong."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import refresh
from cited_numbers import CODE_OR_CITED, renewed
from cnn_from_scratch import InputError
from tests.workflow.project import ROOT


@pytest.mark.parametrize("page", refresh.PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_number_is_stale(page: Path) -> None:
    assert renewed(page) == page.read_text(encoding="utf-8")


def test_every_page_that_cites_numbers_is_renewed() -> None:
    patterns = ("*.md", "docs/*.md", "data/*.md", "studies/*/*.md")
    for page in (path for pattern in patterns for path in ROOT.glob(pattern)):
        found = CODE_OR_CITED.finditer(page.read_text(encoding="utf-8"))
        assert page in refresh.PAGES or not any(link["file"] for link in found), page


@pytest.mark.parametrize("page", ["README.md", "docs/abstract.md"])
def test_the_pair_cited_for_the_published_network_is_it(page: str) -> None:
    """These pages do not show its names."""
    pairs = re.findall(r'"comparisons/([^/]+)/', (ROOT / page).read_text(encoding="utf-8"))
    assert set(pairs) == {"E-plain-squeezed - E-plain-free"}


VALUES = {
    "mean": 0.86437,
    "low": -0.0312,
    "tiny": -0.00001,
    "zero": -0.0,
    "n": 10,
    "best": "S-Adam",
    "null": None,
    "flag": True,
    "E: free logits": {"interval_95": [0.086771, 0.294176]},
    "S-Adam/0.01": {"mean": 0.5},
    "S-Adam": {"mean": 0.25},
    "runs": [{"first": "E-RMS"}],
}


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """The path of a page beside the file values.json."""
    (tmp_path / "values.json").write_text(json.dumps(VALUES), encoding="utf-8")
    return tmp_path / "page.md"


def renew(page: Path, markdown: str) -> str:
    page.write_text(markdown, encoding="utf-8")
    return renewed(page)


@pytest.mark.parametrize(("text", "path", "expected"), [
    ("1", "mean", "1"),
    ("1.0", "mean", "0.9"),
    ("1.0000", "mean", "0.8644"),
    ("50.0", "mean in %", "86.4"),
    ("+5.0", "mean in %", "+86.4"),
    ("-5.0", "mean in %", "86.4"),  # a minus is no form, only a sign
    ("5.00", "low in %", "-3.12"),
    ("+5.00", "low in %", "-3.12"),
    ("0.00", "tiny", "0.00"),
    ("+0.00", "tiny", "+0.00"),
    ("1.0", "zero", "0.0"),
    ("7", "n", "10"),
    ("7.0", "n", "10.0"),
    ("7", "n in %", "1000"),
    ("E-RMS", "best", "S-Adam"),
    ("5.0", "E: free logits/interval_95/0 in %", "8.7"),
    ("+5", "E: free logits/interval_95/1 in %", "+29"),
    ("1.00", "S-Adam/0.01/mean", "0.50"),
    ("1.00", "S-Adam/mean", "0.25"),
    ("S", "runs/0/first", "E-RMS"),
])  # fmt: skip
def test_the_form_of_a_number(page: Path, text: str, path: str, expected: str) -> None:
    markdown = f'Of [a, b) and **[{{}}](values.json "{path}")** %, [see](values.json).\n'
    assert renew(page, markdown.format(text)) == markdown.format(expected)


def test_a_link_may_go_over_two_lines(page: Path) -> None:
    assert renew(page, '[1](values.json\n"n")') == '[10](values.json\n"n")'


@pytest.mark.parametrize("markdown", [
    '`[1](values.json "n")`',
    '`code\nover lines [1](values.json "n")`',
    'Text:\n\n```markdown\n[1](values.json "n") and ` alone\n```\n',
    '![1](values.json "n")',
])  # fmt: skip
def test_code_and_images_are_left_alone(page: Path, markdown: str) -> None:
    assert renew(page, markdown) == markdown
    assert renew(page, f'{markdown}\n[1](values.json "n")\n`') == (
        f'{markdown}\n[10](values.json "n")\n`'
    )


@pytest.mark.parametrize(("link", "message"), [
    ('[1](values.json "null")', "the value of 'null' is null, not a number"),
    ('[1](values.json "flag")', "the value of 'flag' is a bool, not a number"),
    ('[1](values.json "runs")', "the value of 'runs' is a list, not a number"),
    ('[1](values.json "best in %")', "the value of 'best in %' is a str, not a number"),
    ('[1](values.json "")', "the value of '' is a dict, not a number"),
    ('[1](values.json "median in %")', "no key in the file for 'median'"),
    ('[1](values.json "S-Adam/sd")', "no key in the file for 'sd'"),
    ('[1](values.json "runs/1/first")', "no key in the file for '1/first'"),
    ('[1](values.json "n/0")', "no key in the file for '0'"),
    ('[one](values.json "n")', "'one' is not a number, whose form 10 could take"),
    ('[1](page.md "n")', "the file is not JSON: Expecting value: line 1 column 1 (char 0)"),
])  # fmt: skip
def test_an_error_names_page_link_and_key(page: Path, link: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        renew(page, f"Here {link}.")
    assert str(error.value) == f"{page}: {link}: {message}"


def test_a_missing_file_is_an_error(page: Path) -> None:
    with pytest.raises(InputError, match="No such file") as error:
        renew(page, 'Here [1](no.json\n"n").')
    assert str(error.value).startswith(f'{page}: [1](no.json "n"): ')
    assert "\n" not in str(error.value)


def test_refreshing_renews_the_numbers(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page.write_text('[1](values.json "n")', encoding="utf-8")
    changes: dict[str, Any] = {"TABLES": (), "PAGES": (page,), "README": page}
    for name, value in changes.items():
        monkeypatch.setattr(refresh, name, value)
    monkeypatch.setattr(refresh, "command_parts", dict)
    refresh.main()
    assert page.read_text(encoding="utf-8") == '[10](values.json "n")'
