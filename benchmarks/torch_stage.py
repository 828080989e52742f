"""A train stage in PyTorch: what stages/train.py does, epoch by epoch.

Usage: python benchmarks/torch_stage.py MODEL FOLDER, beside params.yaml and data/dataset.npz.
"""

import sys
from pathlib import Path

import torch
from torch import nn

from cnn_from_scratch.nn.training import Samples
from contenders import CHUNK
from stage_record import Row, Stage, read_stage, write_stage
from torch_contender import adam_of, module_of


def tensors(samples: Samples) -> tuple[torch.Tensor, torch.Tensor]:
    """Return inputs and targets."""
    return torch.tensor(samples.x, dtype=torch.float32), torch.tensor(samples.targets)


def accuracy(logits: torch.Tensor, targets: torch.Tensor) -> float:
    """Return the share of samples whose largest logit is their class's."""
    return (logits.argmax(1) == targets).float().mean().item()


def train(stage: Stage, module: nn.Module) -> list[Row]:
    """Train; each epoch's forward pass gives both the gradient and the scores before it."""
    optimizer = adam_of(module, stage.adam)
    criterion = nn.CrossEntropyLoss()
    x, targets = tensors(stage.train)
    x_val, targets_val = tensors(stage.val)
    history: list[Row] = []
    for _ in range(stage.epochs + 1):
        logits = module(x)
        loss = criterion(logits, targets)
        with torch.no_grad():
            val = module(x_val)
            val_loss = criterion(val, targets_val).item()
        scores = accuracy(logits, targets), val_loss, accuracy(val, targets_val)
        history.append((loss.item(), *scores))
        if len(history) <= stage.epochs:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return history


def train_in_batches(stage: Stage, module: nn.Module) -> list[Row]:
    """Train by shuffled minibatches, and score the network before the first epoch and after each.

    It is told whether it is scored: batch normalization and dropout then do something else.
    """
    assert stage.batch_size is not None
    optimizer = adam_of(module, stage.adam)
    criterion = nn.CrossEntropyLoss()
    x, targets = tensors(stage.train)
    validation = tensors(stage.val)
    history = [(*score(module, x, targets), *score(module, *validation))]
    for _ in range(stage.epochs):
        module.train()
        for rows in torch.randperm(len(x)).split(stage.batch_size):
            optimizer.zero_grad()
            criterion(module(x[rows]), targets[rows]).backward()
            optimizer.step()
        history.append((*score(module, x, targets), *score(module, *validation)))
    return history


def score(module: nn.Module, x: torch.Tensor, targets: torch.Tensor) -> tuple[float, float]:
    """Return loss and accuracy."""
    logits = infer(module, x)
    return nn.functional.cross_entropy(logits, targets).item(), accuracy(logits, targets)


def infer(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Return the logits of all samples, in chunks of the size that suits PyTorch best."""
    module.eval()
    with torch.inference_mode():
        return torch.cat([module(chunk) for chunk in x.split(CHUNK)])


def main(name: str, folder: Path) -> None:
    """Train the named model and write its record."""
    stage = read_stage(name)
    module = module_of(stage.network)
    if stage.batch_size is None:
        torch.set_num_threads(1)  # the products are too small to share out
        history = train(stage, module)
    else:
        history = train_in_batches(stage, module)
    splits = {"val": stage.val, "test": stage.test}
    logits = {split: infer(module, tensors(some)[0]).numpy() for split, some in splits.items()}
    parameters = {name: array.detach().numpy() for name, array in module.named_parameters()}
    write_stage(folder, history, parameters, logits)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
