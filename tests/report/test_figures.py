"""The pictures: what they draw, and that the same data give the same bytes."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

from cnn_from_scratch.report.comparisons import compare_models
from cnn_from_scratch.report.figures import (
    accuracy_figure,
    confusion_figure,
    dataset_figure,
    loss_figure,
    save_figure,
)
from cnn_from_scratch.report.forest import comparisons_figure
from cnn_from_scratch.report.plot_data import confusion
from cnn_from_scratch.report.statistics import model_statistics


@pytest.fixture
def curves() -> pd.DataFrame:
    """Two models' loss curves."""
    return pd.DataFrame(
        {"model": model, "epoch": epoch, "mean": 1.0 / (epoch + k), "low": 0.0, "high": 1.0}
        for k, model in enumerate(("B", "A"), start=1)
        for epoch in range(4)
    )


def drawn(scores: pd.DataFrame) -> Figure:
    """Return the accuracy figure, with the statistics that belong to the scores."""
    return accuracy_figure(scores, model_statistics(scores))


def copies(scores: pd.DataFrame, models: int, seeds: int) -> pd.DataFrame:
    """Return scores of so many models and seeds, all like those that diverged."""
    row = scores[(scores["model"] == "B") & (scores["seed"] == 1)]
    return pd.concat(
        [row.assign(model=f"Model-{k}", seed=s) for k in range(models) for s in range(seeds)]
    )


def drawn_texts(figure: Figure) -> list[Text]:
    """Return the texts that a reader sees; ticks outside an axis' range are not drawn."""
    outside: set[Text] = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            outside |= {t.label1 for t in axis.get_major_ticks() if not low <= t.get_loc() <= high}
    texts = figure.findobj(Text)
    return [t for t in texts if isinstance(t, Text) and t.get_text() and t not in outside]


def text_overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Return pairs of texts that cover one another."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    boxes = [(t.get_text(), t.get_window_extent()) for t in drawn_texts(figure) if t.get_visible()]
    return [(a, b) for (a, box), (b, other) in combinations(boxes, 2) if box.overlaps(other)]


def covered_texts(figure: Figure) -> list[str]:
    """Return the texts that an image covers."""
    FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
    images = [image.get_window_extent() for axes in figure.axes for image in axes.images]
    texts = [(t.get_text(), t.get_window_extent()) for t in drawn_texts(figure)]
    return [text for text, box in texts if any(box.overlaps(image) for image in images)]


def cut_off(figure: Figure) -> list[str]:
    """Return the texts that reach beyond the picture."""
    FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
    texts = [(t.get_text(), t.get_window_extent()) for t in drawn_texts(figure) if t.get_visible()]
    (left, bottom), (right, top) = figure.bbox.min, figure.bbox.max
    return [
        text
        for text, box in texts
        if box.x0 < left or box.x1 > right or box.y0 < bottom or box.y1 > top
    ]


def test_the_loss_figure_draws_each_floor_once(curves: pd.DataFrame) -> None:
    (axes,) = loss_figure(curves, [0.0, 0.5, 0.0, 0.5, 0.25]).axes
    lines = [line for line in axes.lines if "floor" in str(line.get_label())]
    assert [float(np.asarray(line.get_ydata())[0]) for line in lines] == [0.25, 0.5]


def test_the_loss_figure_draws_every_model_in_order(curves: pd.DataFrame) -> None:
    figure = loss_figure(curves, [0.0])
    (axes,) = figure.axes
    assert [line.get_label() for line in axes.lines] == ["B", "A"]
    assert list(np.asarray(axes.lines[0].get_ydata())) == [1.0, 1 / 2, 1 / 3, 1 / 4]
    assert len(axes.collections) == 2  # the bands
    assert len({str(line.get_color()) for line in axes.lines}) == 2
    assert len({str(line.get_linestyle()) for line in axes.lines}) == 2
    assert "nats" in axes.get_ylabel()


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
    assert [list(np.asarray(line.get_ydata())) for line in hollow] == [[], [0.25]]
    assert "hollow" in panel.get_xlabel()
    assert "hollow" not in drawn(scores.assign(diverged=False)).axes[-1].get_xlabel()


def test_the_accuracy_figure_shows_the_interval_of_every_mean(scores: pd.DataFrame) -> None:
    statistics = model_statistics(scores)
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
        assert upright == [statistics[m][split]["accuracy"]["interval_95"] for m in ("A", "B")]
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


def test_the_confusion_figure_has_a_panel_a_model_and_prefers_test(scores: pd.DataFrame) -> None:
    predictions = pd.DataFrame(
        {"model": model, "split": split, "label": [1, 2, 2], "predicted": [1, 2, 1]}
        for model in ("A", "B")
        for split in ("val", "test")
    )
    predictions = predictions.explode(["label", "predicted"]).astype(
        {"label": int, "predicted": int}
    )
    table = pd.DataFrame(confusion(predictions))
    figure = confusion_figure(table, "holdout")
    assert [axes.get_title() for axes in figure.axes] == ["A", "B"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["100", "0", "50", "50"]
    assert "test" in figure.get_suptitle()
    val_only = confusion_figure(table[table["split"] == "val"], "resubstitution")
    assert "resubstitution" in val_only.get_suptitle()


@pytest.mark.parametrize("models", [1, 5, 6, 9, 10])
def test_every_column_of_the_confusion_figure_has_its_labels(models: int) -> None:
    """Also where the panel below is empty."""
    names = [f"Model-{k}" for k in range(models)]
    pairs = [(label, predicted) for label in (1, 2) for predicted in (1, 2)]
    table = pd.DataFrame(
        {"model": name, "split": "test", "label": label, "predicted": predicted, "count": 1}
        for name in names
        for label, predicted in pairs
    )
    figure = confusion_figure(table, "holdout")
    FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert len(panels) == models
    for axes in panels[-min(models, 5) :]:
        assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2"]
        assert all(tick.label1.get_visible() for tick in axes.xaxis.get_major_ticks())


@pytest.mark.parametrize("count", [1, 20, 200])
def test_the_dataset_figure_shows_labels_and_counts(count: int) -> None:
    labels = np.arange(count) % 3 + 1
    figure = dataset_figure(np.zeros((count, 6, 6)), labels)
    shown = [text.get_text() for text in figure.axes[0].texts]
    assert shown == [str(label) for label in labels[:96]]
    assert f"{count} samples" in figure.get_suptitle()


def test_the_dataset_figure_shows_each_image_below_its_label() -> None:
    """Uncut, in the middle, and nothing else."""
    images = np.random.RandomState(0).random_sample((20, 6, 5))
    axes = dataset_figure(images, np.ones(20, int)).axes[0]
    sheet = np.asarray(axes.images[0].get_array())
    assert sheet.sum() == pytest.approx(images.sum())
    for text, image in zip(axes.texts, images, strict=True):
        x, y = map(round, text.get_position())
        np.testing.assert_array_equal(sheet[y + 1 : y + 7, x - 2 : x + 3], image)


def test_the_comparisons_figure_has_a_row_a_pair_with_its_interval() -> None:
    rows = [
        {"first": "A", "second": "B", "split": "test", "n": 9, "mean_difference": 0.25,
         "interval_95": [0.125, 0.5], "p": 0.01, "p_holm": 0.05},
        {"first": "A", "second": "C", "split": "test", "n": 9, "mean_difference": -0.25,
         "interval_95": [-0.5, 0.0], "p": 0.03, "p_holm": 0.051},
    ]  # fmt: skip
    (axes,) = comparisons_figure(rows, "holdout").axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["A vs B", "A vs C"]
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
    (axes,) = comparisons_figure([], "holdout").axes
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


@pytest.mark.parametrize("models", [1, 2, 5, 9])
def test_no_text_overlaps(scores: pd.DataFrame, curves: pd.DataFrame, models: int) -> None:
    names = [f"Model-{k}" for k in range(models)]
    many_curves = pd.concat([curves[curves["model"] == "A"].assign(model=n) for n in names])
    assert text_overlaps(drawn(copies(scores, models, 10))) == []
    assert text_overlaps(loss_figure(many_curves, [0.5])) == []


def test_overlapping_text_would_be_seen() -> None:
    figure = Figure()
    figure.text(0.5, 0.5, "one")
    figure.text(0.51, 0.5, "two")
    assert text_overlaps(figure) == [("one", "two")]


def test_covered_and_cut_off_text_would_be_seen() -> None:
    figure = Figure()
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.imshow(np.zeros((2, 2)), extent=(0.0, 0.5, 0.0, 0.5), aspect="auto")
    axes.set(xlim=(0.0, 1.0), ylim=(0.0, 1.0))
    axes.text(0.4, 0.4, "covered")
    axes.text(0.6, 0.6, "free")
    axes.text(0.98, 0.8, "cut off")
    assert covered_texts(figure) == ["covered"]
    assert cut_off(figure) == ["cut off"]


def test_the_same_figure_is_the_same_bytes_and_names_no_version(
    curves: pd.DataFrame, tmp_path: Path
) -> None:
    files = [tmp_path / "1.png", tmp_path / "2.png"]
    for file in files:
        save_figure(loss_figure(curves, []), file)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert b"atplotlib" not in files[0].read_bytes()
