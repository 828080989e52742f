"""In a browser itself, as in Node, a run of the study is the committed one."""

import json
from pathlib import Path

import pytest

from page.study_json import parameters_digest
from tests.browser.experiment.test_study import record, study
from tests.headless import needs_browser, rendered
from tests.workflow.project import ROOT

PAGE = """<!doctype html>
<title>A run</title>
<script type="module">
  import {{ parametersDigest }} from "{source}/digest.js";
  import {{ trainRun }} from "{source}/experiment/run.js";
  const {{ network }} = trainRun({study}, "E-Adam", 0);
  document.body.textContent = parametersDigest(network.state());
</script>
"""


@pytest.mark.release
@needs_browser
def test_a_browser_trains_to_the_same_bits(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    source = (ROOT / "src" / "browser").as_uri()
    page.write_text(PAGE.format(source=source, study=json.dumps(study())), encoding="utf-8")
    # Without this option, a page that is a file may import no other file.
    dom, console = rendered(page, 1300, "--allow-file-access-from-files")
    assert console == []
    digest = parameters_digest(record("E-Adam", 0)["checkpoint.npz"])
    assert f"<body>{digest}</body>" in dom
