"""The random streams: one for each purpose, drawn from the run's seed or from one of its own.

A stream depends on (seed, purpose, index) and on nothing else: the split is the same for every
model, and a layer starts the same whatever stands before it. RandomState and SeedSequence are
frozen by NumPy's policy (NEP 19), so the numbers do not change with NumPy's version.
"""

from enum import IntEnum

from numpy.random import MT19937, RandomState, SeedSequence


class Purpose(IntEnum):
    """What a stream is for. The numbers are part of the results: never renumber."""

    SPLIT = 0
    INIT = 1  # index: the layer, among those with weights
    SHUFFLE = 2
    DROPOUT = 3
    AUGMENT = 4
    HOLD_OUT = 5  # of convert.hold_out.seed


def stream(seed: int, purpose: Purpose, index: int = 0) -> RandomState:
    """Return the stream of a seed (a whole number >= 0) for a purpose."""
    return RandomState(MT19937(SeedSequence(seed, spawn_key=(purpose, index))))
