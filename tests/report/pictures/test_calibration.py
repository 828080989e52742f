"""The picture of the calibration: what is where in a diagram, and whether it can be read."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cnn_from_scratch.report.pictures.calibration import LARGEST, SMALLEST, calibration_figure
from tests.report.pictures.texts import cut_off, text_overlaps

BINS = [
    # low, high, count, confidence, accuracy
    (5 / 15, 6 / 15, 199, 0.375, 0.5),
    (8 / 15, 9 / 15, 600, 0.5625, 1.0),
    (14 / 15, 1.0, 1, 1.0, 0.0),
]
FLOOR = math.log(1 + 2 / math.e)  # of 3 sigmoids


def rows(*models: str, split: str = "test") -> pd.DataFrame:
    columns = ["low", "high", "count", "confidence", "accuracy"]
    some = pd.DataFrame(BINS, columns=columns).assign(split=split)
    return pd.concat([some.assign(model=model) for model in models], ignore_index=True)


def figure(*models: str, **kinds: Any) -> Figure:
    return calibration_figure(rows(*models, **kinds), dict.fromkeys(models, 0.0), "holdout")


def upright(axes: Axes) -> list[float]:
    """Return where the lines from the bottom to the top stand."""
    lines = [np.asarray(line.get_xdata(), float) for line in axes.lines if line.get_marker() != "x"]
    return [float(x[0]) for x in lines if x[0] == x[-1]]


def test_a_diagram_shows_the_bins_their_shares_and_the_means() -> None:
    axes = figure("A").axes[0]
    (dots,) = (c for c in axes.collections if isinstance(c, PathCollection))
    assert np.asarray(dots.get_offsets()).tolist() == [[0.375, 0.5], [0.5625, 1.0], [1.0, 0.0]]
    assert dots.get_sizes().tolist() == pytest.approx(
        [LARGEST * 199 / 800, LARGEST * 0.75, SMALLEST]
    )
    bars = [bar for bar in axes.patches if isinstance(bar, Rectangle)]
    assert [bar.get_x() for bar in bars] == pytest.approx([low for low, *_ in BINS])
    assert [bar.get_height() for bar in bars] == pytest.approx([0.24875, 0.75, 0.00125])
    (cross,) = (line for line in axes.lines if line.get_marker() == "x")
    confidence, accuracy = (199 * 0.375 + 600 * 0.5625 + 1) / 800, (199 * 0.5 + 600) / 800
    assert cross.get_xydata().tolist() == [pytest.approx([confidence, accuracy])]  # type: ignore[union-attr]
    assert axes.get_title(loc="left") == "A\nconfidence 52 %, accuracy 87 %"


def test_squeezed_logits_have_a_line_at_the_highest_confidence() -> None:
    drawn = calibration_figure(
        rows("free", "squeezed"), {"free": 0.0, "squeezed": FLOOR}, "holdout"
    )
    assert upright(drawn.axes[0]) == []
    assert upright(drawn.axes[1]) == pytest.approx([math.e / (math.e + 2)])


def test_the_title_names_the_samples() -> None:
    titles = [figure("A", split=split).get_suptitle() for split in ("test", "val")]
    assert titles == [
        f"Calibration on the {name} samples, all seeds" for name in ("test", "validation")
    ]


@pytest.mark.parametrize("models", [1, 2, 6])
def test_it_can_be_read(models: int) -> None:
    drawn = figure(*[f"S-pooled-squeezed{k}" for k in range(models)])
    assert cut_off(drawn) == []
    assert text_overlaps(drawn) == []
