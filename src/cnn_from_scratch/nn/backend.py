"""The backend: what computes a network, its loss and its updates, and how batches go through it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.nn.losses import Loss, softmax_cross_entropy
from cnn_from_scratch.nn.numerics import NATIVE, Numerics
from cnn_from_scratch.nn.optimizers import Optimizer


@dataclass(frozen=True)
class Backend:
    """All that computes, in one object that a network is built with and keeps.

    network: makes a network; called as `Sequential`, with this backend.
    numerics: the operations of layers and loss; to compute `using` them is the caller's part.
    optimizer: makes of an optimizer one that does the same, as quickly as the backend can.
    chunk_size: about how many input numbers go through the network at once. Where numerics are
        portable it is in the bits, as each chunk of a batch is rounded by itself.
    map_chunks: calls a function of each chunk and returns the results in order, as `map` does.
    """

    network: Callable[..., Any]
    numerics: Numerics = NATIVE
    loss: Loss = softmax_cross_entropy
    optimizer: Callable[[Optimizer], Optimizer] = lambda optimizer: optimizer
    chunk_size: int = 1 << 16
    map_chunks: Callable[..., Iterable[Array]] = map
