"""The compiled equations of the optimizers: NumPy's, to the bit."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.compiled.optimizers import OPTIMIZERS_WITH_LOOPS, compiled
from cnn_from_scratch.nn.optimizers import OPTIMIZERS, SGD, Adam, Optimizer

POWERS = {"float64": (-200, 100), "float32": (-20, 10)}  # of ten, by which gradients are scaled
SETTINGS: list[dict[str, float]] = [{}, {"lr": 0.3, "weight_decay": 0.02}]
P = 37


def _steps(optimizer: Optimizer, dtype: str, count: int = 30) -> list[Array]:
    """Return theta and the state's arrays after each of some steps along noise."""
    rng = np.random.default_rng(1)
    theta = rng.normal(size=P).astype(dtype)
    state: Any = optimizer.init(theta)
    found = []
    for _ in range(count):
        g = (rng.normal(size=P) * 10.0 ** rng.integers(*POWERS[dtype], P)).astype(dtype)
        g[rng.random(P) < 0.2] = 0.0
        with np.errstate(over="ignore", invalid="ignore"):
            delta, state = optimizer.update(g, state, theta)
            theta = theta + delta
        arrays = state if isinstance(state, tuple) else (state,)
        found += [delta, theta, *(np.asarray(array) for array in arrays)]
    return found


@pytest.mark.parametrize("settings", SETTINGS, ids=["defaults", "decay"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_bit_is_numpys(name: str, dtype: str, settings: dict[str, float]) -> None:
    optimizer: Any = OPTIMIZERS[name](**settings)
    of_numpy, of_loops = _steps(optimizer, dtype), _steps(compiled(optimizer), dtype)
    assert len(of_numpy) == len(of_loops)
    for expected, found in zip(of_numpy, of_loops, strict=True):
        assert found.dtype == expected.dtype
        assert found.tobytes() == expected.tobytes()
    assert np.isfinite(of_numpy[-1]).all()


def test_all_but_the_simplest_are_compiled() -> None:
    assert {*OPTIMIZERS.values()} - {*OPTIMIZERS_WITH_LOOPS} == {SGD}
    for kind in OPTIMIZERS_WITH_LOOPS:
        optimizer = compiled(kind())
        assert isinstance(optimizer, kind)
        assert type(optimizer) is not kind


def test_what_is_compiled_has_the_same_numbers_and_states() -> None:
    adam: Any = compiled(Adam(lr=0.5, beta1=0.25))
    assert (adam.lr, adam.beta1, adam.beta2) == (0.5, 0.25, 0.99)
    theta, g = np.zeros(3), np.ones(3)
    start = adam.init(theta)
    _, state = adam.update(g, start, theta)
    assert start[0].tolist() == [0, 0, 0]  # states are returned anew
    assert (g.tolist(), state[2]) == ([1, 1, 1], 0.25)


def test_other_optimizers_stay_as_they_are() -> None:
    """Those of another class, even of one of these, may compute in any way."""

    @dataclass(frozen=True)
    class Slower(Adam):
        def step(self, g: Array, state: Any) -> tuple[Array, Any]:
            delta, state = super().step(g, state)
            return delta / 2, state

    for optimizer in (SGD(), Slower()):
        assert compiled(optimizer) is optimizer
