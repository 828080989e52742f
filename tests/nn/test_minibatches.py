"""Training with minibatches against a second training, written here from the formulas alone.

That one is a network of two layers with its gradients worked out by hand. It shares no code with
the library: neither layers, loss, optimizers and schedules, nor the loop.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import cos, inf, pi

import numpy as np
import pytest

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.nn.layers import Dense, Tanh
from cnn_from_scratch.nn.metrics import Targets
from cnn_from_scratch.nn.network import NUMPY, Sequential
from cnn_from_scratch.nn.optimizers import SGD, AdamW, Momentum, Optimizer
from cnn_from_scratch.nn.schedules import Constant, Cosine, Schedule, StepDecay
from cnn_from_scratch.nn.training import Samples, Training, fit

EPOCHS = 25
LR, DECAY = 0.05, 0.02

Weights = list[Array]  # W1 (5, 16), b1, W2 (16, 3), b2
Factor = Callable[[int, int], float]  # of an update, counted from 0, with so many per epoch


def plain_loss(w: Weights, x: Array, targets: Targets) -> float:
    p = probabilities(w, x)
    return float(-np.log(p[np.arange(len(x)), targets]).mean())


def probabilities(w: Weights, x: Array) -> Array:
    z = np.exp(np.tanh(x @ w[0] + w[1]) @ w[2] + w[3])
    return np.asarray(z / z.sum(axis=1, keepdims=True))


def gradients(w: Weights, x: Array, targets: Targets) -> Weights:
    hidden = np.tanh(x @ w[0] + w[1])
    dz = (probabilities(w, x) - np.eye(3)[targets]) / len(x)
    dh = (dz @ w[2].T) * (1 - hidden**2)
    return [x.T @ dh, dh.sum(axis=0), hidden.T @ dz, dz.sum(axis=0)]


@dataclass
class Plain:
    """A number of updates of an array by SGD, Momentum or AdamW, whose numbers these are."""

    kind: str
    v: float | Array = 0.0
    m: float | Array = 0.0
    t: int = 0

    def step(self, w: Array, g: Array, factor: float) -> Array:
        """Return w after an update with the gradient g of its loss."""
        self.t += 1
        if self.kind == "adamw":
            self.m = 0.7 * self.m + 0.3 * g
            self.v = 0.99 * self.v + 0.01 * g**2
            scale = np.sqrt(self.v / (1 - 0.99**self.t)) + 1e-8
            return w - factor * LR * (self.m / (1 - 0.7**self.t) / scale + DECAY * w)
        g = g + DECAY * w
        self.v = (0.9 if self.kind == "momentum" else 0.0) * self.v + g
        return np.asarray(w - factor * LR * self.v)


@dataclass
class Trained:
    """What a training came to."""

    w: Weights
    losses: list[tuple[float, float]] = field(default_factory=list)  # of train and val, by epoch
    best: int = 0


def plain_training(
    start: Weights, kind: str, size: int, factor: Factor, patience: float, keeps_best: bool
) -> Trained:
    rng = np.random.RandomState(3)
    w, best, best_w, losses, update = start, 0, start, [], 0
    optimizers = [Plain(kind) for _ in w]
    for epoch in range(EPOCHS + 1):
        losses.append((plain_loss(w, *TRAIN), plain_loss(w, *VAL)))
        if losses[epoch][1] < losses[best][1]:
            best, best_w = epoch, w
        if epoch - best >= patience or epoch == EPOCHS:
            break
        order = list(range(20)) if size == 20 else rng.permutation(20).tolist()
        while order:
            batch, order = order[:size], order[size:]
            grads = gradients(w, TRAIN.x[batch], TRAIN.targets[batch])
            f = factor(update, -(-20 // size))
            w = [o.step(a, g, f) for o, a, g in zip(optimizers, w, grads, strict=True)]
            update += 1
    return Trained(best_w if keeps_best else w, losses, best)


def samples(n: int, seed: int) -> Samples:
    """Return samples of the class whose number among the first three is largest, but for noise."""
    rng = np.random.RandomState(seed)
    x = rng.standard_normal((n, 5))
    return Samples(x, (x[:, :3] + rng.standard_normal((n, 3))).argmax(axis=1))


TRAIN, VAL = samples(20, seed=1), samples(12, seed=2)

OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": SGD(lr=LR, weight_decay=DECAY),
    "momentum": Momentum(lr=LR, weight_decay=DECAY),
    "adamw": AdamW(lr=LR, weight_decay=DECAY),
}
SCHEDULES: dict[str, tuple[Schedule, Factor]] = {
    "constant": (Constant(), lambda t, per: 1.0),
    "warm-up by epoch": (Constant(warmup_epochs=3), lambda t, per: min(1.0, (t // per + 1) / 3)),
    "warm-up by step": (
        Constant(warmup_epochs=3, by="step"),
        lambda t, per: min(1.0, (t + 1) / (3 * per)),
    ),
    "cosine by epoch": (Cosine(), lambda t, per: (1 + cos(pi * (t // per) / EPOCHS)) / 2),
    "cosine by step": (
        Cosine(by="step"),
        lambda t, per: (1 + cos(pi * t / (EPOCHS * per))) / 2,
    ),
    "halving by epoch": (StepDecay(5, 0.5), lambda t, per: 0.5 ** (t // per // 5)),
    "halving and warm-up by step": (
        StepDecay(5, 0.5, warmup_epochs=2, by="step"),
        lambda t, per: 0.5 ** (t // (5 * per)) * min(1.0, (t + 1) / (2 * per)),
    ),
}


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("size", [6, 19, 20])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_minibatches_are_those_of_the_plain_training(kind: str, size: int, schedule: str) -> None:
    compare(kind, size, schedule, None, keeps_best=False)


@pytest.mark.parametrize("keeps_best", [False, True])
@pytest.mark.parametrize("patience", [None, 1, 4])
@pytest.mark.parametrize("size", [6, 20])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_early_stopping_and_best_epoch_are_those_of_the_plain_training(
    kind: str, size: int, patience: int | None, keeps_best: bool
) -> None:
    compare(kind, size, "cosine by step", patience, keeps_best)


def test_the_plain_trainings_are_not_all_alike() -> None:
    """Patience ends them at different epochs, and every setting matters."""
    start = [params[name] for params in network().params for name in params]
    constant = SCHEDULES["constant"][1]
    ends = {
        patience: plain_training(start, "adamw", 6, constant, patience, False)
        for patience in (1, 4, inf)
    }
    assert len(ends[1].losses) < len(ends[4].losses) < len(ends[inf].losses) == EPOCHS + 1
    assert 0 < ends[4].best < len(ends[4].losses) - 1
    last = [
        plain_training(start, kind, size, factor, inf, False).losses[-1]
        for kind in OPTIMIZERS
        for size in (6, 7)
        for _, factor in SCHEDULES.values()
    ]
    assert len({*last}) == len(last) == 3 * 2 * len(SCHEDULES)


def network() -> Sequential:
    return Sequential(
        [Dense(16), Tanh(), Dense(3)], (5,), lambda i: np.random.RandomState([8, i]), NUMPY
    )


def compare(kind: str, size: int, schedule: str, patience: int | None, keeps_best: bool) -> None:
    trained = network()
    start = [params[name].copy() for params in trained.params for name in params]
    scheduled, factor = SCHEDULES[schedule]
    training = Training(
        epochs=EPOCHS,
        batch_size=size,
        schedule=scheduled,
        early_stopping=patience,
        best_checkpoint=keeps_best,
        shuffle_rng=np.random.RandomState(3),
    )
    result = fit(trained, OPTIMIZERS[kind], TRAIN, VAL, training)
    expected = plain_training(start, kind, size, factor, patience or inf, keeps_best)
    losses = [(epoch.train.loss, epoch.val.loss) for epoch in result.history]
    np.testing.assert_allclose(losses, expected.losses, rtol=1e-11)
    theta = np.concatenate([array.ravel() for array in expected.w])
    np.testing.assert_allclose(trained.theta, theta, rtol=1e-10, atol=1e-12)
    assert result.checkpoint_epoch == (expected.best if keeps_best else len(losses) - 1)
