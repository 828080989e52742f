"""Learning-rate schedules: by what factor an epoch's updates are scaled.

`factor(epoch, epochs)` is for epoch 0..epochs-1 of a run of `epochs`. Every schedule can start
with a linear warm-up: during the first warmup_epochs epochs its factor is also multiplied by
(epoch + 1) / warmup_epochs (Goyal et al. 2017, "Accurate, large minibatch SGD", section 2.2).
With `by: step` the factor changes with every update: all is counted in updates then, of which an
epoch has as many as batches. Wrong settings raise ValueError.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Annotated, Literal, Self

import numpy as np

from cnn_from_scratch.checks import AT_LEAST_1, NOT_NEGATIVE, UNIT, UNIT_ABOVE_0, Checked
from cnn_from_scratch.nn.numerics import cos

Unit = Literal["epoch", "step"]


@dataclass(frozen=True, kw_only=True)
class Schedule(Checked, ABC):
    """What every schedule can do; by: after what its factor changes."""

    warmup_epochs: Annotated[int, NOT_NEGATIVE] = 0
    by: Unit = "epoch"

    @abstractmethod
    def factor(self, epoch: int, epochs: int) -> float:
        """Return the factor of the learning rate in an epoch."""

    def in_steps(self, per_epoch: int) -> Self:
        """Return the schedule whose epochs are single updates, of which an epoch had so many."""
        return replace(self, warmup_epochs=self.warmup_epochs * per_epoch)


@dataclass(frozen=True)
class Constant(Schedule):
    """The learning rate as it is: factor = 1, after the warm-up."""

    def factor(self, epoch: int, epochs: int) -> float:
        """Return 1, after the warm-up."""
        return _warmup(epoch, self.warmup_epochs)


@dataclass(frozen=True)
class StepDecay(Schedule):
    """The learning rate multiplied by gamma every `every` epochs.

    factor = gamma^floor(epoch / every)
    """

    every: Annotated[int, AT_LEAST_1] = 100
    gamma: Annotated[float, UNIT_ABOVE_0] = 0.1

    def in_steps(self, per_epoch: int) -> Self:
        """Return the same, counted in updates."""
        return replace(super().in_steps(per_epoch), every=self.every * per_epoch)

    def factor(self, epoch: int, epochs: int) -> float:
        """Return gamma^floor(epoch / every), times the warm-up."""
        steps = [self.gamma] * (epoch // self.every)
        return math.prod(steps, start=_warmup(epoch, self.warmup_epochs))


@dataclass(frozen=True)
class Cosine(Schedule):
    """The learning rate falling along half a cosine, from 1 to `final`.

    factor = final + (1 - final) * (1 + cos(pi * epoch / epochs)) / 2

    Source: Loshchilov and Hutter 2017, "SGDR: stochastic gradient descent with warm restarts",
    equation 5, without restarts.
    """

    final: Annotated[float, UNIT] = 0.0

    def factor(self, epoch: int, epochs: int) -> float:
        """Return the cosine's value, times the warm-up."""
        half_wave = (1.0 + float(cos(np.array(math.pi * epoch / epochs)))) / 2.0
        return (self.final + (1.0 - self.final) * half_wave) * _warmup(epoch, self.warmup_epochs)


SCHEDULES: dict[str, type[Schedule]] = {"constant": Constant, "step": StepDecay, "cosine": Cosine}


def _warmup(epoch: int, warmup_epochs: int) -> float:
    return (epoch + 1) / warmup_epochs if epoch < warmup_epochs else 1.0
