"""The bundler makes one script of modules, and refuses what it would get wrong."""

import subprocess
from pathlib import Path

import pytest

from cnn_from_scratch import InputError
from page.bundle import bundled
from tests.browser.node import Node
from tests.workflow.project import ROOT


def written(folder: Path, modules: dict[str, str]) -> Path:
    for name, text in modules.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "page" / "main.js"


def test_each_module_has_a_scope_of_its_own_and_runs_once(tmp_path: Path, node: Node) -> None:
    entry = written(
        tmp_path,
        {
            "page/main.js": """import { next as after, Count } from "../parts/count.js";
import {
  next,
} from "../parts/other.js";
import { ORDER } from "../parts/order.js";
const hidden = "main's";
export function start() {
  seen.push(hidden, after(), next(), new Count().at, ...ORDER);
}
""",
            "parts/count.js": """import { ORDER } from "./order.js";
const hidden = 1;
ORDER.push("count");
export function next() {
  return hidden;
}
export class Count {
  at = 7;
}
""",
            "parts/other.js": """import { ORDER } from "./order.js";
const hidden = 2;
ORDER.push("other");
export function* numbers() {
  yield hidden;
}
export const next = () => numbers().next().value;
""",
            "parts/order.js": "export const ORDER = [];\n",
        },
    )
    script = bundled(entry, "start")
    assert bundled(entry, "start") == script
    seen = node("const seen = []; new Function('seen', script)(seen); return seen", script=script)
    assert seen == ["main's", 1, 2, 7, "count", "other"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('import * as all from "./other.js";\n', "not a form of import or export known here"),
        ('import other from "./other.js";\n', "not a form of import or export known here"),
        ("export default 1;\n", "not a form of import or export known here: export default"),
        ("export let count = 1;\n", "not a form of import or export known here: export let"),
        ('import { a } from "./gone.js";\n', "gone.js: No such file or directory"),
        ('import { a } from "./main.js";\n', "main.js: expected no circle of imports"),
        ("const a = '</SCRIPT>';\n", "main.js: expected neither </script nor <!--"),
    ],
)
def test_what_it_cannot_bundle_is_refused(tmp_path: Path, text: str, message: str) -> None:
    entry = written(tmp_path, {"page/main.js": text})
    with pytest.raises(InputError, match=message):
        bundled(entry, "start")


def test_the_page_s_script_is_one_that_engines_read(tmp_path: Path, node: Node) -> None:
    script = tmp_path / "page.js"
    script.write_text(bundled(ROOT / "src/browser/page/main.js", "start"), encoding="utf-8")
    subprocess.run(["node", "--check", str(script)], check=True)
