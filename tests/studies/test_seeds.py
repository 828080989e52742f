"""Each study has as many seeds as its comparisons need, and the page says which these are."""

from math import comb

import pytest
import yaml

from cnn_from_scratch.report.names import by_group
from cnn_from_scratch.report.sign_flips import seeds_for, smallest_p
from tests.workflow.project import ROOT

P = 0.01


def params(study: str) -> dict[str, list[str]]:
    """Return the seeds, and the names of the models and of the contrasts."""
    read = yaml.safe_load((ROOT / "studies" / study / "params.yaml").read_text("utf-8"))
    return {key: [*read.get(key, ())] for key in ("seeds", "models", "contrasts")}


def comparisons(study: str) -> int:
    """Return how many its page reads."""
    read = params(study)
    if study == "optimizers":
        return len(read["models"]) - len(by_group(read["models"]))
    if study in ("digits", "logits"):
        return comb(len(read["models"]), 2)
    return len(read["contrasts"])


@pytest.mark.parametrize(
    "study", ["digits", "initialisation", "logits", "optimizers", "regularisation"]
)
def test_the_seeds_are_the_fewest_that_the_comparisons_need(study: str) -> None:
    m, seeds = comparisons(study), params(study)["seeds"]
    assert len(seeds) == seeds_for(m, P)
    assert m * smallest_p(len(seeds)) < P <= m * smallest_p(len(seeds) - 1)
    page = (ROOT / "docs" / "experiments.md").read_text("utf-8")
    [row] = [line for line in page.splitlines() if line.startswith(f"| [{study}](")]
    assert row.endswith(f"| {m} | {len(seeds)} |")
