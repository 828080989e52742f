"""The released script's arithmetic, emulated: how many samples each run has right at the end.

Usage: python float32.py, in this folder; ../../data/dataset.npz -> float32/float32.json

It shares no code with the library that it is compared with, but for what reads the parameters and
starts processes. Each seed's models are drawn one after the other. Every number is rounded when and
where the script does:

- Pixels, outputs of layers, biases, their optimizer's state and all gradients are float32; kernels
  and the optimizer's state for them are float64.
- A convolution adds an input channel's products in float64, and rounds after each channel.
- The gradient of its input is rounded after each product that is added, by output channel, then
  row, then column; those of kernels and bias after each sample, row and column.

So where the counts agree, the library computes what is described; where they do not, a run hangs on
the last bits of its numbers.

Source: Lee 2025, released code, as described; none of it is here.
"""

import itertools
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "stages"))

import start

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.dataset import Dataset, load_dataset
from cnn_from_scratch.experiment.executing import side_by_side
from cnn_from_scratch.experiment.files import replacing, write_json
from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.orphans import ending_with_dvc
from cnn_from_scratch.experiment.params import Params, load_params
from cnn_from_scratch.experiment.settings import settings

Array = np.ndarray[Any, Any]

KERNELS = {"S": [(3, 1, 3, 3), (3, 3, 2, 2)], "E": [(4, 1, 3, 3), (4, 4, 3, 3), (3, 4, 2, 2)]}


class Network:
    """A network of the script: convolutions, each with its activation; "S" pools after the first.

    The activation is on the logits, too.
    """

    def __init__(self, kind: str, rng: np.random.RandomState) -> None:
        self.pools = kind == "S"
        self.W = [rng.randn(*shape) * np.sqrt(1 / np.prod(shape[1:])) for shape in KERNELS[kind]]
        self.b = [np.zeros(len(kernels), np.float32) for kernels in self.W]

    def forward(self, x: Array) -> tuple[Array, list[Any]]:
        """Return the logits (N, 3), and what `backward` needs."""
        caches = []
        for i, (kernels, bias) in enumerate(zip(self.W, self.b, strict=True)):
            y = self.activation(correlate(x, kernels) + bias[:, None, None])
            caches.append((x, y))
            x = pool(y)[0] if self.pools and i == 0 else y
        return x[:, :, 0, 0], caches

    def backward(self, dy: Array, caches: list[Any]) -> list[Array]:
        """Return the gradients of all kernels, then of all biases."""
        of_kernels, of_biases = [], []
        for i, (x, y) in reversed(list(enumerate(caches))):
            if self.pools and i == 0:
                dy = unpool(dy, y)
            dy = dy * (y * (1 - y) if self.pools else y > 0)
            of_biases.append(sum_in_order(dy))
            of_kernels.append(kernel_gradient(x, dy))
            if i > 0:
                dy = input_gradient(self.W[i], dy)
        return of_kernels[::-1] + of_biases[::-1]

    def activation(self, x: Array) -> Array:
        """Return sigmoid or ReLU."""
        return 1 / (1 + np.exp(-x)) if self.pools else np.maximum(x, 0)


def correlate(x: Array, kernels: Array) -> Array:
    """Return the valid cross-correlation of (N, C, H, W), rounded after each input channel."""
    patches = sliding_window_view(x, kernels.shape[2:], axis=(2, 3))  # (N, C, H', W', k, k)
    y = np.zeros((len(x), len(kernels), *patches.shape[2:4]), np.float32)
    for c in range(x.shape[1]):
        products = np.multiply(patches[:, c, None], kernels[:, c, None, None], order="C")
        y += products.reshape(*y.shape, -1).sum(axis=-1)
    return y


def kernel_gradient(x: Array, dy: Array) -> Array:
    """Return the gradient (O, C, k, k) of the kernels; dy is (N, O, H', W')."""
    k = x.shape[-1] - dy.shape[-1] + 1
    patches = sliding_window_view(x, (k, k), axis=(2, 3))  # (N, C, H', W', k, k)
    products = dy[:, :, None, :, :, None, None] * patches[:, None]  # (N, O, C, H', W', k, k)
    n, o, c, h, w, *_ = products.shape
    by_place = products.transpose(0, 1, 2, 5, 6, 3, 4).reshape(n, o * c * k * k, h, w)
    return sum_in_order(by_place).reshape(o, c, k, k)


def input_gradient(kernels: Array, dy: Array) -> Array:
    """Return the gradient (N, C, H, W) of the convolution's input."""
    k, size = kernels.shape[-1], dy.shape[-1]
    dx = np.zeros((len(dy), kernels.shape[1], size + k - 1, size + k - 1), np.float32)
    for o, i, j in itertools.product(range(len(kernels)), range(size), range(size)):
        dx[:, :, i : i + k, j : j + k] += dy[:, o, i, j, None, None, None] * kernels[o]
    return dx


def sum_in_order(terms: Array) -> Array:
    """Return (N, M, H, W) summed to (M,), one term after the other: by sample, row and column."""
    in_order = np.moveaxis(terms, 1, -1).reshape(-1, terms.shape[1])
    return np.add.accumulate(in_order)[-1]


def pool(x: Array) -> tuple[Array, Array]:
    """Return the maxima of 2x2 blocks, and the place 0..3 of the first in each."""
    n, channels, size, _ = x.shape
    blocks = x.reshape(n, channels, size // 2, 2, size // 2, 2).swapaxes(3, 4)
    blocks = blocks.reshape(*blocks.shape[:4], 4)
    return blocks.max(axis=-1), blocks.argmax(axis=-1)


def unpool(dy: Array, x: Array) -> Array:
    """Return dy at the places of the maxima of x, and 0 elsewhere."""
    blocks = (pool(x)[1][..., None] == np.arange(4)) * dy[..., None]  # (N, C, H/2, W/2, 4)
    return blocks.reshape(*dy.shape, 2, 2).swapaxes(3, 4).reshape(x.shape)


def train(network: Network, optimizer: dict[str, Any], x: Array, y: Array, epochs: int) -> int:
    """Return how many samples the last epoch's logits have right, from before its update."""
    parameters = network.W + network.b
    m, v = ([np.zeros_like(p) for p in parameters] for _ in range(2))
    for epoch in range(1, epochs + 1):
        logits, caches = network.forward(x)
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        p = exponentials / exponentials.sum(axis=1, keepdims=True)
        dlogits = (p - np.eye(3, dtype=np.float32)[y]) / len(y)
        gradients = network.backward(dlogits[:, :, None, None], caches)
        for i, (parameter, g) in enumerate(zip(parameters, gradients, strict=True)):
            parameter -= step(optimizer, g, m[i], v[i], epoch)
    return int(np.sum(logits.argmax(axis=1) == y))


def step(settings: dict[str, Any], g: Array, m: Array, v: Array, t: int) -> Array:
    """Return SGD's, RMSprop's or Adam's step; m and v change in place."""
    lr = settings["lr"]
    if settings["name"] == "sgd":
        return lr * g
    if settings["name"] == "rmsprop":
        v[:] = settings["rho"] * v + (1 - settings["rho"]) * (g * g)
        return lr / (np.sqrt(v) + settings["eps"]) * g
    beta1, beta2 = settings["beta1"], settings["beta2"]
    m[:] = beta1 * m + (1 - beta1) * g
    v[:] = beta2 * v + (1 - beta2) * (g * g)
    return lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + settings["eps"])


def correct(params: Params, dataset: Dataset, seed: int) -> dict[str, int]:
    """Return how many samples each model has right, trained from the seed."""
    models = resolve_models(params)
    x = dataset.pixels[:].astype(np.float32)
    counts = {}
    for variant in ("report", "script"):
        rng = np.random.RandomState(seed)
        for name in (name for name in models if name.startswith(variant)):  # in this order
            network = Network(name.split("-")[1], rng)
            optimizer = settings(models[name].optimizer)
            epochs = params.models[name].train.epochs
            counts[name] = train(network, optimizer, x, dataset.y, epochs)
    return counts


def main() -> None:
    """Train every model from every seed, and write {model: [one count per seed]}."""
    params, dataset = load_params(), load_dataset(Path("../../data/dataset.npz"))
    for name in params.models:
        if not re.match("(report|script)-[SE]-", name):
            raise InputError(
                f"params.yaml: models.{name}: expected report- or script-, then S- or E-"
            )
    check_parent = ending_with_dvc()
    by_seed = dict(side_by_side(partial(correct, params, dataset), params.seeds, check_parent))
    check_parent()
    with replacing(Path("float32/float32.json")) as new:
        counts = {name: [by_seed[seed][name] for seed in params.seeds] for name in params.models}
        write_json(new, counts)


if __name__ == "__main__":
    main()
