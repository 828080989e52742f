"""study_report.py: what it tells of the results that are committed."""

import re

import study_report
from tests.experiment.params_files import COMMITTED
from tests.workflow.test_study_report import COMMENT_LIMIT


def test_the_findings_are_told_while_they_are_those_of_the_results() -> None:
    text = study_report.findings()
    assert "### What the published table measures" in text
    assert "![Training accuracy of every run" in text
    assert not re.search(r"(?<!!)\[[^\]]*\]\(", re.sub(r"!\[.*?\)", "", text))


def test_the_whole_study_with_its_parameters_fits_into_a_comment() -> None:
    page = study_report.markdown_page(study_report.sections("HEAD"))
    assert COMMITTED.read_text(encoding="utf-8") in page
    assert len(page) < COMMENT_LIMIT
