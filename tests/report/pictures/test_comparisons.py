"""The picture of the comparisons."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection

from cnn_from_scratch.report.comparisons import compare_models
from cnn_from_scratch.report.pictures.comparisons import comparisons_figure
from tests.report.pictures.test_scores import copies
from tests.report.pictures.texts import drawn_texts, text_overlaps


def test_the_comparisons_figure_has_a_row_a_pair_with_its_interval() -> None:
    rows = {
        "A - B": {"split": "test", "n": 9, "mean": 0.25, "interval_95": [0.125, 0.5],
                  "p": 0.01, "p_holm": 0.05},
        "A - C": {"split": "test", "n": 9, "mean": -0.25, "interval_95": [-0.5, 0.0],
                  "p": 0.03, "p_holm": 0.051},
    }  # fmt: skip
    (axes,) = comparisons_figure(rows, "holdout").axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["A - B", "A - C"]
    assert axes.yaxis.get_inverted()  # the first on top
    *dots, zero = axes.lines
    places = [(np.asarray(d.get_xdata()).item(), np.asarray(d.get_ydata()).item()) for d in dots]
    assert places == [(25.0, 0), (-25.0, 1)]
    assert [dot.get_markerfacecolor() == "white" for dot in dots] == [False, True]
    assert dots[0].get_color() != dots[1].get_color()
    assert list(np.asarray(zero.get_xdata())) == [0.0, 0.0]
    ends = [c.get_segments()[0].tolist() for c in axes.collections if isinstance(c, LineCollection)]
    assert ends == [[[12.5, 0], [50.0, 0]], [[-50.0, 1], [0.0, 1]]]
    assert "percentage points" in axes.get_xlabel()
    assert "test" in axes.get_title(loc="left")


def test_the_comparisons_figure_says_that_there_are_none() -> None:
    (axes,) = comparisons_figure({}, "holdout").axes
    assert [text.get_text()[:13] for text in axes.texts] == ["No comparison"]


@pytest.mark.parametrize("models", [1, 2, 5, 9])
def test_no_text_overlaps_or_is_cut_off_in_the_comparisons_figure(
    scores: pd.DataFrame, models: int
) -> None:
    rows = compare_models(copies(scores[scores["split"] != "test"], models, 2))
    assert len(rows) == models * (models - 1) / 2
    figure = comparisons_figure(rows, "resubstitution")
    assert text_overlaps(figure) == []
    for text in drawn_texts(figure):
        box = text.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= figure.bbox.width, text.get_text()
        assert 0 <= box.y0 < box.y1 <= figure.bbox.height, text.get_text()


def test_no_axis_goes_beyond_100_points() -> None:
    row = {
        "split": "test",
        "n": 9,
        "mean": 1.0,
        "interval_95": [-1.0, 1.0],
        "p": 1.0,
        "p_holm": 1.0,
    }
    (axes,) = comparisons_figure({"A - B": row}, "holdout").axes
    assert tuple(axes.get_xlim()) == (-100.0, 100.0)
