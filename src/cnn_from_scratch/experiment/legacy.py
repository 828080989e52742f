"""The start of the released script: all its models draw their kernels from one stream per seed."""

import numpy as np

from cnn_from_scratch import InputError
from cnn_from_scratch.nn.layers import Conv2D
from cnn_from_scratch.nn.network import Sequential

MAX_SEED = 2**32 - 1  # of RandomState


def draw_kernels(network: Sequential, seed: int, skip: int) -> None:
    """Give the network the kernels that the released script draws for it; biases are left at 0.

    W ~ N(0, 1 / fan_in), convolution by convolution, from the legacy normal numbers of
    RandomState(seed), after `skip` of them: those of the models that the script builds before.
    Their last bits are those of the C library's logarithm, so they may differ between machines.

    Raises InputError if the network has other layers with parameters than convolutions, or if the
    legacy generator does not take the seed.
    Source: Lee 2025, released code.
    """
    if seed > MAX_SEED:
        raise InputError(
            f"legacy_skip: seed {seed}: the released script's stream takes none so large"
        )
    rng = np.random.RandomState(seed)
    rng.standard_normal(skip)
    for layer, params in zip(network.layers, network.params, strict=True):
        if isinstance(layer, Conv2D):
            kernels = params["W"]  # (out_channels, in_channels, k, k), a view into theta
            fan_in = kernels[0].size
            kernels[:] = rng.standard_normal(kernels.shape) * np.sqrt(1.0 / fan_in)
        elif params:
            raise InputError(
                f"legacy_skip: the released script has no {type(layer).__name__} to draw for"
            )
