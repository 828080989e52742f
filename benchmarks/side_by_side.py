"""Training steps and inference: the contenders take turns, case by case, for several rounds."""

import os
from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np

from contenders import CONTENDERS, Case
from timing import Table, entry, skipped
from workers import Ready, Worker

CORES = os.cpu_count() or 1
TOLERANCE = 1e-3  # of outcomes, float32 against float64


def side_by_side(
    cases: Sequence[Case],
    labels: Sequence[str] = tuple(CONTENDERS),
    threads: int = 1,
    rounds: int = 7,
    seconds: float = 0.2,  # a round
) -> Table:
    """Return the milliseconds of each case and contender; the first is the others' reference."""
    values: dict[Case, dict[str, list[float]]] = {case: {} for case in cases}
    reasons: dict[Case, dict[str, str]] = {case: {} for case in cases}
    with ExitStack() as stack:
        workers = {label: stack.enter_context(Worker(label, threads)) for label in labels}
        for case in cases:
            ready = {label: worker.prepare(case, seconds) for label, worker in workers.items()}
            _check(case, ready)
            reasons[case] = {label: one.skipped for label, one in ready.items()}
        for _ in range(rounds):
            for case in cases:
                for label, worker in workers.items():
                    if not reasons[case][label]:
                        took = worker.milliseconds(case)
                        values[case].setdefault(label, []).append(took)
    return {
        case.named(threads): {
            label: skipped(reason) if reason else entry("ms", values[case][label])
            for label, reason in reasons[case].items()
        }
        for case in cases
    }


def _check(case: Case, ready: dict[str, Ready]) -> None:
    """Make sure that all contenders compute the same thing."""
    outcomes = {label: one.outcome for label, one in ready.items() if one.outcome is not None}
    for label, outcome in outcomes.items():
        reference = next(iter(outcomes.values()))
        np.testing.assert_allclose(
            outcome, reference, rtol=TOLERANCE, atol=TOLERANCE, err_msg=f"{label}: {case}"
        )
