"""The pictures of every run's scores: what they draw, and that it can be read."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from cnn_from_scratch.report.measures import MEASURES
from cnn_from_scratch.report.pictures.scores import accuracy_figure, scores_figure
from cnn_from_scratch.report.statistics import model_statistics
from tests.report.pictures.texts import cut_off, drawn_texts, text_overlaps

GRID = [f"{group}-{variant}" for group in "PQRST" for variant in "abcdef"]  # 30 models
RAGGED = [f"P-{variant}" for variant in "abcdefghij"] + ["Q-k", "Alone", "R-a", "R-l"]


def panels(figure: Figure) -> dict[str, Axes]:
    """Return the panels that are shown, by their titles."""
    return {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_visible()}


def copies(scores: pd.DataFrame, models: int, seeds: int) -> pd.DataFrame:
    """Return scores of so many models and seeds, all like those that diverged."""
    row = scores[(scores["model"] == "B") & (scores["seed"] == 1)]
    return pd.concat(
        [row.assign(model=f"Model-{k}", seed=s) for k in range(models) for s in range(seeds)]
    )


def drawn(scores: pd.DataFrame) -> Figure:
    """Return the accuracy figure, with the statistics that belong to the scores."""
    return accuracy_figure(scores, model_statistics(scores, {}))


def drawn_scores(scores: pd.DataFrame) -> Figure:
    """Return the picture of the scores, with the statistics that belong to them."""
    return scores_figure(scores, model_statistics(scores, {}))


def segments(axes: Axes) -> list[list[list[float]]]:
    """Return the bars of a panel: the mean and the interval of each model in turn."""
    collections = [c for c in axes.collections if isinstance(c, LineCollection)]
    return [segment.tolist() for c in collections for segment in c.get_segments()]


# ---------------------------------------------------------------- upright


def test_the_accuracy_figure_has_a_dot_a_run_and_a_panel_a_split(scores: pd.DataFrame) -> None:
    figure = drawn(scores)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Validation", "Test"]
    for axes in figure.axes:
        assert sum(len(np.asarray(line.get_ydata())) for line in axes.lines) == 6
    without_test = drawn(scores[scores["split"] != "test"])
    assert len(without_test.axes) == 1


def test_the_accuracy_figure_draws_a_diverged_run_as_a_hollow_dot(scores: pd.DataFrame) -> None:
    panel = drawn(scores).axes[-1]
    hollow = [line for line in panel.lines if line.get_markerfacecolor() == "white"]
    assert [list(np.asarray(line.get_xdata())) for line in hollow] == [[], [1.0]]  # B's second
    assert [list(np.asarray(line.get_ydata())) for line in hollow] == [[], [25.0]]
    assert "hollow" in panel.get_xlabel()
    assert "hollow" not in drawn(scores.assign(diverged=False)).axes[-1].get_xlabel()


def test_the_accuracy_figure_shows_the_interval_of_every_mean(scores: pd.DataFrame) -> None:
    statistics = model_statistics(scores, {})
    figure = accuracy_figure(scores, statistics)
    for axes, split in zip(figure.axes, ("val", "test"), strict=True):
        segments = [
            segment
            for lines in axes.collections
            if isinstance(lines, LineCollection)
            for segment in lines.get_segments()
        ]
        upright = [
            sorted(end[1] for end in segment)
            for segment in segments
            if segment[0][0] == segment[1][0]
        ]
        intervals = [statistics[m][split]["accuracy"]["interval_95"] for m in ("A", "B")]
        assert upright == [[100 * end for end in interval] for interval in intervals]
    assert "interval" in figure.axes[-1].get_xlabel()


def test_one_seed_has_no_interval(scores: pd.DataFrame) -> None:
    figure = drawn(scores[scores["seed"] == 0])
    assert "interval" not in figure.axes[-1].get_xlabel()
    assert [len(axes.collections) for axes in figure.axes] == [2, 2]  # the bars


@pytest.mark.parametrize("seeds", [1, 3, 10])
@pytest.mark.parametrize("models", [1, 2, 5, 9])
def test_the_label_of_the_accuracy_figure_is_not_cut_off(
    scores: pd.DataFrame, models: int, seeds: int
) -> None:
    figure = drawn(copies(scores, models, seeds))
    FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
    label = figure.axes[-1].xaxis.label.get_window_extent()
    assert "hollow" in figure.axes[-1].get_xlabel()
    assert 0 <= label.x0 < label.x1 <= figure.bbox.width
    assert label.y0 >= 0


@pytest.mark.parametrize("models", [1, 2, 5, 9])
def test_no_text_overlaps(scores: pd.DataFrame, models: int) -> None:
    assert text_overlaps(drawn(copies(scores, models, 10))) == []


# ---------------------------------------------------------------- across


def test_each_model_has_a_row_and_each_held_out_split_a_panel(scores: pd.DataFrame) -> None:
    figure = drawn_scores(scores)
    assert list(panels(figure)) == ["Validation", "Test"]
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["A", "B"]
    assert figure.axes[0].yaxis.get_inverted()  # the first on top
    for axes in figure.axes:
        dots = {
            place: sorted(
                x
                for line in axes.lines
                for x, y in zip(*map(np.asarray, line.get_data()), strict=True)
                if line.get_marker() == "o" and abs(y - place) < 0.5
            )
            for place in (0, 1)
        }
        assert dots == {0: [50.0, 75.0, 100.0], 1: [25.0] * 3}
    assert list(panels(drawn_scores(scores[scores["split"] != "test"]))) == ["Validation"]


def test_the_seeds_of_a_row_do_not_hide_one_another(scores: pd.DataFrame) -> None:
    axes = drawn_scores(copies(scores, 1, 10)).axes[0]
    heights = [y for line in axes.lines for y in np.asarray(line.get_ydata())]
    assert len(heights) == 10
    assert np.diff(sorted(heights)).min() > 0.01


def test_a_diverged_run_is_a_hollow_dot(scores: pd.DataFrame) -> None:
    figure = drawn_scores(scores)
    hollow = [
        np.asarray(line.get_xdata()).tolist()
        for line in figure.axes[1].lines
        if line.get_markerfacecolor() == "white"
    ]
    assert hollow == [[], [25.0]]
    assert "hollow" in figure.get_supxlabel()
    assert "hollow" not in drawn_scores(scores.assign(diverged=False)).get_supxlabel()


def test_the_mean_and_its_interval_are_bars(scores: pd.DataFrame) -> None:
    statistics = model_statistics(scores, {})
    for axes, split in zip(drawn_scores(scores).axes, ("val", "test"), strict=True):
        bars = segments(axes)
        for place, model in enumerate("AB"):
            (x0, y0), (x1, y1) = bars[2 * place]
            assert x0 == x1 == pytest.approx(100 * statistics[model][split]["accuracy"]["mean"])
            assert y0 < place < y1
            ends = [x / 100 for x, _ in bars[2 * place + 1]]
            assert ends == pytest.approx(statistics[model][split]["accuracy"]["interval_95"])


def test_a_single_seed_has_no_interval(scores: pd.DataFrame) -> None:
    figure = drawn_scores(scores[scores["seed"] == 0])
    assert [len(segments(axes)) for axes in figure.axes] == [2, 2]  # the means
    assert "interval" not in figure.get_supxlabel()


def test_groups_stand_together_with_a_line_between_them(scores: pd.DataFrame) -> None:
    row = scores[(scores["model"] == "A")]
    mixed = pd.concat([row.assign(model=name) for name in ("S-x", "E-x", "S-y", "E-y", "Q")])
    axes = drawn_scores(mixed).axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["S-x", "S-y", "E-x", "E-y", "Q"]
    between = [line for line in axes.lines if line.get_marker() != "o"]
    assert [np.asarray(line.get_ydata()).tolist() for line in between] == [[1.5, 1.5], [3.5, 3.5]]


@pytest.mark.parametrize("splits", [["val"], ["val", "test"]])
@pytest.mark.parametrize("models", [["Alone"], GRID[:4], GRID, RAGGED])
def test_no_text_of_the_scores_overlaps_or_is_cut_off(
    scores: pd.DataFrame, models: list[str], splits: list[str]
) -> None:
    row = scores[(scores["model"] == "B") & scores["split"].isin(splits)]
    row = row.assign(protocol="resubstitution")  # the longest title
    figure = drawn_scores(pd.concat([row.assign(model=f"a-long-group-name-{m}") for m in models]))
    texts = {text.get_text() for text in drawn_texts(figure)}
    assert {f"a-long-group-name-{model}" for model in models} <= texts
    assert text_overlaps(figure) == []
    assert cut_off(figure) == []


# ---------------------------------------------------------------- both


BOTH = {"upright": (accuracy_figure, "ylim"), "across": (scores_figure, "xlim")}


@pytest.mark.parametrize(("draw", "limits"), BOTH.values(), ids=BOTH)
def test_no_axis_leaves_what_a_measure_can_be(draw: Any, limits: str, scores: pd.DataFrame) -> None:
    """With runs at either end, whose dots are drawn whole."""
    figure = draw(scores.replace({"accuracy": {0.25: 0.0}}), model_statistics(scores, {}))
    for axes in figure.axes:
        assert tuple(getattr(axes, f"get_{limits}")()) == (0.0, 100.0)
        assert not any(line.get_clip_on() for line in axes.lines if line.get_marker() == "o")


@pytest.mark.parametrize("draw", [accuracy_figure, scores_figure])
def test_a_measure_told_in_the_results_has_panels_of_its_own(
    draw: Any, scores: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One per held-out split, or one if it is of whole runs; their axes are their own."""
    loss, area = MEASURES["loss"], MEASURES["loss_area"]
    monkeypatch.setitem(MEASURES, "loss", replace(loss, told=("statistics", "results")))
    monkeypatch.setitem(MEASURES, "loss_area", replace(area, told=("statistics", "results")))
    figure = draw(scores, model_statistics(scores, {}))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["Validation", "Test", "Loss, validation", "Loss, test", "Loss area"]
    labels = [axes.get_ylabel() or axes.get_xlabel() for axes in figure.axes]
    assert [label.partition(";")[0] for label in labels[:3]] == [
        "accuracy (percent)", "accuracy (percent)", "loss (nats)"
    ]  # fmt: skip
    assert text_overlaps(figure) == []
