"""The optimizers, against steps worked out by hand in exact fractions, and their own algebra."""

from copy import deepcopy
from dataclasses import fields, replace
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ortho_group

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.nn.optimizers import (
    NAG,
    OPTIMIZERS,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Momentum,
    Optimizer,
    RMSprop,
)
from tests.nn.inputs import PROPERTY, normal, read_only


class ByHand(NamedTuple):
    """Two gradients in turn, and the two steps that must follow, from theta = (8, -4)."""

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
    # First coordinate:  v = 4, then 3/4 * 4 + 1 = 4;        delta = -4/2, then -4/2
    # Second coordinate: v = -2, then 3/4 * -2 + 0 = -3/2;   delta = 2/2, then (3/2)/2
    "momentum": ByHand(
        Momentum(lr=1 / 2, momentum=3 / 4),
        gradients=[_row("4", "-2"), _row("1", "0")],
        deltas=[_row("-2", "1"), _row("-2", "3/4")],
    ),
    # The same velocities, ahead by one: delta = -(g + 3/4 * v) / 2.
    # First coordinate:  -(4 + 3) / 2 = -7/2, then -(1 + 3) / 2 = -2
    # Second coordinate: (2 + 3/2) / 2 = 7/4, then -(0 - 9/8) / 2 = 9/16
    "nag": ByHand(
        NAG(lr=1 / 2, momentum=3 / 4),
        gradients=[_row("4", "-2"), _row("1", "0")],
        deltas=[_row("-7/2", "7/4"), _row("-2", "9/16")],
    ),
    # First coordinate:  v = 9, then 9 + 16 = 25;  delta = -3/2 * 3 / (3 + 1), -3/2 * 4 / (5 + 1)
    # Second coordinate: v = 0, then 0 + 4 = 4;    delta = 0 / (0 + 1), 3/2 * 2 / (2 + 1)
    "adagrad": ByHand(
        Adagrad(lr=3 / 2, eps=1),
        gradients=[_row("3", "0"), _row("4", "-2")],
        deltas=[_row("-9/8", "0"), _row("-1", "1")],
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
    # Adam's steps, and besides lr * weight_decay = 3/12 of theta taken off:
    #   theta = (8, -4):      delta = (-3/2 - 2, -3/2 + 1)
    #   theta = (9/2, -9/2):  delta = (1/2 - 9/8, -2 + 9/8)
    "adamw": ByHand(
        AdamW(lr=3, beta1=1 / 2, beta2=3 / 4, eps=2, weight_decay=1 / 12),
        gradients=[_row("2", "2"), _row("-2", "5")],
        deltas=[_row("-7/2", "-1/2"), _row("-5/8", "-7/8")],
    ),
}

# The published study's settings, where it has any.
DEFAULTS: dict[str, dict[str, float]] = {
    "sgd": {"lr": 0.9, "weight_decay": 0.0},
    "momentum": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.0},
    "nag": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.0},
    "adagrad": {"lr": 0.1, "eps": 1e-8, "weight_decay": 0.0},
    "rmsprop": {"lr": 0.001, "rho": 0.9, "eps": 1e-8, "weight_decay": 0.0},
    "adam": {"lr": 0.01, "beta1": 0.7, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.0},
    "adamw": {"lr": 0.01, "beta1": 0.7, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.01},
}

# Every hyper-parameter needs a row: values it must refuse, and values at its border.
NAN, INF = float("nan"), float("inf")
REFUSED: dict[str, list[float]] = {
    "lr": [0.0, -0.0, -1.0, NAN, INF, -INF],
    "eps": [0.0, -1e-8, NAN, INF],
    "rho": [1.0, 1.5, -0.1, NAN, INF],
    "beta1": [1.0, 1.5, -0.1, NAN, INF],
    "beta2": [1.0, 1.5, -0.1, NAN, INF],
    "momentum": [1.0, 1.5, -0.1, NAN, INF],
    "weight_decay": [-0.1, -1e-300, NAN, INF, -INF],
}
ACCEPTED: dict[str, list[float]] = {
    "lr": [5e-324, 1e308],
    "eps": [5e-324, 1e308],
    "rho": [0.0, 1 - 2**-53],
    "beta1": [0.0, 1 - 2**-53],
    "beta2": [0.0, 1 - 2**-53],
    "momentum": [0.0, 1 - 2**-53],
    "weight_decay": [0.0, 1e308],
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
    known = {"sgd", "momentum", "nag", "adagrad", "rmsprop", "adam", "adamw"}
    assert known <= OPTIMIZERS.keys()
    assert BY_HAND.keys() == DEFAULTS.keys() == OPTIMIZERS.keys()
    for name, row in BY_HAND.items():
        assert type(row.optimizer) is OPTIMIZERS[name]


@all_optimizers
def test_two_steps_by_hand(name: str) -> None:
    """Both steps agree with the fractions; read-only theta and gradients are left alone."""
    optimizer, gradients, deltas = BY_HAND[name]
    theta = _row("8", "-4")
    state = optimizer.init(_array(theta))
    for g, expected in zip(gradients, deltas, strict=True):
        delta, state = optimizer.update(_array(g), state, _array(theta))
        theta = [place + step for place, step in zip(theta, expected, strict=True)]
        np.testing.assert_allclose(delta, _array(expected), rtol=1e-15)
        assert delta.dtype == np.float64


@all_optimizers
def test_state_is_explicit(name: str) -> None:
    """The same gradient and state give the same step, and neither is changed by it."""
    optimizer, gradients, _ = BY_HAND[name]
    first, second = (np.array(g, dtype=np.float64) for g in gradients)
    theta = np.array([8.0, -4.0])
    _, state = optimizer.update(first, optimizer.init(theta), theta)
    kept_state, kept_g = deepcopy(state), second.copy()
    results = [deepcopy(optimizer.update(second, state, theta)) for _ in range(2)]
    np.testing.assert_equal(results[1], results[0])
    np.testing.assert_equal(state, kept_state)
    np.testing.assert_array_equal(second, kept_g)
    assert theta.tolist() == [8, -4]


@all_optimizers
def test_delta_is_a_new_array(name: str) -> None:
    """Adding delta to theta in place, or changing delta, reaches neither g nor the state."""
    optimizer, gradients, _ = BY_HAND[name]
    theta, g = np.zeros(2), np.array(gradients[0], dtype=np.float64)
    delta, state = optimizer.update(g, optimizer.init(theta), theta)
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
    kind: Any = OPTIMIZERS[name]
    optimizer = kind(weight_decay=0.0)
    delta, _ = optimizer.update(np.zeros(3), optimizer.init(np.ones(3)), np.ones(3))
    assert delta.tolist() == [0, 0, 0]


@all_optimizers
def test_minimises_a_quadratic(name: str) -> None:
    """Every optimizer finds the bottom of a shared, badly scaled bowl."""
    kind: Any = OPTIMIZERS[name]
    optimizer = kind(lr=0.5 if kind is Adagrad else 0.05, weight_decay=0.0)
    curvature, bottom, theta = np.array([1.0, 10.0]), np.array([3.0, -2.0]), np.zeros(2)
    state = optimizer.init(theta)
    for _ in range(500):
        delta, state = optimizer.update(curvature * (theta - bottom), state, theta)
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


def _with_random_settings(name: str, rng: np.random.RandomState) -> Any:
    """Return the optimizer with an eps so small that it plays no part, and no weight decay."""
    draw = {
        "lr": lambda: rng.uniform(0.01, 0.1),
        "eps": lambda: 1e-300,
        "weight_decay": lambda: 0.0,
    }
    kind: Any = OPTIMIZERS[name]
    return kind(**{s: draw.get(s, lambda: rng.uniform(0.1, 0.9))() for s in _settings(name)})


def _run(optimizer: Optimizer, gradients: Array, theta: Array) -> Array:
    """Return theta after each of the given gradients (T, P)."""
    theta = theta.copy()
    state, thetas = optimizer.init(theta), []
    for g in gradients:
        delta, state = optimizer.update(g, state, theta)
        theta += delta
        thetas.append(theta.copy())
    return np.array(thetas)


seeds = st.integers(0, 2**32 - 1)
ADAPTIVE = [name for name in OPTIMIZERS if name in ("adagrad", "rmsprop", "adam", "adamw")]
LINEAR = [name for name in OPTIMIZERS if name in ("sgd", "momentum", "nag")]


def test_every_optimizer_is_linear_or_adaptive() -> None:
    """A new optimizer without its invariance fails here."""
    assert {*ADAPTIVE, *LINEAR} == OPTIMIZERS.keys()


@pytest.mark.parametrize("name", ADAPTIVE)
@PROPERTY
@given(seeds, st.floats(1e-6, 1e6))
def test_adaptive_steps_do_not_depend_on_the_gradients_scale(
    name: str, seed: int, scale: float
) -> None:
    """Every loss in other units is descended alike, and so is every coordinate by itself."""
    rng = np.random.RandomState(seed)
    optimizer = _with_random_settings(name, rng)
    gradients, theta = normal(rng, (10, 4)), normal(rng, (4,))
    expected = _run(optimizer, gradients, theta)
    np.testing.assert_allclose(
        _run(optimizer, scale * gradients, theta), expected, rtol=0, atol=1e-12
    )
    scales = np.array([scale, 1.0, 1.0 / scale, 3.0])
    np.testing.assert_allclose(
        _run(optimizer, scales * gradients, theta), expected, rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("name", LINEAR)
@PROPERTY
@given(seeds, st.floats(1e-3, 1e3))
def test_linear_steps_turn_and_grow_with_the_gradients(name: str, seed: int, scale: float) -> None:
    """In rotated coordinates they make the rotated steps; of k-fold gradients, k-fold ones."""
    rng = np.random.RandomState(seed)
    optimizer = _with_random_settings(name, rng)
    gradients, theta = normal(rng, (10, 4)), normal(rng, (4,))
    expected = _run(optimizer, gradients, theta)
    rotation = ortho_group.rvs(4, random_state=rng)
    turned = _run(optimizer, gradients @ rotation, theta @ rotation)
    np.testing.assert_allclose(turned, expected @ rotation, rtol=0, atol=1e-12)
    grown = _run(optimizer, scale * gradients, scale * theta)
    np.testing.assert_allclose(grown, scale * expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", ADAPTIVE)
def test_adaptive_steps_do_turn_otherwise(name: str, rng: np.random.RandomState) -> None:
    """They work coordinate by coordinate, so the test above tells the two kinds apart."""
    optimizer = _with_random_settings(name, rng)
    gradients, theta = normal(rng, (10, 4)), normal(rng, (4,))
    rotation = ortho_group.rvs(4, random_state=rng)
    turned = _run(optimizer, gradients @ rotation, theta @ rotation)
    assert np.abs(turned - _run(optimizer, gradients, theta) @ rotation).max() > 1e-3


@PROPERTY
@given(seeds, st.floats(1e-3, 10), st.floats(0, 1))
def test_without_momentum_nag_and_momentum_are_sgd(seed: int, lr: float, decay: float) -> None:
    """To the bit."""
    rng = np.random.RandomState(seed)
    gradients, theta = normal(rng, (10, 4)), normal(rng, (4,))
    expected = _run(SGD(lr, decay), gradients, theta)
    for optimizer in (Momentum(lr, 0.0, decay), NAG(lr, 0.0, decay)):
        np.testing.assert_array_equal(_run(optimizer, gradients, theta), expected)


@PROPERTY
@given(seeds)
def test_adamw_without_weight_decay_is_adam(seed: int) -> None:
    """To the bit."""
    rng = np.random.RandomState(seed)
    gradients, theta = normal(rng, (10, 4)), normal(rng, (4,))
    adam = _run(Adam(0.1, 0.8, 0.9, 1e-6), gradients, theta)
    adamw = _run(AdamW(0.1, 0.8, 0.9, 1e-6, weight_decay=0.0), gradients, theta)
    np.testing.assert_array_equal(adamw, adam)


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "adamw"])
@PROPERTY
@given(seeds, st.floats(1e-3, 2))
def test_weight_decay_is_that_of_l2_regularization(name: str, seed: int, decay: float) -> None:
    """The gradient of the loss plus decay/2 * |theta|^2 makes the same steps without it."""
    rng = np.random.RandomState(seed)
    plain = _with_random_settings(name, rng)
    decaying = replace(plain, weight_decay=decay)
    theta, other = (normal(rng, (4,)) for _ in range(2))
    state, other_state = plain.init(theta), decaying.init(theta)
    moved = False
    for g in normal(rng, (5, 4)):
        without, _ = plain.update(g, state, theta)
        expected, state = plain.update(g + decay * theta, state, other)
        delta, other_state = decaying.update(g, other_state, theta)
        np.testing.assert_allclose(delta, expected, rtol=1e-14)
        moved = moved or bool(np.any(delta != without))
        theta = theta + delta
    assert moved  # so that the decay is not simply forgotten on both sides


@PROPERTY
@given(seeds, st.floats(1e-3, 2))
def test_adamws_weight_decay_is_decoupled(seed: int, decay: float) -> None:
    """It takes lr * decay * theta off, whatever the gradients were; Adam's L2 does not."""
    rng = np.random.RandomState(seed)
    adam, theta = Adam(lr=0.1), normal(rng, (4,))
    adamw, l2 = AdamW(lr=0.1, weight_decay=decay), Adam(lr=0.1, weight_decay=decay)
    state = other_state = l2_state = adam.init(theta)
    for g in normal(rng, (5, 4)):
        expected, state = adam.update(g, state, theta)
        delta, other_state = adamw.update(g, other_state, theta)
        coupled, l2_state = l2.update(g, l2_state, theta)
        np.testing.assert_allclose(delta, expected - 0.1 * decay * theta, rtol=1e-14, atol=1e-16)
        np.testing.assert_equal(other_state, state)
        assert np.any(np.abs(coupled - delta) > 1e-6)
        theta = theta + delta


def _slope(theta: Array) -> Array:
    """Return the gradient of a bowl that is neither round nor quadratic."""
    bowl = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, -1.0], [0.0, -1.0, 4.0]])
    return theta**3 + bowl @ theta - np.sin(theta[::-1])


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_nag_is_nesterovs_look_ahead(momentum: float, decay: float) -> None:
    """Stored is theta = phi - lr * momentum * v of the explicit iterates (phi, v), to rounding."""
    lr, theta = 0.02, np.array([2.0, -1.5, 1.0])
    optimizer = NAG(lr, momentum, decay)
    state = optimizer.init(theta)
    phi, v = theta.copy(), np.zeros(3)
    looks = []
    for _ in range(50):
        delta, state = optimizer.update(_slope(theta), state, theta)
        theta = theta + delta

        ahead = phi - lr * momentum * v  # where the velocity leads, before the gradient is taken
        v = momentum * v + (_slope(ahead) + decay * ahead)
        phi = phi - lr * v
        looks.append(phi - lr * momentum * v)
        np.testing.assert_allclose(theta, looks[-1], rtol=0, atol=1e-14)
    assert np.linalg.norm(looks[0] - looks[-1]) > 1  # it went somewhere


def test_nag_is_not_momentum() -> None:
    """Neither theta nor the explicit phi are Momentum's iterates, from the second step on."""
    lr, momentum, start = 0.02, 0.9, np.array([2.0, -1.5, 1.0])
    theta, ball = start.copy(), start.copy()
    nag, heavy = NAG(lr, momentum), Momentum(lr, momentum)
    state, heavy_state = nag.init(theta), heavy.init(ball)
    for step in range(10):
        delta, state = nag.update(_slope(theta), state, theta)
        theta = theta + delta
        delta, heavy_state = heavy.update(_slope(ball), heavy_state, ball)
        ball = ball + delta
        phi = theta + lr * momentum * state
        assert np.abs(theta - ball).max() > 1e-3
        assert (np.abs(phi - ball).max() > 1e-3) == (step > 0)
