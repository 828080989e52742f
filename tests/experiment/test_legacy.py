"""The released script's start: one stream per seed, from which all its models draw in turn."""

import numpy as np
import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.legacy import draw_kernels
from cnn_from_scratch.nn.architectures import EnhancedCNN, SimpleCNN
from cnn_from_scratch.nn.layers import Conv2D, Dense, Flatten, Sigmoid
from cnn_from_scratch.nn.network import NUMPY, Sequential

# The kernels of the script's models, in the order in which it builds them.
SIMPLE = ((3, 1, 3, 3), (3, 3, 2, 2))
ENHANCED = ((4, 1, 3, 3), (4, 4, 3, 3), (3, 4, 2, 2))
SCRIPT = (SIMPLE, SIMPLE, SIMPLE, ENHANCED, ENHANCED)


def network(shapes: tuple[tuple[int, ...], ...]) -> Sequential:
    layers = (SimpleCNN() if shapes == SIMPLE else EnhancedCNN()).layers(3)
    return Sequential(layers, (1, 6, 6), lambda _: np.random.RandomState(1), NUMPY)


@pytest.mark.parametrize("seed", [0, 9])
def test_the_kernels_are_those_of_the_script(seed: int) -> None:
    np.random.seed(seed)  # noqa: NPY002 -- as the script does, with NumPy's one global stream
    skip = 0
    for shapes in SCRIPT:
        ours = network(shapes)
        draw_kernels(ours, seed, skip)
        convolutions = [params for params in ours.params if params]
        for params, shape in zip(convolutions, shapes, strict=True):
            out_channels, in_channels, k, _ = shape
            expected = np.random.randn(out_channels, in_channels, k, k)  # noqa: NPY002
            expected = expected * np.sqrt(1 / (in_channels * k * k))
            np.testing.assert_array_equal(params["W"], expected)
            assert not params["b"].any()
        skip += sum(int(np.prod(shape)) for shape in shapes)
    assert skip == 3 * 63 + 2 * 228


def test_other_layers_to_draw_for_are_refused() -> None:
    layers = (Conv2D(2, 3), Sigmoid(), Flatten(), Dense(3))
    other = Sequential(layers, (1, 6, 6), lambda _: np.random.RandomState(1), NUMPY)
    with pytest.raises(InputError, match="legacy_skip: the released script has no Dense"):
        draw_kernels(other, 0, 0)


def test_a_seed_that_is_none_of_the_stream_is_refused() -> None:
    draw_kernels(network(SIMPLE), 2**32 - 1, 0)
    with pytest.raises(InputError, match="legacy_skip: seed 4294967296: "):
        draw_kernels(network(SIMPLE), 2**32, 0)
