"""plots_page.py: the page that it has made is the one that it would make."""

import re

import plots_page


def test_the_page_holds_the_versions_that_are_declared_and_their_licences() -> None:
    page = plots_page.PAGE.read_text(encoding="utf-8")
    held = re.findall(r"^/\* (\S+) (\S+) \*/$", page, flags=re.MULTILINE)
    assert held == [*plots_page.PACKAGES.items()]
    licences = page[: page.index("<script>")]
    assert "University of Washington Interactive Data Lab" in licences
    assert "Mike Bostock" in licences
