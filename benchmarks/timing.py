"""What every part of the suite returns: for each work and contender, a figure of every round."""

import statistics
from collections.abc import Sequence
from typing import Any

Entry = dict[str, Any]  # unit, median, low, high and rounds, or skipped
Table = dict[str, dict[str, Entry]]  # by work and contender


def entry(unit: str, values: Sequence[float], **also: float) -> Entry:
    """Return the median and the range of the rounds' figures; `also` are further columns."""
    figures = {"median": statistics.median(values), "low": min(values), "high": max(values)}
    return {"unit": unit, "rounds": len(values)} | figures | also


def skipped(reason: str) -> Entry:
    """Return what stands for the figures of a contender that could not take part."""
    return {"skipped": reason}
