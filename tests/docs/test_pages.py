"""The pages: their generated parts and links."""

import re
from pathlib import Path

import pytest

import refresh
from tests.workflow.project import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_no_table_is_stale() -> None:
    for page, name, file in refresh.TABLES:
        assert refresh.copy_table(page, name, file) == page.read_text(encoding="utf-8")


def test_the_compared_accuracies_are_those_of_the_study() -> None:
    """The portable columns of the table in docs/portability.md."""
    study = _rows(ROOT / "metrics/results.md")
    compared = _rows(ROOT / "benchmarks/numerics_accuracy.md")
    assert len(compared) == len(study) > 0
    for ours, row in zip(study, compared, strict=True):
        assert row["model"] == ours["Model"]
        assert row["training, portable"] == ours["Training"]
        assert row["test, portable"] == ours["Test"]


def _rows(file: Path) -> list[dict[str, str]]:
    """Return the rows of a file's Markdown table, by column."""
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    header, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_a_stale_table_would_be_seen() -> None:
    page, name, _ = refresh.TABLES[0]
    text = page.read_text(encoding="utf-8")
    assert refresh.replace_part(text, name, "| other |\n") != text


def test_every_generated_part_of_the_readme_is_there_and_filled() -> None:
    parts = re.findall(r"<!-- generated: (\S+) -->\n(.*?)<!-- end -->", README, flags=re.DOTALL)
    assert {name for name, _ in parts} == {*refresh.COMMANDS}
    for name, content in parts:
        assert content.startswith(f"```console\n$ {refresh.COMMANDS[name]}\n")


def test_every_generated_part_of_another_page_is_a_table() -> None:
    pages = [page for page in refresh.PAGES if page != refresh.README]
    parts = {(page, name) for page in pages for name in refresh.part_names(page)}
    assert parts == {(page, name) for page, name, _ in refresh.TABLES}


def test_an_unknown_part_is_an_error() -> None:
    with pytest.raises(ValueError, match="found 0"):
        refresh.replace_part(README, "no-such-part", "")


@pytest.mark.parametrize("document", sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "data/*.md", "studies/*/*.md")
    for path in ROOT.glob(pattern)
))  # fmt: skip
def test_links_lead_to_files_and_headings(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:|mailto:", target):
            continue
        name, _, anchor = target.partition("#")
        file = ((ROOT / document).parent / name) if name else ROOT / document
        assert file.exists(), f"{document}: {target}"
        if anchor:
            assert anchor in headings(file.read_text(encoding="utf-8")), f"{document}: {target}"


def headings(markdown: str) -> set[str]:
    """Return the anchors that GitHub gives a document's headings."""
    titles = re.findall(r"^#+ (.+)$", markdown, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
