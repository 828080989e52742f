"""The pictures of the training loss."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cnn_from_scratch.report.pictures.losses import loss_figure, loss_panels_figure
from tests.report.pictures.texts import cut_off, text_overlaps

GRID = [f"{group}-{variant}" for group in "PQRST" for variant in "abcdef"]  # 30 models
RAGGED = [f"P-{variant}" for variant in "abcdefghij"] + ["Q-k", "Alone", "R-a", "R-l"]


def curves(lengths: dict[str, int], updates: int = 1) -> pd.DataFrame:
    """Return the curves of models that were trained for so many epochs, of so many updates."""
    return pd.DataFrame(
        {
            "model": model,
            "epoch": epoch,
            "step": updates * epoch,
            "mean": 1.0 / (epoch + 1),
            "low": 0.0,
            "high": 1.0,
        }
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


TWO = curves({"B": 3, "A": 3})


def test_the_loss_figure_draws_each_floor_once() -> None:
    (axes,) = loss_figure(TWO, [0.0, 0.5, 0.0, 0.5, 0.25]).axes
    lines = [line for line in axes.lines if "floor" in str(line.get_label())]
    assert [float(np.asarray(line.get_ydata())[0]) for line in lines] == [0.25, 0.5]


def test_every_model_is_drawn_in_order() -> None:
    figure = loss_figure(TWO, [0.0])
    (axes,) = figure.axes
    assert [line.get_label() for line in axes.lines] == ["B", "A"]
    assert list(np.asarray(axes.lines[0].get_ydata())) == [1.0, 1 / 2, 1 / 3, 1 / 4]
    assert len(axes.collections) == 2  # the bands
    assert len({str(line.get_color()) for line in axes.lines}) == 2
    assert len({str(line.get_linestyle()) for line in axes.lines}) == 2
    assert "nats" in axes.get_ylabel()


@pytest.mark.parametrize("models", [1, 2, 5, 9])
def test_no_text_overlaps(models: int) -> None:
    names = [f"Model-{k}" for k in range(models)]
    assert text_overlaps(loss_figure(curves(dict.fromkeys(names, 3)), [0.5])) == []


def test_no_axis_goes_below_0() -> None:
    for figure in (loss_figure(TWO, []), losses(["S-x", "E-x", "E-y"])):
        for axes in figure.axes:
            assert axes.get_ylim()[0] == 0.0 < 1.0 < axes.get_ylim()[1]


@pytest.mark.parametrize(
    ("updates", "label", "places"),
    [(1, "epoch", [0, 1, 2]), (5, "updates (steps)", [0, 5, 10])],
)
def test_minibatches_are_drawn_by_their_updates(
    updates: int, label: str, places: list[int]
) -> None:
    both = pd.concat([curves({"A-x": 2}, updates), curves({"B-x": 4})])
    one, panelled = loss_figure(both, []), loss_panels_figure(both, {"A-x": 0.0, "B-x": 0.0})
    assert (one.axes[0].get_xlabel(), panelled.get_supxlabel()) == (label, label)
    for figure in (one, panelled):
        assert np.asarray(figure.axes[0].lines[0].get_xdata()).tolist() == places
        assert figure.axes[0].get_xlim() == (0, max(4, places[-1]))


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
