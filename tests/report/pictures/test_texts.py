"""What is wrong with the texts of a picture would be seen."""

import numpy as np
from matplotlib.figure import Figure

from tests.report.pictures.texts import covered_texts, cut_off, text_overlaps


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
