"""A page with nothing but the parts, and what a browser makes of it."""

import base64
import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

from page.params_json import params_json
from tests.browser.page import chromium
from tests.workflow.project import ROOT

# What the page that explains a study must allow, and no more.
POLICY = "default-src 'none'; script-src 'unsafe-inline' file:; style-src file:; worker-src blob:"

SCOPE = """
const main = document.querySelector("main");
const pause = (milliseconds) => new Promise((resume) => setTimeout(resume, milliseconds));
"""

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>The parts of the page</title>
{styles}
<body>
<main></main>
<script type="module">
  import {{ contextOf, mountAll }} from "{harness}";
  window.context = contextOf({study});
  await mountAll(document.querySelector("main"), context);
  document.body.dataset.ready = "";
</script>
"""


def page_study(study: dict[str, Any], states: Any) -> dict[str, Any]:
    """Return the study with all that the parts take of it."""
    preparation = {"ground": 8 / 255, "ink_height": 6, "ink_width": 4}
    return study | {
        "params": params_json(ROOT / "params.yaml"),
        "preparation": dict.fromkeys(study["models"], preparation),
        "digests": {},
        "parameters": {
            name: {
                seed: base64.b64encode(state["theta"].astype("<f8").tobytes()).decode()
                for seed, state in seeds.items()
            }
            for name, seeds in states.items()
        },
    }


def write_page(page: Path, study: dict[str, Any]) -> None:
    """Write the page of a study."""
    folder = ROOT / "src/browser/page"
    styles = [f'<link rel="stylesheet" href="{css.as_uri()}">' for css in folder.glob("*.css")]
    harness = (ROOT / "tests/browser/page/harness.js").as_uri()
    page.write_text(
        PAGE.format(
            policy=POLICY,
            styles="\n".join(styles),
            harness=harness,
            study=json.dumps(study),
        ),
        encoding="utf-8",
    )


def evaluated(page: Path, study: dict[str, Any], code: str) -> Any:
    """Return what the body of an async function returns in the page; the console must be silent."""
    write_page(page, study)
    # Without this option, a page that is a file may import no other file.
    options = (*chromium.OPTIONS, "--allow-file-access-from-files")
    with (
        patch.object(chromium, "OPTIONS", options),
        chromium.opened(page, page.parent / "profile") as tab,
    ):
        tab.wait_for("document.body.dataset.ready === ''")
        told = tab.evaluate(f"(async () => {{ {SCOPE} {code} }})()")
        assert [each for each in tab.problems if not each.startswith(("file:", "blob:"))] == []
    return told
