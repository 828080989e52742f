"""The backend: what computes a network, its loss and its updates, and how batches go through it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.nn.losses import Loss, softmax_cross_entropy
from cnn_from_scratch.nn.network import Sequential
from cnn_from_scratch.nn.numerics import NATIVE, Numerics
from cnn_from_scratch.nn.optimizers import Optimizer


@dataclass(frozen=True)
class Backend:
    """All that computes, in one object that a network is built by and keeps.

    numerics: the operations of layers and loss; `using` them is the caller's part.
    network: makes a network of what `Sequential` takes.
    optimizer: makes of an optimizer one that does the same, as quickly as the backend can.
    chunk_size: of how many input numbers, about, a part of a batch has that goes through the
        network at once. Where numerics are portable it is in the bits, as each part is rounded by
        itself.
    map_chunks: calls a function of each part and returns the results in order, as `map` does.
    """

    numerics: Numerics = NATIVE
    loss: Loss = softmax_cross_entropy
    network: Callable[..., Sequential] = Sequential
    optimizer: Callable[[Optimizer], Optimizer] = lambda optimizer: optimizer
    chunk_size: int = 1 << 16
    map_chunks: Callable[..., Iterable[Array]] = map


NUMPY = Backend()
