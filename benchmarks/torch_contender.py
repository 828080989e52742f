"""The same network in PyTorch, eager and compiled, float32."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.nn.layers import BatchNorm, Conv2D, Dense, Dropout, Layer, MaxPool2D
from cnn_from_scratch.nn.network import Sequential
from cnn_from_scratch.nn.optimizers import Adam
from contenders import CHUNK
from ours import network_of
from workloads import Problem


def module_of(network: Sequential) -> nn.Sequential:
    """Return the PyTorch network with the layers and the parameters of ours."""
    pairs = zip(network.layers, network.params, strict=True)
    return nn.Sequential(*(_module(layer, params) for layer, params in pairs))


def _module(layer: Layer, params: dict[str, Array]) -> nn.Module:
    if isinstance(layer, Conv2D):
        o, c, k, _ = params["W"].shape
        conv = nn.Conv2d(c, o, k, stride=layer.stride, padding=layer.padding)
        return _with_parameters(conv, params["W"], params["b"])
    if isinstance(layer, Dense):
        return _with_parameters(nn.Linear(*params["W"].shape), params["W"].T, params["b"])
    if isinstance(layer, MaxPool2D):
        return nn.MaxPool2d(layer.kernel_size)
    if isinstance(layer, BatchNorm):  # gamma 1 and beta 0 at the start, as ours
        return nn.BatchNorm2d(len(params["gamma"]), layer.eps, layer.momentum)
    if isinstance(layer, Dropout):
        return nn.Dropout(layer.rate)
    return getattr(nn, type(layer).__name__)()  # Sigmoid, ReLU, Flatten


def _with_parameters(module: Any, weight: Array, bias: Array) -> nn.Module:
    with torch.no_grad():
        module.weight.copy_(torch.tensor(weight))
        module.bias.copy_(torch.tensor(bias))
    return module


def adam_of(module: nn.Module, adam: Adam, fused: bool = False) -> torch.optim.Optimizer:
    """Return PyTorch's Adam with the settings of ours."""
    betas = (adam.beta1, adam.beta2)
    return torch.optim.Adam(module.parameters(), lr=adam.lr, betas=betas, eps=adam.eps, fused=fused)


def step_of(
    module: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, targets: torch.Tensor
) -> Callable[[], None]:
    """Return a function that makes one training step."""
    criterion = nn.CrossEntropyLoss()

    def step() -> None:
        optimizer.zero_grad()
        criterion(module(x), targets).backward()
        optimizer.step()

    return step


class Training:
    """Steps of training on all samples at once."""

    def __init__(self, problem: Problem, mode: str):
        self.module = module_of(network_of(problem))
        self.x = torch.tensor(problem.samples.x, dtype=torch.float32)
        self.targets = torch.tensor(problem.samples.targets)
        compiled = mode == "compiled"
        module = torch.compile(self.module) if compiled else self.module
        optimizer = adam_of(self.module, Adam(), fused=compiled)
        self.step = step_of(module, optimizer, self.x, self.targets)

    def run(self, times: int) -> None:
        """Train for so many steps."""
        for _ in range(times):
            self.step()

    def outcome(self) -> Array:
        """Return the loss."""
        self.module.eval()
        with torch.inference_mode():
            loss = nn.functional.cross_entropy(self.module(self.x), self.targets)
        self.module.train()
        return np.array(loss.item())


class Inference:
    """The logits of all samples."""

    def __init__(self, problem: Problem, mode: str):
        module = module_of(network_of(problem)).eval()
        self.module = torch.compile(module) if mode == "compiled" else module
        self.chunks = torch.tensor(problem.samples.x, dtype=torch.float32).split(CHUNK)

    def run(self, times: int) -> None:
        """Compute the logits so many times."""
        for _ in range(times):
            self.outcome()

    def outcome(self) -> Array:
        """Return the logits."""
        with torch.inference_mode():
            return torch.cat([self.module(chunk) for chunk in self.chunks]).numpy()


training, inference = Training, Inference
