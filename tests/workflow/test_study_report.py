"""The report: a page that stands alone, and the same as a comment."""

import re
import sys
from pathlib import Path

import pytest

from tests.headless import needs_browser, rendered
from tests.workflow.project import Project

COMMENT_LIMIT = 65_536  # GitHub's, in characters


def report(project: Project) -> tuple[str, str]:
    """Write the report in a project; return its HTML and its Markdown."""
    project.run(sys.executable, "tools/study_report.py")
    html, markdown = (project.folder / name for name in ("report.html", "report.md"))
    return html.read_text(encoding="utf-8"), markdown.read_text(encoding="utf-8")


@pytest.mark.release
def test_the_report_tells_what_an_experiment_has_changed(project: Project) -> None:
    project.edit_params(lambda params: params["models"]["S-SGD"]["optimizer"].update(lr=0.5))
    project.repro()
    html, markdown = report(project)
    changes, results = (markdown.partition("## Results")[i] for i in (0, 2))
    assert re.search(r"params.yaml +\| models.S-SGD.optimizer.lr +\| 0.9 +\| 0.5", changes)
    assert "S-SGD.test_loss.mean" in changes
    assert "E-Adam" not in changes
    assert (project.folder / "metrics/results.md").read_text(encoding="utf-8").strip() in results
    assert "without what is not committed" in markdown
    assert "Left out: `docs/findings.md`" in markdown  # it tells of the whole study
    for text in ("models.S-SGD.optimizer.lr", "S-SGD.test_loss.mean", "without what is not"):
        assert text in html
    assert len(markdown) < COMMENT_LIMIT


def test_nothing_changed_is_said(clone: Project) -> None:
    _, markdown = report(clone)
    assert "No parameter and no metric differs from `HEAD`." in markdown
    assert f"git checkout {clone.git('rev-parse', 'HEAD').strip()}" in markdown
    assert "`make verify` proves" in markdown
    assert clone.git("status", "--porcelain") == ""


def test_an_unknown_base_is_one_line_and_writes_nothing(clone: Project) -> None:
    command = (sys.executable, "tools/study_report.py", "--base", "nope")
    failed = clone.run(*command, check=False)
    assert failed.returncode == 1
    assert failed.stderr.splitlines() == [
        "error: dvc params diff --md nope: ERROR: unknown Git revision 'nope'"
    ]
    assert not list(clone.folder.glob("report.*"))


def test_both_pages_have_the_same_sections_and_pictures(clone: Project) -> None:
    html, markdown = report(clone)
    titles = re.findall(r"^(?:## |<details><summary>)([^<\n]+)", markdown, flags=re.MULTILINE)
    assert titles == re.findall(r"<h2>(.*?)</h2>", html)
    assert titles == ["Changes", "Results", "Figures", "Findings", "Statistics", "Parameters",
                      "How to reproduce"]  # fmt: skip
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", markdown)
    assert set(pictures) >= {p.relative_to(clone.folder).as_posix()
                             for p in clone.folder.glob("plots/*.png")}  # fmt: skip
    assert all((clone.folder / picture).exists() for picture in pictures)
    assert len(re.findall(r'<img alt="[^"]+" src="data:image/png;base64,', html)) == len(pictures)


@pytest.mark.release
@needs_browser
@pytest.mark.parametrize("width", [1300, 500])
def test_the_page_stands_alone(clone: Project, tmp_path: Path, width: int) -> None:
    html, _ = report(clone)
    alone = tmp_path / "alone" / "report.html"
    alone.parent.mkdir()
    check = ("document.title = [document.documentElement.scrollWidth <= innerWidth,"
             "[...document.images].every(image => image.naturalWidth > 0)]")  # fmt: skip
    script = f"<script>addEventListener('load', () => {{ {check} }})</script>"
    alone.write_text(html + script, encoding="utf-8")
    dom, console = rendered(alone, width)
    assert console == []
    assert "<title>true,true</title>" in dom
    assert not re.findall(r'(?:src|href)="(?!data:|#)', html)
