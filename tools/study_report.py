"""Write the study's report: one page that stands alone, and the same as a comment in Markdown.

Usage: python tools/study_report.py [--base REVISION], after `dvc repro`; `make report` does both.
Writes report.html, which holds its pictures, and report.md, whose pictures are links into this
folder. What was changed is told against the base.
"""

import base64
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stages"))

import start

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

import cited_numbers
from cnn_from_scratch import InputError
from cnn_from_scratch.arguments import Parser
from cnn_from_scratch.experiment.files import replacing, write_text

ROOT = Path(__file__).resolve().parents[1]
FINDINGS = ROOT / "docs" / "findings.md"
TITLE = "cnn-from-scratch: report"
IMAGE_OR_LINK = re.compile(r'(!?)\[([^\[\]]*)\]\((?!https?:)([^\s()]+)(?:\s+"[^"]*")?\)')

FIGURES = {
    "plots/loss.png": "Training loss, mean over seeds, with bands of one SD",
    "plots/accuracy_by_seed.png": "Accuracy of every run",
    "plots/collapse.png": "Training accuracy of every run against its number of dead logits",
    "plots/comparisons.png": "Differences between every two models, with how often one is better",
    "plots/confusion.png": "Confusion matrices, all seeds together",
    "plots/calibration.png": "How sure the networks are, and how often they are right",
    "plots/misclassified.png": "The samples most often misclassified",
    "plots/filters.png": "Kernels and feature maps of a run",
    "plots/dataset.png": "The dataset",
}

STYLE = """
body { max-width: 62rem; margin: 0 auto; padding: 1rem; line-height: 1.5;
       font-family: system-ui, sans-serif; color: #1a1a1a; background: white; }
h1, h2, h3 { line-height: 1.2; break-after: avoid; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #ccc; padding-bottom: 0.2rem; }
p, ul { max-width: 46rem; }
em { color: #555; font-style: normal; font-size: 0.9rem; }
nav { display: flex; flex-wrap: wrap; gap: 0.3rem 1rem; }
a { color: #0059a0; }
img { display: block; max-width: 100%; height: auto; break-inside: avoid; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.85rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.6rem; border-bottom: 1px solid #ddd; text-align: left;
         white-space: nowrap; }
tr { break-inside: avoid; }
pre { overflow-x: auto; padding: 0.8rem; background: #f5f5f5; font-size: 0.85rem; }
@media print {
  body, p, ul { max-width: none; }
  body { padding: 0; font-size: 10pt; }
  nav { display: none; }
  table { font-size: 7pt; }
  th, td { padding: 0.1rem 0.3rem; white-space: normal; }
  pre { white-space: pre-wrap; }
}
"""


@dataclass(frozen=True)
class Section:
    """A part of the report, in Markdown. long: a comment shows it only when it is asked to."""

    title: str
    body: str
    long: bool = False


def sections(base: str) -> list[Section]:
    """Return the report of the current workspace, with its changes since a Git revision."""
    others = (path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("plots/*.png")))
    captions = FIGURES | {path: Path(path).stem for path in others if path not in FIGURES}
    figures = [f"![{caption}]({path})\n\n*{caption}.*" for path, caption in captions.items()]
    params = (ROOT / "params.yaml").read_text("utf-8")
    return [
        Section("Changes", changes(base)),
        Section("Results", (ROOT / "metrics/results.md").read_text("utf-8")),
        Section("Figures", "\n\n".join(figures)),
        Section("Findings", findings(), long=True),
        Section("Statistics", part_of_a_page(ROOT / "metrics/statistics.md"), long=True),
        Section("Parameters", f"```yaml\n{params}```", long=True),
        Section("How to reproduce", how_to_reproduce()),
    ]


def changes(base: str) -> str:
    """Return how parameters and metrics differ from a revision, as DVC tells it."""
    tables = [run("dvc", kind, "diff", "--md", base).strip() for kind in ("params", "metrics")]
    changed = [table for table in tables if len(table.splitlines()) > 2]  # rows below its head
    if not changed:
        return f"No parameter and no metric differs from `{base}`."
    return "\n\n".join(changed)


def findings() -> str:
    """Return docs/findings.md, or why it is left out."""
    try:
        told = cited_numbers.renewed(FINDINGS) == FINDINGS.read_text("utf-8")
    except InputError:
        told = False
    if told:
        return part_of_a_page(FINDINGS)
    return "Left out: `docs/findings.md` tells of other results than those above."


def part_of_a_page(page: Path) -> str:
    """Return a page's text as a section: without its title and links, its headings one lower.

    Links lead nowhere from a page that stands alone; only their texts are kept. Those of pictures
    are kept, too, from the project's folder.
    """

    def standing_alone(found: re.Match[str]) -> str:
        image, text, target = found.groups()
        path = (page.parent / target).resolve()
        return f"![{text}]({path.relative_to(ROOT).as_posix()})" if image else text

    _, _, body = page.read_text("utf-8").partition("\n")
    return re.sub(r"^#", "##", IMAGE_OR_LINK.sub(standing_alone, body), flags=re.MULTILINE).strip()


def how_to_reproduce() -> str:
    """Return the commands that lead to the same results, bit by bit."""
    commit = run("git", "rev-parse", "HEAD").strip()
    steps = f"In a clone of the repository:\n\n```console\ngit checkout {commit}\nmake\n```"
    if run("git", "status", "--porcelain"):
        return f"{steps}\n\nThat is without what is not committed here yet."
    return f"{steps}\n\n`make verify` proves that the results are the same, bit by bit."


def run(*command: str) -> str:
    """Return what a command prints. Raises InputError if it fails."""
    program = (sys.executable, "-m", "dvc") if command[0] == "dvc" else command[:1]
    result = subprocess.run(
        [*program, *command[1:]], cwd=ROOT, text=True, capture_output=True, check=False
    )
    if result.returncode:
        reason = (result.stderr.strip() or result.stdout.strip()).splitlines()[-1]
        raise InputError(f"{' '.join(command)}: {reason}")
    return result.stdout


def markdown_page(parts: Iterable[Section]) -> str:
    """Return the report in Markdown, its long sections folded."""
    texts = [
        f"<details><summary>{part.title}</summary>\n\n{part.body.strip()}\n\n</details>\n"
        if part.long
        else f"## {part.title}\n\n{part.body.strip()}\n"
        for part in parts
    ]
    return "\n".join([f"# {TITLE}\n", *texts])


def html_page(parts: Sequence[Section]) -> str:
    """Return the report as a page that needs no other file."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("image", _embedded_image)
    markdown.add_render_rule("table_open", lambda *_: '<div class="table"><table>\n')
    markdown.add_render_rule("table_close", lambda *_: "</table></div>\n")
    titles = {part.title: part.title.lower().replace(" ", "-") for part in parts}
    links = "\n".join(f'<a href="#{anchor}">{title}</a>' for title, anchor in titles.items())
    bodies = "\n".join(
        f'<section id="{titles[part.title]}">\n<h2>{part.title}</h2>\n{markdown.render(part.body)}'
        "</section>"
        for part in parts
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{TITLE}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{TITLE}</h1>\n<nav>\n{links}\n</nav>\n{bodies}\n</body>\n</html>\n"
    )


def _embedded_image(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any
) -> str:
    image = tokens[index]
    data = base64.b64encode((ROOT / str(image.attrs["src"])).read_bytes()).decode()
    return f'<img alt="{escape(image.content)}" src="data:image/png;base64,{data}">'


def main(base: str) -> None:
    """Write both pages, or none."""
    parts = sections(base)
    with ExitStack() as stack:
        for name, page in (("report.html", html_page), ("report.md", markdown_page)):
            write_text(stack.enter_context(replacing(ROOT / name)), page(parts))
    print("report.html, report.md")


if __name__ == "__main__":
    parser = Parser(description=__doc__)
    parser.add_argument("--base", default="HEAD", help="a Git revision; default: HEAD")
    main(parser.parse_args().base)
