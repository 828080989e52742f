"""The picture of the comparisons."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from cnn_from_scratch.report.comparisons import compare_models
from cnn_from_scratch.report.pictures.comparisons import comparisons_figure
from tests.report.pictures.test_scores import copies
from tests.report.pictures.texts import drawn_texts, text_overlaps

ROWS: dict[str, dict[str, Any]] = {
    "A - B": {"split": "test", "n": 9, "mean": 0.25, "interval_95": [0.125, 0.5],
              "interval_95_with_samples": [0.0625, 0.75], "probability_better": 0.75,
              "probability_interval_95": [0.5, 1.0], "p": 0.01, "p_holm": 0.05},
    "A - C": {"split": "test", "n": 9, "mean": -0.25, "interval_95": [-0.5, 0.0],
              "interval_95_with_samples": [-0.5, 0.25], "probability_better": 0.25,
              "probability_interval_95": [0.0, 0.75], "p": 0.03, "p_holm": 0.051},
}  # fmt: skip


def places(axes: Axes) -> list[tuple[float, float]]:
    """Return where the dots are."""
    return [
        (np.asarray(d.get_xdata()).item(), np.asarray(d.get_ydata()).item()) for d in dots(axes)
    ]


def dots(axes: Axes) -> list[Line2D]:
    return [line for line in axes.lines if line.get_marker() == "o"]


def bars(axes: Axes) -> list[tuple[list[list[float]], float]]:
    """Return the ends of the intervals, and how wide they are drawn."""
    return [
        (bar.get_segments()[0].tolist(), np.asarray(bar.get_linewidth()).item())
        for bar in axes.collections
        if isinstance(bar, LineCollection)
    ]


def test_the_comparisons_figure_has_a_row_a_pair_with_its_intervals() -> None:
    means, shares = comparisons_figure(ROWS, "holdout").axes
    assert [label.get_text() for label in means.get_yticklabels()] == ["A - B", "A - C"]
    assert means.yaxis.get_inverted()  # the first on top
    assert means.get_ylim() == shares.get_ylim()
    assert places(means) == [(25.0, 0), (-25.0, 1)]
    assert places(shares) == [(0.75, 0), (0.25, 1)]
    for axes, middle in ((means, 0.0), (shares, 0.5)):
        assert [dot.get_markerfacecolor() == "white" for dot in dots(axes)] == [False, True]
        assert dots(axes)[0].get_color() != dots(axes)[1].get_color()
        (line,) = (line for line in axes.lines if line.get_marker() != "o")
        assert list(np.asarray(line.get_xdata())) == [middle, middle]
    narrow, wide, *second = bars(means)
    assert (narrow[0], wide[0]) == ([[12.5, 0], [50.0, 0]], [[6.25, 0], [75.0, 0]])
    assert narrow[1] > wide[1]  # which is thin, so that both are seen
    assert [ends for ends, _ in second] == [[[-50.0, 1], [0.0, 1]], [[-50.0, 1], [25.0, 1]]]
    assert [ends for ends, _ in bars(shares)] == [[[0.5, 0], [1.0, 0]], [[0.0, 1], [0.75, 1]]]
    assert shares.get_xlim() == (0.0, 1.0)


def test_the_comparisons_figure_says_what_it_shows() -> None:
    means, shares = comparisons_figure(ROWS, "holdout").axes
    assert "percentage points" in means.get_xlabel()
    assert "thin: over seeds and test samples" in means.get_xlabel()
    assert "test" in means.get_title(loc="left")
    assert shares.get_xlabel().startswith("P(difference > 0): share of seeds,\nties half")
    assert "Wilson interval" in shares.get_xlabel()
    without = {name: row | {"interval_95_with_samples": None} for name, row in ROWS.items()}
    means, _ = comparisons_figure(without, "holdout").axes
    assert "interval over seeds, not over samples;" in means.get_xlabel()
    assert len(bars(means)) == 2


def test_the_comparisons_figure_says_that_there_are_none() -> None:
    (axes,) = comparisons_figure({}, "holdout").axes
    assert [text.get_text()[:13] for text in axes.texts] == ["No comparison"]


@pytest.mark.parametrize("wide", [None, [-0.5, 0.5]])
@pytest.mark.parametrize("models", [1, 2, 5, 9])
def test_no_text_overlaps_or_is_cut_off_in_the_comparisons_figure(
    scores: pd.DataFrame, models: int, wide: list[float] | None
) -> None:
    rows = compare_models(copies(scores[scores["split"] != "test"], models, 2), {})
    rows = {name: row | {"interval_95_with_samples": wide} for name, row in rows.items()}
    assert len(rows) == models * (models - 1) / 2
    figure = comparisons_figure(rows, "resubstitution")
    assert text_overlaps(figure) == []
    for text in drawn_texts(figure):
        box = text.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= figure.bbox.width, text.get_text()
        assert 0 <= box.y0 < box.y1 <= figure.bbox.height, text.get_text()


def test_no_axis_goes_beyond_100_points() -> None:
    row = ROWS["A - B"] | {"mean": 1.0, "interval_95": [-1.0, 1.0]}
    axes, _ = comparisons_figure({"A - B": row}, "holdout").axes
    assert tuple(axes.get_xlim()) == (-100.0, 100.0)
