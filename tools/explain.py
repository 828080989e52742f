"""Write explain.html: one page that shows the study in the current folder, and trains it there.

Usage: python tools/explain.py, after `dvc repro`; `make explain` does both. For a study beside the
main one: cd studies/<study> && python ../../tools/explain.py
"""

import base64
import hashlib
import json
import sys
from html import escape
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stages"))

import start

from cnn_from_scratch.arguments import Parser
from cnn_from_scratch.experiment.dataset import DATASET_FILE, load_dataset
from cnn_from_scratch.experiment.files import replacing, write_text
from cnn_from_scratch.experiment.params import Params, load_params
from page.bundle import bundled
from page.explained import explained
from page.params_json import params_json

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "src" / "browser" / "page"


def html_page(study: dict[str, Any], title: str) -> str:
    """Return the page, which needs no other file, and from which no request can leave."""
    style = "\n".join(file.read_text(encoding="utf-8") for file in sorted(PAGE.glob("*.css")))
    script = bundled(PAGE / "main.js", "start")
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)};"
        " worker-src blob:; base-uri 'none'; form-action 'none'"  # a worker runs what readers write
    )
    parts = {
        "title": escape(title),
        "policy": policy,
        "style": style,
        "study": json.dumps(study, separators=(",", ":")).replace("<", "\\u003c"),
        "script": script,
    }
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    first, *rest = page.split("{{")
    filled = [part.partition("}}") for part in rest]
    return first + "".join(parts[name] + text for name, _, text in filled)


def _hash(text: str) -> str:
    """Return how a policy names an inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def dataset_file(params: Params) -> Path:
    """Return where a study's dataset is: it has its own, or is of the main one's."""
    return DATASET_FILE if params.convert is not None else ROOT / DATASET_FILE


def main() -> None:
    """Write the page of the current folder's study."""
    params = load_params()
    study = explained(params, load_dataset(dataset_file(params))) | {"params": params_json()}
    title = "The study" if Path.cwd() == ROOT else Path.cwd().name
    with replacing(Path("explain.html")) as file:
        write_text(file, html_page(study, title))
    print("explain.html")


if __name__ == "__main__":
    Parser(description=__doc__).parse_args()
    main()
