"""Write what is generated in the pages anew, from the built studies and from real commands.

Usage: python tools/refresh.py, after `dvc repro`.

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`; a single number is a
link to the file that it comes from (cited_numbers.py). The commands run in a temporary clone of
what is committed, with an empty DVC cache: what they print must not depend on the experiments that
this checkout's cache remembers.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stages"))

import start

import cited_numbers
import params_schema
from cnn_from_scratch.experiment.files import write_json

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"

STUDIES = sorted(path.parent for path in (ROOT / "studies").glob("*/dvc.yaml"))


def part_names(page: Path) -> list[str]:
    """Return the names of a page's generated parts."""
    return re.findall(r"^<!-- generated: (\S+) -->$", page.read_text("utf-8"), re.MULTILINE)


# The tables that are copied from files: page, name of the part, file. In a study's page a part has
# the name of the file, which is in one of the study's folders.
TABLES = (
    (ROOT / "docs/results.md", "results", ROOT / "metrics/results.md"),
    (ROOT / "docs/portability.md", "accuracy", ROOT / "benchmarks/numerics_accuracy.md"),
    (ROOT / "docs/portability.md", "errors", ROOT / "benchmarks/worst_points.md"),
    (ROOT / "docs/portability.md", "cost", ROOT / "benchmarks/tables/numerics_cost.md"),
    (ROOT / "docs/performance.md", "overview", ROOT / "benchmarks/tables/overview.md"),
    (ROOT / "docs/performance.md", "images", ROOT / "benchmarks/tables/images.md"),
    *(
        (
            ROOT / "docs/performance.md",
            f"builds_{part}",
            ROOT / f"benchmarks/tables/builds_{part}.md",
        )
        for part in ("cold", "growth", "workers", "loops")
    ),
    *(
        (study / "README.md", name, next(study.glob(f"*/{name}.md"), study / f"{name}.md"))
        for study in STUDIES
        for name in part_names(study / "README.md")
    ),
)

# The pages whose cited numbers are renewed.
PAGES = (README, *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("studies/*/README.md")))

# Run in this order in one clone; each is the name of a part, and what a user would type.
COMMANDS = {
    "predict": "cnn-predict runs/S-Adam data/handwriting_dataset.xlsx --sheet Test | head -n 5",
    "repro": "dvc repro",
    "exp-run": "dvc exp run -n faster -S models.S-Adam.optimizer.lr=0.02",
    "params-diff": "dvc params diff",
    "metrics-diff": "dvc metrics diff",
    "plots-diff": "dvc plots diff",
}


def replace_part(text: str, name: str, content: str) -> str:
    """Return the text with the named generated part replaced. Raises ValueError if it has none."""
    pattern = rf"(<!-- generated: {re.escape(name)} -->\n).*?(<!-- end -->)"
    new, count = re.subn(pattern, lambda m: m[1] + content + m[2], text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"expected one generated part {name!r}, found {count}")
    return new


def copy_table(page: Path, name: str, file: Path) -> str:
    """Return the page's text with the table that the file holds now."""
    return replace_part(page.read_text("utf-8"), name, file.read_text("utf-8"))


def command_parts() -> dict[str, str]:
    """Run the commands and return each with its output, as Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder, "cnn-from-scratch")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        _run("git config user.name reader && git config user.email reader@example.org", clone)
        _run("dvc repro", clone)
        outputs = {name: _run(command, clone) for name, command in COMMANDS.items()}
    return {
        name: f"```console\n$ {COMMANDS[name]}\n{_readable(output, folder)}\n```\n"
        for name, output in outputs.items()
    }


def _run(command: str, folder: Path) -> str:
    environment = os.environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "DVC_SITE_CACHE_DIR": f"{folder}-site-cache",
        "COLUMNS": "100",
    }
    result = subprocess.run(
        command, shell=True, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    return result.stdout


def _readable(output: str, folder: str) -> str:
    """Return the lines of an output that tell something, with long runs of stages shortened."""
    lines: list[str] = []
    for line in output.replace(folder, "/home/you").splitlines():
        train = re.match(r"(Running stage|Stage) 'train@", line)
        if not line.strip() or line.startswith(("> ", "Updating lock", "runs/")):
            continue
        if train and lines and lines[-1].startswith(train[0]):
            if len(lines) > 1 and lines[-2] == "...":
                lines[-1] = line
            else:
                lines += ["...", line]
            continue
        lines.append(line)
    return "\n".join(lines)


def main() -> None:
    """Refresh the pages, and the schema of params.yaml."""
    write_json(params_schema.FILE, params_schema.params_schema())
    for page, name, file in TABLES:
        page.write_text(copy_table(page, name, file), encoding="utf-8", newline="\n")
    for page in PAGES:
        page.write_text(cited_numbers.renewed(page), encoding="utf-8", newline="\n")
    text = README.read_text(encoding="utf-8")
    for name, part in command_parts().items():
        text = replace_part(text, name, part)
    README.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
