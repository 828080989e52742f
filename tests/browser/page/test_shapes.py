"""What the network view says of layers is so."""

import numpy as np

from tests.browser.node import Node, batch

SIMPLE = "const layer = new Conv2D({ outChannels: 3, kernelSize: 2, stride: 2, padding: 1 });"


def test_kernels_stand_by_output_and_input(node: Node) -> None:
    weights = np.arange(24.0)
    ours = node(
        SIMPLE
        + """
        const maps = kernelsOf(layer, [2, 4, 4], "W", W);
        return { ...maps, last: weightName(layer, "W", maps, [5, 1, 0]) };
        """,
        W=weights,
    )
    assert (ours["count"], ours["rows"], ours["columns"], ours["perRow"]) == (6, 2, 2, 2)
    assert ours["values"].tolist() == weights.tolist()
    assert ours["last"] == "W[2,1,1,0]"
    assert ours["omitted"] is None


def test_of_many_kernels_the_first_are_shown(node: Node) -> None:
    weights = np.arange(10.0 * 9)
    ours = node(
        """
        const layer = new Conv2D({ outChannels: 10, kernelSize: 1 });
        return kernelsOf(layer, [9, 2, 2], "W", W);
        """,
        W=weights,
    )
    assert ours["values"].tolist() == weights.reshape(10, 9)[:8, :8].ravel().tolist()
    assert ours["omitted"] == "8 \u00d7 8 of 10 \u00d7 9 kernels"


def test_a_dense_matrix_has_a_row_for_each_output(node: Node) -> None:
    weights = np.arange(6.0)
    ours = node("return kernelsOf(new Dense({ outFeatures: 2 }), [3], 'W', W)", W=weights)
    assert ours["values"].tolist() == weights.reshape(3, 2).T.ravel().tolist()


def test_places_and_pixels_of_vectors_and_images(node: Node) -> None:
    ours = node("""
        const of = (shape, pixel) => {
          const numbers = Float64Array.from({ length: 40 }, (_, i) => i);
          const maps = mapsOf(shape, numbers);
          const place = placeOf(shape, maps, pixel);
          return [place, pixelOf(shape, maps, place), numberAt(shape, numbers, place)];
        };
        return [of([40], [0, 2, 1]), of([2, 4, 5], [1, 3, 2])];
    """)
    assert ours == [[[33], [0, 2, 1], 33], [[1, 3, 2], [1, 3, 2], 37]]


def test_the_framed_windows_are_all_that_an_output_depends_on(node: Node) -> None:
    """Change a pixel: the output changes exactly if the pixel is in its window."""
    x = np.random.RandomState(0).random_sample((1, 2, 4, 4))
    ours = node(
        SIMPLE
        + """
        const { params } = layer.init([2, 4, 4], new RandomState(0, [1, 0]));
        const output = (changed) => {
          const given = { ...x, data: x.data.slice() };
          if (changed !== null) given.data[changed] += 1;
          return layer.forward(params, given).y;
        };
        const { shape, data } = output(null);
        const wrong = [];
        for (let at = 0; at < data.length; at++) {
          const place = [0, Math.floor(at / shape[2]) % shape[1], at % shape[2]];
          const windows = windowsOf(layer, [2, 4, 4], place);
          for (let pixel = 0; pixel < 32; pixel++) {
            const [m, i, j] = [pixel >> 4, (pixel >> 2) & 3, pixel & 3];
            const framed = windows.some(({ at: [c, row, column], height, width }) =>
              c === m && i >= row && i < row + height && j >= column && j < column + width);
            if (framed !== (output(pixel).data[at] !== data[at])) wrong.push([at, pixel]);
          }
        }
        return { shape, wrong };
        """,
        x=batch(x),
    )
    assert ours == {"shape": [3, 3, 3], "wrong": []}


def test_a_pool_s_window_is_of_its_own_channel(node: Node) -> None:
    ours = node("return windowsOf(new MaxPool2D({ kernelSize: 2 }), [3, 4, 4], [2, 1, 0])")
    assert ours == [{"at": [2, 2, 0], "height": 2, "width": 2}]
