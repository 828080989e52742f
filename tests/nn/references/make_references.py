"""Make torch_float64.json: the same trainings in PyTorch, in float64, as numbers to compare with.

It uses nothing of the library under test. To make the file again, in an environment that has NumPy
and PyTorch (made with torch 2.13.0 on a CPU):

    python tests/nn/references/make_references.py

Starting points and data are random decimals, recorded in the file; so are the trajectories of
theta, the loss curves and the running statistics that follow from them.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

OUT = Path(__file__).with_name("torch_float64.json")
STEPS, EPOCHS = 20, 50
ADAM = {"lr": 0.01, "beta1": 0.7, "beta2": 0.99, "eps": 1e-8}

# Ours: (optimizer, settings). PyTorch's names for the settings are in `_torch_optimizer`.
OPTIMIZERS: list[tuple[str, dict[str, float]]] = [
    ("sgd", {"lr": 0.05}),
    ("sgd", {"lr": 0.05, "weight_decay": 0.3}),
    ("momentum", {"lr": 0.02, "momentum": 0.9}),
    ("momentum", {"lr": 0.02, "momentum": 0.6, "weight_decay": 0.3}),
    ("nag", {"lr": 0.02, "momentum": 0.9}),
    ("nag", {"lr": 0.02, "momentum": 0.6, "weight_decay": 0.3}),
    ("adagrad", {"lr": 0.1, "eps": 1e-8}),
    ("adagrad", {"lr": 0.3, "eps": 1e-2, "weight_decay": 0.3}),
    ("rmsprop", {"lr": 0.01, "rho": 0.9, "eps": 1e-8}),
    ("rmsprop", {"lr": 0.03, "rho": 0.7, "eps": 1e-2, "weight_decay": 0.3}),
    ("adam", ADAM),
    ("adam", {"lr": 0.05, "beta1": 0.9, "beta2": 0.999, "eps": 1e-2, "weight_decay": 0.3}),
    ("adamw", {**ADAM, "weight_decay": 0.01}),
    ("adamw", {"lr": 0.05, "beta1": 0.9, "beta2": 0.999, "eps": 1e-2, "weight_decay": 0.3}),
]


def _torch_optimizer(name: str, params: Any, settings: dict[str, float]) -> Any:
    s = dict(settings)
    lr, decay = s.pop("lr"), s.pop("weight_decay", 0.0)
    common = {"lr": lr, "weight_decay": decay}
    if name == "sgd":
        return torch.optim.SGD(params, **common)
    if name in ("momentum", "nag"):
        return torch.optim.SGD(
            params, momentum=s["momentum"], dampening=0.0, nesterov=name == "nag", **common
        )
    if name == "adagrad":
        return torch.optim.Adagrad(
            params, lr_decay=0.0, initial_accumulator_value=0.0, eps=s["eps"], **common
        )
    if name == "rmsprop":
        return torch.optim.RMSprop(params, alpha=s["rho"], eps=s["eps"], **common)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[name]
    return kind(params, betas=(s["beta1"], s["beta2"]), eps=s["eps"], **common)


# The problem: f(theta) = sum of theta^4 / 4 + theta A theta / 2 - b theta + product of theta / 2.
MATRIX = [
    [3.0, 1.0, 0.0, 0.0, 0.5],
    [1.0, 2.0, -1.0, 0.0, 0.0],
    [0.0, -1.0, 4.0, 0.25, 0.0],
    [0.0, 0.0, 0.25, 1.0, -0.5],
    [0.5, 0.0, 0.0, -0.5, 2.0],
]
VECTOR = [1.0, -2.0, 0.5, 3.0, 0.0]
START = [2.0, -1.5, 1.0, 0.5, -0.75]


def _trajectory(name: str, settings: dict[str, float]) -> dict[str, Any]:
    theta = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    matrix, vector = (torch.tensor(a, dtype=torch.float64) for a in (MATRIX, VECTOR))
    optimizer = _torch_optimizer(name, [theta], settings)
    gradients, thetas = [], []
    for _ in range(STEPS):
        optimizer.zero_grad()
        f = (theta**4).sum() / 4 + theta @ matrix @ theta / 2 - vector @ theta + theta.prod() / 2
        f.backward()
        gradients.append(theta.grad.tolist())
        optimizer.step()
        thetas.append(theta.tolist())
    return {"name": name, "settings": settings, "gradients": gradients, "thetas": thetas}


NETWORKS: dict[str, Callable[[], list[Any]]] = {
    "simple": lambda: [
        nn.Conv2d(1, 3, 3), nn.Sigmoid(), nn.MaxPool2d(2),
        nn.Conv2d(3, 3, 2), nn.Sigmoid(), nn.Flatten(),
    ],
    "simple, logits as they are": lambda: [
        nn.Conv2d(1, 3, 3), nn.Sigmoid(), nn.MaxPool2d(2), nn.Conv2d(3, 3, 2), nn.Flatten(),
    ],
    "simple, tanh, average": lambda: [
        nn.Conv2d(1, 3, 3), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(3, 3, 2), nn.Tanh(), nn.Flatten(),
    ],
    "simple, batch norm": lambda: [
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Sigmoid(), nn.MaxPool2d(2),
        nn.Conv2d(3, 3, 2), nn.Sigmoid(), nn.Flatten(),
    ],
    "enhanced": lambda: [
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU(),
        nn.Conv2d(4, 3, 2), nn.ReLU(), nn.Flatten(),
    ],
    "enhanced, batch norm, logits as they are": lambda: [
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(),
        nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.ReLU(),
        nn.Conv2d(4, 3, 2), nn.Flatten(),
    ],
    "stack": lambda: [
        nn.Conv2d(1, 4, 3, stride=2, padding=2), nn.BatchNorm2d(4), nn.Tanh(),
        nn.AvgPool2d(2, stride=1), nn.Conv2d(4, 2, 2, padding=1), nn.ReLU(),
        nn.MaxPool2d(3, stride=1), nn.Flatten(), nn.Linear(8, 5),
        nn.BatchNorm1d(5, eps=1e-3, momentum=0.3), nn.Tanh(), nn.Linear(5, 3),
    ],
}  # fmt: skip


def _decimals(rng: np.random.RandomState, shape: tuple[int, ...], scale: float) -> Any:
    return np.round(scale * rng.standard_normal(shape), 3)


def _training(layers: list[Any], seed: int) -> dict[str, Any]:
    rng = np.random.RandomState(seed)
    net = nn.Sequential(*layers).double()
    theta: list[float] = []
    with torch.no_grad():
        for layer in layers:
            for param in layer.parameters():  # weight, then bias
                start = _decimals(rng, tuple(param.shape), 0.5)
                if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)) and param is layer.weight:
                    start = np.round(start + 1.0, 3)
                param.copy_(torch.tensor(start))
                # Our dense W is (D, out_features), PyTorch's the other way round.
                linear = isinstance(layer, nn.Linear) and start.ndim == 2
                theta += (start.T if linear else start).ravel().tolist()
    x, x_val = (np.round(rng.uniform(0, 1, (n, 1, 6, 6)), 3) for n in (24, 5))
    targets = rng.randint(0, 3, 24)
    x_t, x_val_t, targets_t = torch.tensor(x), torch.tensor(x_val), torch.tensor(targets)
    loss_of = nn.CrossEntropyLoss()
    norms = [layer for layer in layers if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d))]
    # The gradient of a bias in front of batch normalization is 0 but for rounding, and with eps
    # 1e-8 Adam would make visible steps of the rounding: those biases, and so the running means,
    # would not be determined to 1e-10.
    settings = {**ADAM, "eps": 1e-4} if norms else ADAM
    optimizer = _torch_optimizer("adam", net.parameters(), settings)

    def evaluated() -> float:
        net.eval()
        with torch.no_grad():
            loss = float(loss_of(net(x_t), targets_t))
        net.train()
        return loss

    curve, training_curve = [evaluated()], []
    for _ in range(EPOCHS):
        optimizer.zero_grad()
        loss = loss_of(net(x_t), targets_t)
        training_curve.append(float(loss.detach()))
        loss.backward()
        optimizer.step()
        curve.append(evaluated())
    net.eval()
    return {
        "theta": theta,
        "x": x.ravel().tolist(),
        "targets": targets.tolist(),
        "x_val": x_val.ravel().tolist(),
        "optimizer": settings,
        "curve": curve,  # in evaluation, after 0, 1, ... epochs
        "training_curve": training_curve,  # in training, before each step
        "running": [[n.running_mean.tolist(), n.running_var.tolist()] for n in norms],
        "logits": net(x_val_t).detach().ravel().tolist(),
    }


def main() -> None:
    """Write the file."""
    torch.set_num_threads(1)
    references = {
        "torch": str(torch.__version__),
        "problem": {"matrix": MATRIX, "vector": VECTOR, "start": START},
        "optimizers": [_trajectory(*row) for row in OPTIMIZERS],
        "networks": {
            name: _training(layers(), seed) for seed, (name, layers) in enumerate(NETWORKS.items())
        },
    }
    OUT.write_text(json.dumps(references, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
