"""The picture of the confusion matrices."""

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from cnn_from_scratch.report.pictures.confusion import confusion_figure
from cnn_from_scratch.report.pictures.style import MAX_CLASSES, shown_name
from cnn_from_scratch.report.plot_data import confusion
from tests.report.pictures.texts import cut_off, text_overlaps

CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def test_the_confusion_figure_has_a_panel_a_model_and_prefers_test() -> None:
    predictions = pd.DataFrame(
        {"model": model, "split": split, "label": list("122"), "predicted": list("121")}
        for model in ("A", "B")
        for split in ("val", "test")
    )
    predictions = predictions.explode(["label", "predicted"]).astype("category")
    table = pd.DataFrame(confusion(predictions))
    figure = confusion_figure(table, ["1", "2"], "holdout")
    assert [axes.get_title() for axes in figure.axes] == ["A", "B"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["100", "0", "50", "50"]
    assert "test" in figure.get_suptitle()
    val_only = confusion_figure(table[table["split"] == "val"], ["1", "2"], "resubstitution")
    assert "resubstitution" in val_only.get_suptitle()


@pytest.mark.parametrize("models", [1, 5, 6, 9, 10])
def test_every_column_of_the_confusion_figure_has_its_labels(models: int) -> None:
    """Also where the panel below is empty."""
    names = [f"Model-{k}" for k in range(models)]
    pairs = [(label, predicted) for label in "12" for predicted in "12"]
    table = pd.DataFrame(
        {"model": name, "split": "test", "label": label, "predicted": predicted, "count": 1}
        for name in names
        for label, predicted in pairs
    )
    figure = confusion_figure(table, ["1", "2"], "holdout")
    FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert len(panels) == models
    for axes in panels[-min(models, 5) :]:
        assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2"]
        assert all(tick.label1.get_visible() for tick in axes.xaxis.get_major_ticks())


@pytest.mark.parametrize("models", [1, 2, 5])
@pytest.mark.parametrize(
    "names",
    [
        CIFAR10,
        [str(k) for k in range(1, 101)],
        [f"a quite long name, the {k}th" for k in range(30)],
        ["10", "2", "01", "1", "a,b", 'say "x"', "Ä Ö", "$x$ $y$"],
    ],
    ids=["cifar10", "100 classes", "long", "odd"],
)
def test_names_are_drawn_in_their_order_without_overlaps(names: list[str], models: int) -> None:
    table = pd.DataFrame(
        {"model": f"Model-{k}", "split": "test", "label": name, "predicted": name, "count": 1}
        for k in range(models)
        for name in names
    )
    figure = confusion_figure(table, names, "holdout")
    assert text_overlaps(figure) == []
    assert cut_off(figure) == []
    drawn = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert drawn == [shown_name(name) for name in names[:MAX_CLASSES]]
