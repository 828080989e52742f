"""The version of the project is the same wherever it is told."""

import re
import tomllib

import yaml

from tests.workflow.project import ROOT

HEADING = re.compile(r"(?m)^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$")


def test_the_citation_and_the_changelog_have_the_projects_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    headings = HEADING.findall((ROOT / "CHANGELOG.md").read_text("utf-8"))
    assert headings[0] == ("Unreleased", "")
    assert project["version"] == citation["version"] == headings[1][0]


def test_the_versions_of_the_changelog_are_in_order() -> None:
    _, *versions = HEADING.findall((ROOT / "CHANGELOG.md").read_text("utf-8"))
    numbers = [tuple(map(int, version.split("."))) for version, _ in versions]
    assert numbers == sorted(set(numbers), reverse=True)
    assert all(date for _, date in versions)
