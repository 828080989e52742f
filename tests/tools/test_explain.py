"""explain.py: one file that stands alone, the same for the same study."""

import base64
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cnn_from_scratch.experiment.dataset import DATASET_FILE, save_dataset
from cnn_from_scratch.experiment.params import load_params
from explain import dataset_file
from tests.experiment.studies import stripes
from tests.tools.page.test_explained import trained
from tests.workflow.project import ROOT


def explain(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "tools/explain.py")],
        cwd=folder,
        text=True,
        capture_output=True,
        check=False,
    )


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "<mine>"
    (folder / "data").mkdir(parents=True)
    monkeypatch.chdir(folder)
    save_dataset(folder / "data/dataset.npz", stripes())
    trained(folder, stripes())
    return folder


def test_the_page_stands_alone_and_is_always_the_same(study: Path) -> None:
    assert explain(study).stdout == "explain.html\n"
    page = (study / "explain.html").read_bytes()
    assert explain(study).returncode == 0
    assert (study / "explain.html").read_bytes() == page
    text = page.decode()
    assert "<title>&lt;mine&gt;, explained</title>" in text
    assert "{{" not in text.partition("<script")[0]
    assert not re.findall(r"""(?:src|href)=["'](?!#)""", text)
    assert not re.findall(r"@import|url\(", text)


def test_its_policy_allows_its_own_script_and_style_alone(study: Path) -> None:
    explain(study)
    text = (study / "explain.html").read_text("utf-8")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for kind in ("script", "style"):
        (content,) = re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules.pop(f"{kind}-src") == f"'sha256-{digest}'"
    assert "unsafe" not in policy


def test_the_study_cannot_end_its_script(study: Path) -> None:
    """A class's name may be anything."""
    dataset = stripes()
    names = ("</script><script>alert(1)</script>", "<!--", "3")
    odd = type(dataset)(dataset.X, dataset.y, names)
    save_dataset(study / "data/dataset.npz", odd)
    trained(study, odd)
    assert explain(study).returncode == 0
    text = (study / "explain.html").read_text("utf-8")
    (held,) = re.findall(r'<script type="application/json" id="study">(.*?)</script>', text)
    assert json.loads(held)["dataset"]["class_names"] == list(names)


def test_a_study_of_the_main_ones_samples_has_no_dataset_of_its_own() -> None:
    """As its stages are told."""
    for folder in (ROOT, *(ROOT / f"studies/{name}" for name in ("digits", "logits"))):
        params = load_params(folder / "params.yaml")
        told = (folder / "dvc.yaml").read_text("utf-8")
        is_main_ones = f"../../{DATASET_FILE.as_posix()}" in told
        assert (dataset_file(params) == ROOT / DATASET_FILE) == is_main_ones


def test_without_runs_it_says_what_makes_them(study: Path) -> None:
    (study / "runs").rename(study / "gone")
    result = explain(study)
    assert result.returncode == 1
    assert result.stdout == ""
    assert "'dvc repro' makes it" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (study / "explain.html").exists()
