"""The picture of the collapse: each run a marker at its place, on the ladder."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from cnn_from_scratch.report.pictures.collapse import collapse_figure
from tests.report.pictures.texts import cut_off, text_overlaps

NAMES = [str(k) for k in range(1, 27)]


def runs(*found: tuple[str, int, float]) -> pd.DataFrame:
    """Return the scores of (model, dead logits, training accuracy), and others to leave out."""
    rows = [
        {"model": model, "seed": seed, "dead_logits": dead, "split": split, "accuracy": accuracy}
        for seed, (model, dead, training) in enumerate(found)
        for split, accuracy in (("train", training), ("val", 0.123))
    ]
    return pd.DataFrame(rows)


def points(axes: Axes) -> dict[str, list[tuple[float, float]]]:
    """Return each model's markers."""
    return {
        str(line.get_label()): list(
            zip(np.asarray(line.get_xdata()), np.asarray(line.get_ydata()), strict=True)
        )
        for line in axes.lines
        if line.get_marker() not in ("None", "")
    }


def test_every_run_is_at_its_number_of_dead_logits_and_training_accuracy() -> None:
    figure = collapse_figure(runs(("B", 0, 1.0), ("A", 2, 0.4), ("B", 1, 0.7)), NAMES[:3])
    found = points(figure.axes[0])
    assert list(found) == ["B", "A"]
    assert [(round(x), y) for x, y in found["B"]] == [(0, 1.0), (1, 0.7)]
    assert [(round(x), y) for x, y in found["A"]] == [(2, 0.4)]


def test_equal_runs_do_not_hide_one_another_and_lie_where_they_lay_before() -> None:
    scores = runs(*[(model, 1, 0.5) for model in ("A", "B", "C") for _ in range(10)])
    first, second = (points(collapse_figure(scores, NAMES[:3]).axes[0]) for _ in range(2))
    assert first == second
    places = [x for some in first.values() for x, _ in some]
    assert places == sorted(places)
    assert np.diff(places).min() > 0.01
    assert max(abs(x - 1) for x in places) < 0.5


@pytest.mark.parametrize("models", [7, 10, 30])
def test_models_differ_in_marker_and_colour(models: int) -> None:
    scores = runs(*[(f"Model-{k}", 0, 1.0) for k in range(models)])
    lines = [
        line
        for line in collapse_figure(scores, NAMES[:3]).axes[0].lines
        if line.get_marker() != "None"
    ]
    looks = {(str(line.get_marker()), str(line.get_color())) for line in lines}
    assert len(looks) == models
    assert len({marker for marker, _ in looks}) == min(models, 9)
    assert len({color for _, color in looks}) == 7


@pytest.mark.parametrize(("num_classes", "named"), [(2, ["1", "1/2"]), (3, ["1", "2/3", "1/3"])])
def test_the_ladder_has_a_step_for_each_number_of_dead_logits(
    num_classes: int, named: list[str]
) -> None:
    axes = collapse_figure(runs(("A", 0, 1.0)), NAMES[:num_classes]).axes[0]
    (steps,) = (c for c in axes.collections if isinstance(c, LineCollection))
    middles = [np.mean(segment, axis=0).tolist() for segment in steps.get_segments()]
    heights = [*range(num_classes, 0, -1), 1]  # with no logit left, label 1 is the answer
    assert middles == [
        pytest.approx([dead, height / num_classes]) for dead, height in enumerate(heights)
    ]
    (right,) = axes.child_axes
    assert [label.get_text() for label in right.get_yticklabels()] == named
    assert right.get_yticks() == pytest.approx([h / num_classes for h in heights[:-1]])


@pytest.mark.parametrize("num_classes", [2, 3, 10, 26])
@pytest.mark.parametrize("models", [1, 5, 9, 10, 30])
def test_no_text_overlaps_or_is_cut_off(models: int, num_classes: int) -> None:
    scores = runs(*[(f"Model-{k}", k % (num_classes + 1), 0.5) for k in range(models)])
    figure = collapse_figure(scores, NAMES[:num_classes])
    assert len(figure.legends[0].get_texts()) == models + 1
    assert text_overlaps(figure) == []
    assert cut_off(figure) == []
