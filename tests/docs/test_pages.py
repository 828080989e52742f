"""The pages: their generated parts, the numbers that they cite, and links."""

import re
from pathlib import Path

import pytest

import refresh
from cited_numbers import CODE_OR_CITED, renewed
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


def test_every_generated_part_of_the_readme_is_there_and_filled() -> None:
    parts = re.findall(r"<!-- generated: (\S+) -->\n(.*?)<!-- end -->", README, flags=re.DOTALL)
    assert {name for name, _ in parts} == {*refresh.COMMANDS}
    for name, content in parts:
        assert content.startswith(f"```console\n$ {refresh.COMMANDS[name]}\n")


def test_every_generated_part_of_another_page_is_a_table() -> None:
    pages = [page for page in refresh.PAGES if page != refresh.README]
    parts = {(page, name) for page in pages for name in refresh.part_names(page)}
    assert parts == {(page, name) for page, name, _ in refresh.TABLES}


@pytest.mark.parametrize("page", refresh.PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_number_is_stale(page: Path) -> None:
    assert renewed(page) == page.read_text(encoding="utf-8")


def test_every_page_that_cites_numbers_is_renewed() -> None:
    patterns = ("*.md", "docs/*.md", "data/*.md", "studies/*/*.md")
    for page in (path for pattern in patterns for path in ROOT.glob(pattern)):
        found = CODE_OR_CITED.finditer(page.read_text(encoding="utf-8"))
        assert page in refresh.PAGES or not any(link["file"] for link in found), page


def test_the_pair_cited_for_the_published_network_is_it() -> None:
    """The page does not show its names."""
    pairs = re.findall(r'"comparisons/([^/]+)/', (ROOT / "README.md").read_text(encoding="utf-8"))
    assert set(pairs) == {"E-plain-squeezed - E-plain-free"}


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
