"""What the pictures share: the same data give the same bytes, and what fits is whole."""

from pathlib import Path

from matplotlib.figure import Figure

from cnn_from_scratch.report.pictures.losses import loss_figure
from cnn_from_scratch.report.pictures.style import first, save_figure, stay_within, with_notes
from tests.report.pictures.test_losses import TWO


def test_the_same_figure_is_the_same_bytes_and_names_no_version(tmp_path: Path) -> None:
    files = [tmp_path / "1.png", tmp_path / "2.png"]
    for file in files:
        save_figure(loss_figure(TWO, []), file)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert b"atplotlib" not in files[0].read_bytes()


def test_what_fits_is_whole_and_nothing_is_said() -> None:
    assert first("abc", 3, "models") == (["a", "b", "c"], "")
    assert first("abcd", 3, "models") == (["a", "b", "c"], "the first 3 of 4 models")
    assert with_notes("epoch", "", "") == "epoch"
    assert with_notes("epoch", "a", "", "b") == "epoch\na; b"


def test_an_axis_stays_within_its_bounds_and_is_no_wider_than_before() -> None:
    axes = Figure().subplots()
    axes.plot([0.0, 1.0], [0.0, 1.0])
    wide, upper = axes.get_xlim(), axes.get_ylim()[1]
    assert wide[0] < 0.0 and upper > 1.0
    stay_within(axes, "x", (-9.0, 9.0))
    stay_within(axes, "y", (0.0, float("inf")))
    assert axes.get_xlim() == wide
    assert axes.get_ylim() == (0.0, upper)
