"""The pictures of studies of many models: what they draw, and that it can be read."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from cnn_from_scratch.report.statistics import model_statistics
from cnn_from_scratch.report.study_figures import loss_panels_figure, scores_figure
from tests.report.test_figures import copies, cut_off, drawn_texts, text_overlaps

GRID = [f"{group}-{variant}" for group in "PQRST" for variant in "abcdef"]  # 30 models
RAGGED = [f"P-{variant}" for variant in "abcdefghij"] + ["Q-k", "Alone", "R-a", "R-l"]


def curves(lengths: dict[str, int]) -> pd.DataFrame:
    """Return the curves of models that were trained for so many epochs."""
    return pd.DataFrame(
        {"model": model, "epoch": epoch, "mean": 1.0 / (epoch + 1), "low": 0.0, "high": 1.0}
        for model, length in lengths.items()
        for epoch in range(length + 1)
    )


def losses(models: list[str], floor: float = 0.0) -> Figure:
    """Return the picture of the losses of models whose floors are all the same."""
    return loss_panels_figure(curves(dict.fromkeys(models, 3)), dict.fromkeys(models, floor))


def panels(figure: Figure) -> dict[str, Axes]:
    """Return the panels that are shown, by their titles."""
    return {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_visible()}


def curve_styles(axes: Axes) -> dict[str, tuple[str, str]]:
    """Return the colour and the dashes of a panel's lines, by their labels."""
    return {
        str(line.get_label()): (
            str(line.get_color()),
            str(line._dash_pattern),  # type: ignore[attr-defined]  # get_linestyle is but '--'
        )
        for line in axes.lines
    }


def drawn_scores(scores: pd.DataFrame) -> Figure:
    """Return the picture of the scores, with the statistics that belong to them."""
    return scores_figure(scores, model_statistics(scores))


def segments(axes: Axes) -> list[list[list[float]]]:
    """Return the bars of a panel: the mean and the interval of each model in turn."""
    collections = [c for c in axes.collections if isinstance(c, LineCollection)]
    return [segment.tolist() for c in collections for segment in c.get_segments()]


# ---------------------------------------------------------------- scores


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
    statistics = model_statistics(scores)
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


# ---------------------------------------------------------------- losses


def test_each_group_has_a_panel_with_its_variants() -> None:
    figure = loss_panels_figure(
        curves({"S-x": 2, "E-x": 3, "S-y": 4}), {"S-x": 0, "E-x": 0, "S-y": 0}
    )
    shown = panels(figure)
    assert list(shown) == ["S", "E"]
    assert [line.get_label() for line in shown["S"].lines] == ["x", "y"]
    assert np.asarray(shown["S"].lines[0].get_ydata()).tolist() == [1.0, 1 / 2, 1 / 3]
    assert len(np.asarray(shown["S"].lines[1].get_ydata())) == 5
    assert [len(axes.collections) for axes in shown.values()] == [2, 1]  # the bands
    assert {axes.get_xlim() for axes in shown.values()} == {(0.0, 4.0)}


def test_a_variant_looks_the_same_in_every_panel_and_unlike_the_others() -> None:
    models = ["S-x", "S-y", "S-z", "E-z", "E-x"]
    shown = panels(losses(models))
    s, e = curve_styles(shown["S"]), curve_styles(shown["E"])
    assert e == {variant: s[variant] for variant in ("z", "x")}
    assert len({color for color, _ in s.values()}) == 3
    assert len({dashes for _, dashes in s.values()}) == 3
    (one,) = panels(losses([f"S-{k}" for k in range(30)])).values()
    assert len(set(curve_styles(one).values())) == 30


def test_panels_of_the_same_variants_share_a_legend() -> None:
    figure = losses(["S-x", "S-y", "E-y", "E-x"], floor=0.5)
    assert all(axes.get_legend() is None for axes in figure.axes)
    entries = [text.get_text().replace("\n", " ") for text in figure.legends[0].get_texts()]
    assert entries == ["x", "y", "floor of squeezed logits (0.500 nats)"]


def test_panels_of_other_variants_have_legends_of_their_own() -> None:
    figure = losses(["S-x", "S-y", "E-x"])
    assert figure.legends == []
    legends = [axes.get_legend() for axes in panels(figure).values()]
    entries = [[t.get_text() for t in legend.get_texts()] for legend in legends if legend]
    assert entries == [["x", "y"], ["x"]]


def test_a_floor_is_drawn_once_where_a_model_has_it() -> None:
    floors = {"S-x": 0.5, "S-y": 0.5, "E-x": 0.0, "E-y": 0.0}
    shown = panels(loss_panels_figure(curves(dict.fromkeys(floors, 3)), floors))
    drawn = {
        group: [
            np.asarray(line.get_ydata()).tolist()
            for line in axes.lines
            if "floor" in str(line.get_label())
        ]
        for group, axes in shown.items()
    }
    assert drawn == {"S": [[0.5, 0.5]], "E": []}


@pytest.mark.parametrize("groups", [1, 2, 3, 4, 5, 7])
def test_the_lowest_panel_of_each_column_has_its_epochs(groups: int) -> None:
    figure = losses([f"{group}-x" for group in range(groups)])
    text_overlaps(figure)  # draws it
    columns: dict[float, Axes] = {}
    for axes in panels(figure).values():
        columns[round(axes.get_position().x0, 3)] = axes
    assert len(columns) == {1: 1, 2: 2, 3: 3, 4: 2, 5: 3, 7: 3}[groups]
    for axes in columns.values():
        assert all(tick.label1.get_visible() for tick in axes.xaxis.get_major_ticks())


@pytest.mark.parametrize(
    "models",
    [
        ["Alone"],
        GRID[:2],
        GRID,
        RAGGED,
        [f"S-long-name-of-{k}" for k in range(4)],
        [f"S-{k}" for k in range(30)],
        [f"S-{k}" for k in range(17)] + [f"E-{k}" for k in range(18)],
    ],
)
def test_the_losses_have_room_for_their_words(models: list[str]) -> None:
    """No text overlaps another or is cut off, and no legend lies on a panel."""
    figure = losses(models, floor=0.551)
    assert text_overlaps(figure) == []
    assert cut_off(figure) == []
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
    boxes = [legend.get_window_extent() for legend in legends if legend is not None]
    assert boxes
    for axes in panels(figure).values():
        assert not [box for box in boxes if box.overlaps(axes.get_window_extent())]
