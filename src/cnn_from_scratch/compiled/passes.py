"""A chain of layers, forward and backward, each a single compiled function.

To call a compiled function from Python takes several times as long as most loops over small
images. So a chain is a table with one row per layer, its link, which these two work through.
"""

from functools import cache
from typing import Any

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.compiled.kernel import INLINED, Kernel, copied, function, one_of
from cnn_from_scratch.compiled.loops import LOOPS, Passes
from cnn_from_scratch.nn.numerics import NumericsName


@function(**INLINED)
def images(values: Array, place: int, shape: Any, n: int) -> Array:
    """Return n images (C, H, W, N) of a shape; place: where they would begin if n were 1."""
    channels, height, width = shape[0], shape[1], shape[2]
    end = place + channels * height * width
    return values[place * n : end * n].reshape((channels, height, width, n))


@function(**INLINED)
def ends_of(link: Any, values: Array, n: int) -> tuple[Array, Array]:
    """Return a link's input and output, or their gradients."""
    x = images(values, link.x, link.in_shape, n)
    return x, images(values, link.y, link.out_shape, n)


@function(**INLINED)
def source_of(link: Any, values: Array, n: int) -> Array:
    """Return what a link's input is a copy of, with a border of zeros; or the gradient of it."""
    channels, height, width = link.in_shape[0], link.in_shape[1], link.in_shape[2]
    shape = (channels, height - 2 * link.padding, width - 2 * link.padding)
    return images(values, link.source, shape, n)


@function()
def pad(x: Array, padding: int, y: Array) -> None:
    """y[c, i+p, j+p, n] = x[c,i,j,n], and 0 around it."""
    channels, height, width, samples = x.shape
    y[:] = 0.0
    for c in range(channels):
        for i in range(height):
            for j in range(width):
                for n in range(samples):
                    y[c, i + padding, j + padding, n] = x[c, i, j, n]


@function()
def pad_backward(dy: Array, padding: int, dx: Array) -> None:
    """dx[c,i,j,n] = dy[c, i+p, j+p, n]."""
    channels, height, width, samples = dx.shape
    for c in range(channels):
        for i in range(height):
            for j in range(width):
                for n in range(samples):
                    dx[c, i, j, n] = dy[c, i + padding, j + padding, n]


# The arguments of every layer's loops. x, y: images (C, H, W, N), or vectors (D, 1, 1, N). What is
# written in a shared loop to anything but arguments and their views, Numba takes to be of no use.
FORWARD = "link, theta, x, y"
BACKWARD = "link, theta, x, y, dy, wants_dx, dx, dtheta"
run: Any = None  # the loops of a link, by its kind: `passes_of` puts in those of the numerics
run_back: Any = None


def _forward(links: Any, theta: Array, values: Array, n: int) -> None:
    """Fill in `values` of n samples, which begin with the chain's inputs."""
    for i in range(len(links)):
        link = links[i]
        x, y = ends_of(link, values, n)
        if link.x != link.source:
            pad(source_of(link, values, n), link.padding, x)
        run(link.kind, link, theta, x, y)


def _backward(
    links: Any, theta: Array, values: Array, n: int, dvalues: Array, wanted: int, dtheta: Array
) -> None:
    """Fill in dtheta, and dvalues but the last, which are the gradient of the chain's outputs.

    wanted: the first link the gradient of whose input is asked for.
    """
    for i in range(len(links) - 1, -1, -1):
        link, wants_dx = links[i], i >= wanted
        x, y = ends_of(link, values, n)
        dx, dy = ends_of(link, dvalues, n)
        run_back(link.kind, link, theta, x, y, dy, wants_dx, dx, dtheta)
        if wants_dx and link.x != link.source:
            pad_backward(dx, link.padding, source_of(link, dvalues, n))


@cache
def passes_of(numerics: NumericsName) -> Passes:
    """Return both ways with the loops for these numerics; a link's kind is its row."""
    rows = [getattr(loops, numerics) for loops in LOOPS.values()]
    kernels = {
        "run": one_of("run", FORWARD, [row.forward for row in rows]),
        "run_back": one_of("run_back", BACKWARD, [row.backward for row in rows]),
    }
    return Passes(*(Kernel(copied(way, numerics, kernels)) for way in (_forward, _backward)))
