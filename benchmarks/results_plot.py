"""The plot of the ratios: one line per work, one mark per contender, with its rounds' range."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from targets import Results
from timing import ratio, ratios

Work = tuple[str, dict[str, dict[str, Any]]]  # its name, and one entry per contender

PANELS = (("epochs", "samples", "steps", "inference", "dense", "train"), ("convert", "repro"))

# By contender, without its precision: color and marker; float32 is drawn hollow.
MARKS = {
    "NumPy native": ("tab:blue", "o"),
    "NumPy portable": ("tab:blue", "s"),
    "compiled": ("tab:cyan", "D"),
    "compiled portable": ("tab:cyan", "s"),
    "plain loops": ("tab:gray", "o"),
    "PyTorch eager": ("tab:red", "o"),
    "PyTorch compiled": ("tab:red", "D"),
    "JAX step": ("tab:green", "o"),
    "JAX scan": ("tab:green", "D"),
    "scikit-learn": ("tab:purple", "o"),
    "ours": ("tab:blue", "o"),
    "ours with one epoch of training": ("tab:blue", "D"),
    "commands only import NumPy": ("tab:orange", "s"),
    "empty commands": ("tab:gray", "D"),
    "pandas only reads the cells": ("tab:green", "o"),
}


def plot(results: Results, file: Path) -> None:
    """Draw each work's times as ratios to its first contender's, on a logarithmic scale."""
    panels = [
        [work for part in parts if part in results for work in results[part]["table"].items()]
        for parts in PANELS
    ]
    heights = [len(works) + 2 for works in panels]
    figure, axes = plt.subplots(
        len(panels), figsize=(11, 0.34 * sum(heights)), height_ratios=heights, layout="constrained"
    )
    for panel, works in zip(axes, panels, strict=True):
        _draw(panel, works)
    axes[-1].set_xlabel("time, as a ratio to that of the first contender measured (log scale)")
    figure.savefig(file, dpi=120, metadata={"Software": None})
    plt.close(figure)


def _draw(axes: Axes, works: list[Work]) -> None:
    for label in dict.fromkeys(label for _, entries in works for label in entries):
        ratios = [
            (place, *_ratios(entries, label))
            for place, (_, entries) in enumerate(works)
            if "median" in entries.get(label, {})
        ]
        if ratios:
            places, low, median, high = zip(*ratios, strict=True)
            color, marker = MARKS[label.split(",")[0]]
            face = "white" if label.endswith("float32") else color
            axes.hlines(places, low, high, color=color, lw=1)
            axes.plot(median, places, marker, color=color, mfc=face, ms=5, label=label)
    axes.axvline(1, color="0.6", lw=0.8, zorder=0)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set_yticks(range(len(works)), [name for name, _ in works])
    axes.set_ylim(len(works) - 0.5, -0.5)
    axes.grid(axis="y", color="0.9")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)


def _ratios(entries: dict[str, dict[str, Any]], label: str) -> list[float]:
    """Return the lowest, the median and the highest of the ratios to the first contender."""
    reference = next(entry for entry in entries.values() if "median" in entry)
    found = ratios(entries[label], reference)
    return [min(found), ratio(entries[label], reference), max(found)]
