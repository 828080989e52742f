"""The picture of the samples that are most often misclassified."""

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.report.figures import STYLE
from cnn_from_scratch.report.mosaic import canvas, draw_tile
from cnn_from_scratch.report.names import split_title

COLUMNS = 4
WRONG_LABELS = 3  # listed for one sample, the most frequent
EXPLANATION = (
    "By the share of runs that gave a wrong label, among those of all models and seeds that"
    " predicted the sample; samples are counted from 0."
)


@mpl.rc_context(STYLE)
def misclassified_figure(rows: pd.DataFrame, dataset: Dataset, protocol: str) -> Figure:
    """Draw the samples most often misclassified, with what the runs called them.

    rows: as plot_data.misclassified has them, maybe none.
    """
    split, images = ("val", dataset.X) if dataset.X_test is None else ("test", dataset.X_test)
    samples = [rows[rows["index"] == index] for index in dict.fromkeys(rows.get("index", []))]
    height, width, top = 1.75, 2.6, 0.8  # of a sample, and where the first begins, in inches
    grid_rows = max(-(-len(samples) // COLUMNS), 1)
    figure, axes = canvas(width * COLUMNS + 0.2, top + height * grid_rows)
    name = split_title(split, protocol)
    axes.text(0.2, 0.15, f"The samples most often misclassified: {name}", fontsize=12, va="top")
    axes.text(0.2, 0.42, EXPLANATION, fontsize=9, va="top")
    if not samples:
        axes.text(0.2, top, "None: no run gave any sample a wrong label.", va="top")
    for i, some in enumerate(samples):
        left, up = 0.2 + i % COLUMNS * width, top + i // COLUMNS * height
        index, label = some["index"].iloc[0], some["label"].iloc[0]
        draw_tile(axes, images[index, 0], left, up, limits=(0.0, 1.0), cmap="gray_r", size=1.2)
        axes.text(left + 1.3, up, f"label {label}", va="top", weight="bold")
        axes.text(left + 1.3, up + 0.22, _called(some), va="top", fontsize=9)
        axes.text(left, up + 1.25, f"sample {index}", va="top", fontsize=8)
    return figure


def _called(some: pd.DataFrame) -> str:
    """Return what the runs called a sample, the most frequent wrong label first."""
    counts = some.set_index("predicted")["count"].sort_values(ascending=False, kind="stable")
    wrong = counts.drop(some["label"].iloc[0], errors="ignore")
    lines = [f"called {label} in {n}" for label, n in wrong.iloc[:WRONG_LABELS].items()]
    if others := wrong.iloc[WRONG_LABELS:].sum():
        lines.append(f"other wrong in {others}")
    lines.append(f"right in {counts.sum() - wrong.sum()}")
    return "\n".join([*lines, f"of {counts.sum()} run{'' if counts.sum() == 1 else 's'}"])
