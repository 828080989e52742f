"""The optimizers, against steps worked out by hand in exact fractions."""

from copy import deepcopy
from dataclasses import fields
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest

from cnn_from_scratch.nn.layers import Array
from cnn_from_scratch.nn.optimizers import OPTIMIZERS, SGD, Adam, Optimizer, RMSprop
from tests.nn.inputs import read_only


class ByHand(NamedTuple):
    """Two gradients in turn, and the two steps that must follow."""

    optimizer: Optimizer
    gradients: list[list[Fraction]]
    deltas: list[list[Fraction]]


def _row(*numbers: str) -> list[Fraction]:
    return [Fraction(number) for number in numbers]


# Every optimizer needs a row.
BY_HAND: dict[str, ByHand] = {
    # -4/2 and 2/2; then -1/2 and 0: the first step is forgotten.
    "sgd": ByHand(
        SGD(lr=1 / 2),
        gradients=[_row("4", "-2"), _row("1", "0")],
        deltas=[_row("-2", "1"), _row("-1/2", "0")],
    ),
    # rho = 3/4, so 1/4 of g^2 is taken up. First coordinate:
    #   v_1 = 4/4 = 1,                      delta = -11/16 * 2 / (1 + 3/8) = -1
    #   v_2 = 3/4 + (121/16)/4 = (13/8)^2,  delta = -11/16 * (11/4) / (13/8 + 3/8) = -121/128
    # Second coordinate:
    #   v_1 = 0,                            delta = 0 / (0 + 3/8) = 0
    #   v_2 = (169/16)/4 = (13/8)^2,        delta = +11/16 * (13/4) / (13/8 + 3/8) = 143/128
    "rmsprop": ByHand(
        RMSprop(lr=11 / 16, rho=3 / 4, eps=3 / 8),
        gradients=[_row("2", "0"), _row("11/4", "-13/4")],
        deltas=[_row("-1", "0"), _row("-121/128", "143/128")],
    ),
    # beta1 = 1/2, beta2 = 3/4; the corrections divide by 1/2 and 1/4, then by 3/4 and 7/16.
    # Both coordinates first:
    #   m = 2/2 = 1 -> 2,           v = 4/4 = 1 -> 4,           delta = -3 * 2 / (2 + 2) = -3/2
    # First coordinate then:
    #   m = 1/2 - 1 = -1/2 -> -2/3, v = 3/4 + 1 = 7/4 -> 4,     delta = 3 * (2/3) / (2 + 2) = 1/2
    # Second coordinate then:
    #   m = 1/2 + 5/2 = 3 -> 4,     v = 3/4 + 25/4 = 7 -> 16,   delta = -3 * 4 / (4 + 2) = -2
    "adam": ByHand(
        Adam(lr=3, beta1=1 / 2, beta2=3 / 4, eps=2),
        gradients=[_row("2", "2"), _row("-2", "5")],
        deltas=[_row("-3/2", "-3/2"), _row("1/2", "-2")],
    ),
}

# The published study's settings.
DEFAULTS: dict[str, dict[str, float]] = {
    "sgd": {"lr": 0.9},
    "rmsprop": {"lr": 0.001, "rho": 0.9, "eps": 1e-8},
    "adam": {"lr": 0.01, "beta1": 0.7, "beta2": 0.99, "eps": 1e-8},
}

# Every hyper-parameter needs a row: values it must refuse, and values at its border.
NAN, INF = float("nan"), float("inf")
REFUSED: dict[str, list[float]] = {
    "lr": [0.0, -0.0, -1.0, NAN, INF, -INF],
    "eps": [0.0, -1e-8, NAN, INF],
    "rho": [1.0, 1.5, -0.1, NAN, INF],
    "beta1": [1.0, 1.5, -0.1, NAN, INF],
    "beta2": [1.0, 1.5, -0.1, NAN, INF],
}
ACCEPTED: dict[str, list[float]] = {
    "lr": [5e-324, 1e308],
    "eps": [5e-324, 1e308],
    "rho": [0.0, 1 - 2**-53],
    "beta1": [0.0, 1 - 2**-53],
    "beta2": [0.0, 1 - 2**-53],
}

all_optimizers = pytest.mark.parametrize("name", OPTIMIZERS)


def _settings(name: str) -> list[str]:
    kind: Any = OPTIMIZERS[name]
    return [field.name for field in fields(kind)]


def _cases(table: dict[str, list[float]]) -> list[tuple[str, str, float]]:
    return [
        (name, setting, value)
        for name in OPTIMIZERS
        for setting in _settings(name)
        for value in table[setting]
    ]


def _array(numbers: list[Fraction]) -> Array:
    return read_only(np.array(numbers, dtype=np.float64))


def test_every_optimizer_has_a_row() -> None:
    """A new optimizer without its rows fails here."""
    assert {"sgd", "rmsprop", "adam"} <= OPTIMIZERS.keys()
    assert BY_HAND.keys() == DEFAULTS.keys() == OPTIMIZERS.keys()
    for name, row in BY_HAND.items():
        assert type(row.optimizer) is OPTIMIZERS[name]


@all_optimizers
def test_two_steps_by_hand(name: str) -> None:
    """Both steps agree with the fractions; read-only theta and gradients are left alone."""
    optimizer, gradients, deltas = BY_HAND[name]
    state = optimizer.init(_array(_row("100", "-100")))
    for g, expected in zip(gradients, deltas, strict=True):
        delta, state = optimizer.update(_array(g), state)
        np.testing.assert_allclose(delta, _array(expected), rtol=1e-15)
        assert delta.dtype == np.float64


@all_optimizers
def test_state_is_explicit(name: str) -> None:
    """The same gradient and state give the same step, and neither is changed by it."""
    optimizer, gradients, _ = BY_HAND[name]
    first, second = (np.array(g, dtype=np.float64) for g in gradients)
    _, state = optimizer.update(first, optimizer.init(np.zeros(2)))
    kept_state, kept_g = deepcopy(state), second.copy()
    results = [deepcopy(optimizer.update(second, state)) for _ in range(2)]
    np.testing.assert_equal(results[1], results[0])
    np.testing.assert_equal(state, kept_state)
    np.testing.assert_array_equal(second, kept_g)


@all_optimizers
def test_delta_is_a_new_array(name: str) -> None:
    """Adding delta to theta in place, or changing delta, reaches neither g nor the state."""
    optimizer, gradients, _ = BY_HAND[name]
    theta, g = np.zeros(2), np.array(gradients[0], dtype=np.float64)
    delta, state = optimizer.update(g, optimizer.init(theta))
    kept = deepcopy((g, state))
    delta += 1e3
    theta += delta
    np.testing.assert_equal((g, state), kept)


@all_optimizers
def test_defaults_are_the_published_ones(name: str) -> None:
    """Without settings an optimizer is the published study's."""
    optimizer = OPTIMIZERS[name]()
    assert {setting: getattr(optimizer, setting) for setting in _settings(name)} == DEFAULTS[name]


@all_optimizers
def test_a_zero_gradient_moves_nothing_at_first(name: str) -> None:
    """0 / (sqrt(0) + eps) is 0, with no warning."""
    optimizer = OPTIMIZERS[name]()
    delta, _ = optimizer.update(np.zeros(3), optimizer.init(np.ones(3)))
    assert delta.tolist() == [0, 0, 0]


@all_optimizers
def test_minimises_a_quadratic(name: str) -> None:
    """Every optimizer finds the bottom of a shared, badly scaled bowl."""
    kind: Any = OPTIMIZERS[name]
    optimizer = kind(lr=0.05)
    curvature, bottom, theta = np.array([1.0, 10.0]), np.array([3.0, -2.0]), np.zeros(2)
    state = optimizer.init(theta)
    for _ in range(500):
        delta, state = optimizer.update(curvature * (theta - bottom), state)
        theta += delta
    np.testing.assert_allclose(theta, bottom, rtol=0, atol=0.05)


@pytest.mark.parametrize(("name", "setting", "value"), _cases(REFUSED))
def test_wrong_settings_are_refused(name: str, setting: str, value: float) -> None:
    """The error names the setting and the value."""
    kind: Any = OPTIMIZERS[name]
    with pytest.raises(ValueError, match=rf"^{setting}: .* got {value}$"):
        kind(**{setting: value})


@pytest.mark.parametrize(("name", "setting", "value"), _cases(ACCEPTED))
def test_border_settings_are_accepted(name: str, setting: str, value: float) -> None:
    """All that the equations allow is allowed."""
    kind: Any = OPTIMIZERS[name]
    assert getattr(kind(**{setting: value}), setting) == value
