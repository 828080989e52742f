"""power.py: its answer, and its mistakes in one line."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import power as tool
from cnn_from_scratch.data.parquet import write_parquet
from cnn_from_scratch.report import power as of_report
from cnn_from_scratch.report.measures import MEASURES
from tests.workflow.project import ROOT


def power(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "tools/power.py", *arguments],
        cwd=folder,
        text=True,
        capture_output=True,
        check=False,
    )


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A folder with the scores of three models."""
    accuracy = {"A": [0.9, 0.8, 0.95, 0.9], "B": [0.5, 0.6, 0.55, 0.4], "C": [0.4, 0.5, 0.45, 0.3]}
    rows = pd.DataFrame(
        {"model": model, "seed": seed, "split": "test", "protocol": "holdout"}
        for model in accuracy
        for seed in range(4)
    ).assign(**dict.fromkeys(MEASURES, 0.0))
    (tmp_path / "metrics").mkdir()
    scores = rows.assign(accuracy=np.concatenate([*accuracy.values()]))
    write_parquet(tmp_path / "metrics/runs.parquet", scores)
    return tmp_path


@pytest.mark.release
def test_the_answer_is_corrected_for_all_pairs_or_as_many_as_are_named(study: Path) -> None:
    result = power(study, "--effect", "40", "--models", "A", "B")
    assert (result.stderr, result.returncode) == ("", 0)
    assert result.stdout.startswith(
        "A - B, accuracy (samples: test), 4 seeds: mean +37.50, sample SD 12.58 percentage"
        " points.\nSeeds that find a mean of +40 points with probability 0.8 "
    )
    assert "| 3           | 0.017     | 7                    | 7          |" in result.stdout
    named = power(study, "--effect", "-40", "--models", "B", "A", "--comparisons", "5").stdout
    assert "| 5           | 0.01      | 8                    | 8          |" in named


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--effect 2 --models A D", "no model 'D'; there are A, B, C"),
        ("--effect 2 --models B C", "B and C differ by the same in every seed, so no number"),
        ("--effect 0 --models A B", "expected percentage points from -100 to 100, not 0, got '0'"),
        ("--effect nan --models A B", "expected percentage points from -100 to 100, not 0"),
        ("--effect 2 --models A B --level 0", "expected a number above 0 and below 1, got '0'"),
        ("--effect 2 --models A B --power x", "expected a number above 0 and below 1, got 'x'"),
        ("--effect 2 --models A B --comparisons 0", "expected a whole number from 1 to 1,000,000"),
        (f"--effect 2 --models A B --comparisons 1{400 * '0'}", "expected a whole number from 1"),
        ("--models A B", "the following arguments are required: --effect"),
    ],
)
@pytest.mark.release
def test_a_mistake_is_told_in_one_line(study: Path, arguments: str, said: str) -> None:
    result = power(study, *arguments.split())
    assert result.returncode == 1
    assert said in result.stderr
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.release
def test_without_results_it_says_what_makes_them(tmp_path: Path) -> None:
    result = power(tmp_path, "--effect", "2", "--models", "A", "B")
    assert result.stderr == "error: metrics/runs.parquet: not found; 'dvc repro' makes it\n"


MEASURED = np.array([12, -3, 7, 7, 0, 25, -8, 4, 7, -1]) / 446


def test_the_table_has_a_row_before_and_one_after_the_correction() -> None:
    header, _, *rows = tool.needed_table(MEASURED, 0.5, 0.05, 0.8, 10).splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert cells == [["1", "0.05", "6", "6"], ["10", "0.005", "9", "9"]]
    assert "Normal approximation" in header
    assert len(tool.needed_table(MEASURED, 0.5, 0.05, 0.8, 1).splitlines()) == 3


def test_what_no_number_of_seeds_and_none_that_is_simulated_can_show(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (tool, of_report):
        monkeypatch.setattr(module, "MAX_SEEDS", 10)
    *_, alone, corrected = tool.needed_table(MEASURED, 0.001, 0.05, 0.8, 10_000).splitlines()
    assert alone.endswith("| more than 10 |")
    assert [cell.strip() for cell in corrected.split("|")[3:5]] == ["no number"] * 2
