"""Time an epoch of the study in a browser, and in Python with native and portable numerics.

Usage: python benchmarks/browser.py; writes benchmarks/browser.md. Needs Chromium or Chrome.

The three take turns, a run of all epochs each; the figures are medians of ROUNDS.
"""

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.dataset import Dataset, load_dataset
from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.params import Params, load_params
from cnn_from_scratch.experiment.run import train_run
from cnn_from_scratch.nn.numerics import NumericsName
from page.bundle import bundled
from page.study_json import study_json

MODELS = ("S-SGD", "E-Adam")
ROUNDS = 7
GOAL = 3.0  # milliseconds of S-SGD in the browser
NAMES = ("chromium", "chromium-browser", "google-chrome")


def in_browser(page: Path) -> float:
    """Return the milliseconds that a page has found for an epoch."""
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        raise InputError("expected Chromium or Chrome, found neither")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}")
        command = [browser, *options, "--dump-dom", page.as_uri()]
        dom = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"<body>([\d.]+)</body>", dom)
    if found is None:
        raise InputError(f"{page.name}: expected a time, the browser shows none")
    return float(found[1])


def html_page(study: dict[str, Any], model: str) -> str:
    """Return a page that times itself."""
    given = json.dumps({"study": study, "model": model, "seed": 0}).replace("<", "\\u003c")
    script = bundled(ROOT / "benchmarks" / "browser_epochs.js", "start")
    return (
        f'<!doctype html><title>{model}</title><script type="application/json" id="given">{given}'
        f"</script><body><script>{script}</script></body>"
    )


def in_python(model: str, params: Params, dataset: Dataset, numerics: NumericsName) -> float:
    """Return the milliseconds of an epoch of a run."""
    train = replace(params.models[model].train, numerics=numerics)
    ends: list[float] = []
    train_run(
        resolve_models(params)[model],
        0,
        dataset,
        params.models[model].split,
        train,
        on_epoch=lambda _: ends.append(time.perf_counter()),
    )
    return 1000 * (ends[-1] - ends[0]) / (len(ends) - 1)


def main() -> None:
    """Write the table."""
    params = load_params(ROOT / "params.yaml")
    dataset = load_dataset(ROOT / "data" / "dataset.npz")
    study = study_json(params, dataset)
    rows = []
    for model in MODELS:
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "page.html"
            page.write_text(html_page(study, model), encoding="utf-8")
            rounds = [
                (
                    in_browser(page),
                    in_python(model, params, dataset, "native"),
                    in_python(model, params, dataset, "portable"),
                )
                for _ in range(ROUNDS)
            ]
        times = [statistics.median(each) for each in zip(*rounds, strict=True)]
        ratios = [statistics.median(each[0] / each[i] for each in rounds) for i in (1, 2)]
        rows.append([model, *(f"{x:.2f}" for x in (*times, *ratios))])
    header = (
        "epoch of",
        "Chromium, ms",
        "Python, native, ms",
        "Python, portable, ms",
        "Chromium / native",
        "Chromium / portable",
    )
    lines = [header, ["---"] * len(header), *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    goal = f"Goal: at most {GOAL:g} ms for an epoch of {MODELS[0]} in Chromium."
    Path(__file__).with_suffix(".md").write_text(f"{table}\n\n{goal}\n", encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
