"""What every part of the suite returns: for each work and contender, a figure of every round."""

import statistics
from collections.abc import Sequence
from typing import Any

Entry = dict[str, Any]  # unit, values by round, median, low and high, or skipped
Table = dict[str, dict[str, Entry]]  # by work and contender


def entry(unit: str, values: Sequence[float], **also: float) -> Entry:
    """Return the median and the range of the rounds' figures; `also` are further columns."""
    figures = {"median": statistics.median(values), "low": min(values), "high": max(values)}
    return {"unit": unit, "values": [*values]} | figures | also


def ratios(entry: Entry, reference: Entry) -> list[float]:
    """Return the ratio to another contender in every round.

    A machine that others use, too, is slower for seconds at a time. In one round that befalls all
    contenders, so these ratios vary less than the times.
    """
    pairs = zip(entry["values"], reference["values"], strict=True)
    return [ours / other for ours, other in pairs]


def ratio(entry: Entry, reference: Entry) -> float:
    """Return the median of the rounds' ratios."""
    return statistics.median(ratios(entry, reference))


def skipped(reason: str) -> Entry:
    """Return what stands for the figures of a contender that could not take part."""
    return {"skipped": reason}
