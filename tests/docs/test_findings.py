"""docs/findings.md: no number in it is typed by hand."""

import json
import re
import shutil
from pathlib import Path

import pytest

from cited_numbers import CODE_OR_CITED, renewed
from tests.workflow.project import ROOT

PAGE = ROOT / "docs/findings.md"
TEXT = PAGE.read_text(encoding="utf-8")

# What no run decides: sizes, and the level of the intervals. With the words that follow, so that
# no accuracy passes for one of them.
CONSTANTS = ("6x6", "2x2", "96 samples", "96 digits", "446 test digits",
             "95 % interval", "95 % bootstrap interval", "95 % mark")  # fmt: skip


def typed_numbers(markdown: str) -> list[str]:
    """Return the words with a digit that stand neither in a citation nor in code nor in a target.

    The text of a link that leads to no value counts, since a reader takes it for the page's own.
    """
    text = CODE_OR_CITED.sub(" ", markdown)
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", " ", text)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    for constant in CONSTANTS:
        text = re.sub(rf"(?<![\w.,+-]){re.escape(constant)}(?!\w)", " ", " ".join(text.split()))
    return re.findall(r"\S*\d\S*", text)


def test_no_number_is_typed_by_hand() -> None:
    assert typed_numbers(TEXT) == []


@pytest.mark.parametrize("typed", [
    "86.43", "+5", "10", "96", "196 samples", "0.96 samples", "95 %", "p=0.04", "1e-3", "3x3",
    "**7**", "[86.4](../metrics/summary.json)",
])  # fmt: skip
def test_a_typed_number_is_seen(typed: str) -> None:
    assert len(typed_numbers(f"{TEXT}\nSome {typed}, then.\n")) == 1


def test_a_stale_number_is_seen_and_only_it_is_renewed(tmp_path: Path) -> None:
    page = tmp_path / "docs/findings.md"
    page.parent.mkdir()
    page.write_text(TEXT, encoding="utf-8")
    for name in {link["file"] for link in CODE_OR_CITED.finditer(TEXT)} - {None}:
        (page.parent / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PAGE.parent / name, page.parent / name)
    assert renewed(page) == TEXT

    file = tmp_path / "metrics/summary.json"
    summary = json.loads(file.read_text(encoding="utf-8"))
    summary["E-RMS"]["dead_logit_runs"] = 1234
    file.write_text(json.dumps(summary), encoding="utf-8")
    link = re.compile(r'\[\d+\](\(../metrics/summary.json\s+"E-RMS/dead_logit_runs"\))')
    assert renewed(page) == link.sub(r"[1234]\1", TEXT) != TEXT
