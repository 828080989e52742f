"""The page of `dvc plots show` and `dvc plots diff`: offline, and with everything drawn."""

import re
from pathlib import Path

import pytest

from tests.headless import needs_browser, rendered
from tests.workflow.conftest import MODELS, SEEDS
from tests.workflow.project import Project

CURVES = ("Training_loss", "Validation_loss", "Training_accuracy", "Validation_accuracy")
RUNS = ("Training_loss_of_every_run", "Validation_loss_of_every_run")
SCORES = "Accuracy_of_every_run"
CONFUSION = tuple(f"plot_data_predictions_{model}_csv" for model in MODELS)
PICTURES = tuple(
    f"plots_{name}_png"
    for name in ("accuracy_by_seed", "calibration", "collapse", "comparisons", "confusion",
                 "dataset", "filters", "loss", "misclassified")
)  # fmt: skip
SPLITS = 3
CELL = re.compile(r"predicted label: \d+; true label: \d+; xy_count: \d+")
KNOWN = 'WARN Dropping {} from channel "row"'  # of DVC's own template


def plots_page(project: Project, *command: str) -> Path:
    return Path(project.dvc("plots", *command).stdout.strip().removeprefix("file://"))


def plots(dom: str) -> dict[str, str]:
    """Return the HTML of each plot by its name."""
    parts = dom[dom.index("<body") :].split('<div id="')[1:]
    return {part[: part.index('"')]: part for part in parts}


def drawn(plot: str, mark: str) -> list[str]:
    """Return the drawn shapes of a kind of mark."""
    groups = re.findall(rf'<g class="mark-{mark} role-mark[^"]*"[^>]*>(.*?)</g>', plot, re.DOTALL)
    return re.findall(r'<path[^>]* d="M[^>]*>', "".join(groups))


@pytest.mark.release
@needs_browser
@pytest.mark.parametrize("width", [1300, 500])
def test_every_plot_is_drawn_without_the_web(clone: Project, width: int) -> None:
    dom, console = rendered(plots_page(clone, "show"), width)
    assert [line for line in console if KNOWN not in line] == []
    found = plots(dom)
    assert set(found) == {*CURVES, *RUNS, SCORES, *CONFUSION, *PICTURES}
    for name in CURVES:
        assert len(drawn(found[name], "line")) == len(drawn(found[name], "area")) == len(MODELS)
    for name in RUNS:
        assert len(drawn(found[name], "line")) == len(MODELS) * len(SEEDS)
    assert len(drawn(found[SCORES], "symbol")) == len(MODELS) * len(SEEDS) * SPLITS
    for name, model in zip(CONFUSION, MODELS, strict=True):
        cells = set(CELL.findall("".join(drawn(found[name], "rect"))))
        predictions = (clone.folder / f"plot_data/predictions/{model}.csv").read_text().splitlines()
        assert sum(int(cell.split()[-1]) for cell in cells) == len(predictions) - 1 > 0
    for name in PICTURES:
        (source,) = re.findall(r'<img src="([^"]*)"', found[name])
        assert (clone.folder / "dvc_plots" / source).exists()


@pytest.mark.release
@needs_browser
def test_two_revisions_are_told_apart_by_their_dashes(project: Project) -> None:
    project.edit_params(lambda params: params["models"]["S-SGD"]["optimizer"].update(lr=0.5))
    project.repro()
    dom, console = rendered(plots_page(project, "diff"))
    assert [line for line in console if KNOWN not in line] == []
    found = plots(dom)
    for name in CURVES:
        lines = drawn(found[name], "line")
        assert len(lines) == 2 * len(MODELS)
        dashes = [re.findall(r'stroke-dasharray="([^"]*)"', line)[0] for line in lines]
        assert len(set(dashes)) == 2
        colors = [re.findall(r'stroke="([^"]*)"', line)[0] for line in lines]
        assert len(set(colors)) == len(MODELS)
    for name in RUNS:
        assert len(drawn(found[name], "line")) == 2 * len(MODELS) * len(SEEDS)
    assert len(drawn(found[SCORES], "symbol")) == 2 * len(MODELS) * len(SEEDS) * SPLITS
    assert all("HEAD" in found[name] and "workspace" in found[name] for name in CONFUSION)
    assert all(found[name].count("<img") == 2 for name in PICTURES)


@pytest.mark.release
@needs_browser
def test_a_request_to_the_web_would_be_seen(clone: Project) -> None:
    page = plots_page(clone, "show")
    text = page.read_text(encoding="utf-8")
    page.write_text(text + '<img src="https://example.org/picture.png">', encoding="utf-8")
    _, console = rendered(page)
    assert any("https://example.org/picture.png" in line for line in console)
