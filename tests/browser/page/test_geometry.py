"""Maps, axes and bars stand where they should."""

import pytest

from tests.browser.node import Node

GRID = "const grid = gridOf({ count: 5, rows: 2, columns: 3, perRow: 2, width: 100 });"


def test_every_pixel_is_found_where_it_is_drawn(node: Node) -> None:
    ours = node(
        GRID
        + """
        const pixels = [];
        for (let m = 0; m < 5; m++)
          for (let i = 0; i < 2; i++)
            for (let j = 0; j < 3; j++) pixels.push([m, i, j]);
        const found = pixels.map((pixel) => {
          const [x, y] = cornerOf(grid, pixel);
          return [pixelAt(grid, x, y), pixelAt(grid, x + grid.cell - 1, y + grid.cell - 1)];
        });
        return { grid, pixels, found };
        """
    )
    assert ours["grid"]["cell"] == 15  # 2 maps of 3 pixels and a gap of 6 are 96 wide
    assert (ours["grid"]["width"], ours["grid"]["height"]) == (96, 102)
    assert ours["found"] == [[pixel, pixel] for pixel in ours["pixels"]]


def test_there_is_no_pixel_in_gaps_and_outside(node: Node) -> None:
    points = [[47, 2], [2, 31], [-1, 0], [96, 0], [0, 102], [60, 80]]
    assert node(GRID + "return points.map(([x, y]) => pixelAt(grid, x, y))", points=points) == (
        [None] * 6
    )


@pytest.mark.parametrize(
    ("key", "pixel", "to"),
    [
        ("ArrowRight", [0, 0, 2], [1, 0, 0]),
        ("ArrowRight", [1, 0, 2], [1, 0, 2]),
        ("ArrowLeft", [1, 1, 0], [0, 1, 2]),
        ("ArrowDown", [1, 1, 2], [3, 0, 2]),
        ("ArrowDown", [3, 1, 2], [3, 1, 2]),  # there is no sixth map
        ("ArrowUp", [0, 0, 0], [0, 0, 0]),
        ("Home", [4, 1, 1], [0, 0, 0]),
        ("Enter", [4, 1, 1], None),
    ],
)
def test_keys_lead_from_map_to_map(node: Node, key: str, pixel: object, to: object) -> None:
    assert node(GRID + "return movedBy(grid, pixel, key)", pixel=pixel, key=key) == to


def test_large_maps_have_pixels_of_one(node: Node) -> None:
    grid = node("return gridOf({ count: 16, rows: 200, columns: 200, perRow: 4, width: 280 })")
    assert grid["cell"] == 1


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 300, [0, 100, 200, 300]),
        (0, 1, [0, 0.5, 1]),
        (-3.2, 8.9, [0, 5]),
        (0.91, 1.1, [0.95, 1.0, 1.05, 1.1]),
        (2, 2, [2]),
    ],
)
def test_ticks_are_round_numbers(node: Node, low: float, high: float, ticks: list[float]) -> None:
    ours = node("return ticksOf(low, high)", low=low, high=high)
    assert ours == pytest.approx(ticks)


def test_a_histogram_counts_every_value_once(node: Node) -> None:
    values = [0.0, 0.1, 0.25, 0.5, 0.99, 1.0]
    assert node("return histogramOf(values, 0, 1, 4)", values=values) == [2, 1, 1, 2]
    assert node("return histogramOf([0, 0], 0, 0, 3)") == [2, 0, 0]
