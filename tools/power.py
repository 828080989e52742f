"""Print how many seeds it takes to find a difference between two models.

Usage: python tools/power.py --effect 2 --models S-Adam E-Adam, after `dvc repro`: how many to find
a mean difference in accuracy of 2 percentage points? For a study beside the main one: cd
studies/<study> && python ../../tools/power.py ...
"""

import sys
from argparse import ArgumentTypeError
from contextlib import suppress
from math import comb, sqrt
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stages"))

import start

import numpy as np

from cnn_from_scratch.arguments import Parser
from cnn_from_scratch.experiment.dataset import DATASET_FILE
from cnn_from_scratch.report.names import SIGNIFICANCE, shown_split, split_title
from cnn_from_scratch.report.outputs import Outputs
from cnn_from_scratch.report.power import (
    MAX_SEEDS,
    POWER,
    SIMULATIONS,
    Aim,
    Values,
    paired_differences,
    seeds_needed,
    simulated_seeds,
)
from cnn_from_scratch.report.tables import count, markdown_table

MOST_COMPARISONS = 1_000_000


def points(text: str) -> float:
    """Return percentage points as a share. Raises ArgumentTypeError unless -100..100, not 0."""
    with suppress(ValueError):
        if 0 < abs(value := float(text)) <= 100:
            return value / 100
    raise ArgumentTypeError(f"expected percentage points from -100 to 100, not 0, got {text!r}")


def probability(text: str) -> float:
    """Return an argument as a number. Raises ArgumentTypeError unless it is between 0 and 1."""
    with suppress(ValueError):
        if 0 < (value := float(text)) < 1:
            return value
    raise ArgumentTypeError(f"expected a number above 0 and below 1, got {text!r}")


def comparisons(text: str) -> int:
    """Return an argument as a number of comparisons. Raises ArgumentTypeError unless it is one."""
    with suppress(ValueError):
        if 1 <= (value := int(text)) <= MOST_COMPARISONS:
            return value
    raise ArgumentTypeError(f"expected a whole number from 1 to {MOST_COMPARISONS:,}, got {text!r}")


def answer(
    models: list[str], effect: float, level: float, power: float, compared: int | None
) -> str:
    """Return what is printed. compared: how many pairs; None: all of the study."""
    scores = Outputs(DATASET_FILE).scores
    first, second = models
    differences = paired_differences(scores, first, second)
    samples = split_title(shown_split(scores["split"]), scores["protocol"].iloc[0])
    m = compared or comb(scores["model"].nunique(), 2)
    mean, sd = 100 * np.mean(differences), 100 * np.std(differences, ddof=1)
    return (
        f"{first} - {second}, accuracy (samples: {samples}), {count(len(differences), 'seed')}:"
        f" mean {mean:+.2f}, sample SD {sd:.2f} percentage points.\n"
        f"Seeds that find a mean of {100 * effect:+g} points with probability {power:g} (two-sided"
        " sign-flip permutation test):\n\n"
        f"{needed_table(differences, effect, level, power, m)}\n"
        f"The simulation draws {SIMULATIONS:,} studies of up to {MAX_SEEDS:,} seeds from the"
        " measured differences, shifted to that\nmean; the standard error of its power is"
        f" {sqrt(power * (1 - power) / SIMULATIONS):.3f}. Both take the measured SD for the true"
        " one.\n"
    )


def needed_table(differences: Values, effect: float, level: float, power: float, m: int) -> str:
    """Return how many seeds find the effect, alone and as one of m comparisons, as Markdown."""
    sd = float(np.std(differences, ddof=1))
    rows = []
    for comparisons in dict.fromkeys((1, m)):
        aim = Aim(level, power, comparisons)
        approximate = seeds_needed(effect, sd, aim)
        if approximate is None:
            cells = ["no number", "no number"]
        else:
            simulated = simulated_seeds(differences, effect, aim)
            cells = [f"{approximate:,}", str(simulated or f"more than {MAX_SEEDS:,}")]
        rows.append([comparisons, f"{aim.corrected_level:.2g}", *cells])
    return markdown_table(["Comparisons", "p at most", "Normal approximation", "Simulation"], rows)


if __name__ == "__main__":
    parser = Parser(description=__doc__)
    parser.add_argument("--effect", type=points, required=True, help="in percentage points")
    parser.add_argument("--models", nargs=2, required=True, help="the first minus the second")
    parser.add_argument("--level", type=probability, default=SIGNIFICANCE, help="p at most this")
    parser.add_argument("--power", type=probability, default=POWER, help="the probability of it")
    parser.add_argument(
        "--comparisons", type=comparisons, help="to correct for; default: all pairs of the study"
    )
    told = parser.parse_args()
    print(answer(told.models, told.effect, told.level, told.power, told.comparisons), end="")
