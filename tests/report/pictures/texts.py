"""The texts of a picture: those that a reader sees, and whether they can be read."""

from itertools import combinations

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text


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
