"""The pictures of the choice of a rate: each dot and bar stands where its number is."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from cnn_from_scratch.report.pictures.tuning import rates_figure, tuning_figure


def curve(*means: float) -> dict[str, Any]:
    return {
        str(k): {"mean": mean, "interval_95": [mean - 0.1, mean + 0.05]}
        for k, mean in enumerate(means, start=1)
    }


CURVES = {
    "S-sgd": {"val": curve(0.55, 0.75, 0.8), "test": curve(0.5, 0.7, 0.75)},
    "S-nag": {"val": curve(0.6, 0.7, 0.9), "test": curve(0.65, 0.75, 0.8)},
    "E-nag": {"val": curve(0.75, 0.8, 1.0), "test": curve(0.2, 0.7, 0.8)},
}


def dots(axes: Axes) -> dict[str, list[list[float]]]:
    """Return x and y of the dots by the name of their optimizer."""
    return {
        str(line.get_label()): np.asarray(line.get_xydata()).tolist()
        for line in axes.lines
        if not str(line.get_label()).startswith("_")
    }


def test_every_optimizer_has_its_dots_and_bars_in_each_panel_of_its_network() -> None:
    figure = tuning_figure(CURVES)
    panels = {axes.get_title("left"): axes for axes in figure.axes}
    assert list(panels) == [
        f"network {network}: {split}" for network in "SE" for split in ("validation", "test")
    ]
    drawn = dots(panels["network S: test"])
    assert [y for _, y in drawn["sgd"]] == [0.5, 0.7, 0.75]
    assert [y for _, y in drawn["nag"]] == [0.65, 0.75, 0.8]
    for (left, _), (right, _), k in zip(drawn["sgd"], drawn["nag"], (1, 2, 3), strict=True):
        assert k - 0.5 < left < right < k + 0.5
    bars = [c for c in panels["network S: test"].collections if isinstance(c, LineCollection)]
    heights = [segment[:, 1].tolist() for segment in bars[0].get_segments()]
    assert heights == [pytest.approx([y - 0.1, y + 0.05]) for y in (0.5, 0.7, 0.75)]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["sgd", "nag"]


def test_the_axis_goes_around_all_panels_and_has_a_place_for_what_is_all_right() -> None:
    figure = tuning_figure(CURVES)
    assert {axes.get_ylim() for axes in figure.axes} == {(0.1, 0.995)}
    drawn = dots(figure.axes[2])
    assert [y for _, y in drawn["nag"]] == [0.75, 0.8, 0.995]


def test_the_chosen_rate_is_filled() -> None:
    rates = pd.DataFrame(
        {"model": "S-sgd", "lr": ["0.1", "0.3"], "val_accuracy": [0.9, 0.8], "val_loss": 1.0}
    )
    panel = rates_figure(rates, {"S-sgd": "0.3"}).axes[0]
    line, filled = panel.lines
    assert np.asarray(line.get_xydata()).tolist() == [[0.1, 0.9], [0.3, 0.8]]
    assert line.get_markerfacecolor() == "white"
    assert np.asarray(filled.get_xydata()).tolist() == [[0.3, 0.8]]
    assert filled.get_markerfacecolor() == filled.get_color() == line.get_color()
