"""The picture of the confusion matrices."""

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from cnn_from_scratch.report.pictures.confusion import confusion_figure
from cnn_from_scratch.report.plot_data import confusion


def test_the_confusion_figure_has_a_panel_a_model_and_prefers_test() -> None:
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
