"""The benchmarks' pages are made from their figures, and their targets speak of what is timed."""

import json
from typing import Any

import results_page
from contenders import CONTENDERS
from pipeline import PIPELINES
from targets import NATIVE, TARGETS, TORCH, TORCH_COMPILED, target_rows
from tests.workflow.project import ROOT

FOLDER = ROOT / "benchmarks"
RESULTS: dict[str, Any] = json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))


def test_the_pages_show_the_figures() -> None:
    assert (FOLDER / "results.md").read_text(encoding="utf-8") == results_page.page(RESULTS)
    tables = {path.stem: path.read_text("utf-8") for path in (FOLDER / "tables").glob("*.md")}
    own = {name: table for name, table in tables.items() if not name.startswith("builds_")}
    assert own == results_page.tables(RESULTS)  # builds.py writes its own


def test_the_targets_name_works_and_contenders() -> None:
    for target in TARGETS:
        assert {target.ours, *target.others} <= {*CONTENDERS, *PIPELINES}
        assert target.work in RESULTS[target.part]["table"], target


def test_a_target_is_met_or_missed() -> None:
    target = TARGETS[0]
    entries = {label: {"values": [1.0, 2.0], "median": 1.5} for label in target.others}
    for median, verdict in ((1.0, "met"), (4.0, "**missed**")):
        ours = {"values": [median, 2 * median], "median": 1.5 * median}
        table = {target.work: entries | {target.ours: ours}}
        row, *others = target_rows({target.part: {"table": table}})
        assert row[2:] == [f"{median:.2f}", f"{target.limit:g}", verdict]
        assert all("not measured" in other for other in others[3:])


def test_the_overview_takes_the_fastest_of_each_kind() -> None:
    times = {NATIVE: 2.0, TORCH: 6.0, TORCH_COMPILED: 4.0}
    entries = {label: {"values": [time], "median": time} for label, time in times.items()}
    entries[NATIVE]["unit"] = "ms"
    part, work = results_page.OVERVIEW_ROWS[0]
    header, _, row = results_page.overview({part: {"table": {work: entries}}}).splitlines()
    cells = zip(header.split(" | "), row.split(" | "), strict=True)
    measured = {name: cell for name, cell in cells if cell.strip("| ")}
    assert measured == {"| work": f"| {work}", NATIVE: "2.00 ms", "PyTorch, float32": "2.00"}
