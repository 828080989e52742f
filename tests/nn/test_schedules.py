"""The learning-rate schedules, against values worked out by hand."""

from itertools import pairwise
from math import pi, sqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_from_scratch.nn.schedules import SCHEDULES, Constant, Cosine, Schedule, StepDecay
from tests.nn.inputs import PROPERTY

# Every schedule needs a row: settings, and the factors of a whole run.
BY_HAND: list[tuple[Schedule, list[float]]] = [
    (Constant(), [1, 1, 1]),
    (Constant(warmup_epochs=1), [1, 1, 1]),
    (Constant(warmup_epochs=4), [1 / 4, 1 / 2, 3 / 4, 1, 1, 1]),
    (Constant(warmup_epochs=4), [1 / 4, 1 / 2]),  # a run shorter than its warm-up
    (StepDecay(every=2, gamma=1 / 2), [1, 1, 1 / 2, 1 / 2, 1 / 4, 1 / 4, 1 / 8]),
    (StepDecay(every=1, gamma=1 / 4), [1, 1 / 4, 1 / 16]),
    (StepDecay(every=3, gamma=1.0), [1, 1, 1, 1]),
    (StepDecay(every=2, gamma=1 / 2, warmup_epochs=3), [1 / 3, 2 / 3, 1 / 2, 1 / 2, 1 / 4]),
    # The cosine of 0, 1/4, 1/2 and 3/4 of pi is 1, sqrt(1/2), 0 and -sqrt(1/2).
    (Cosine(), [1, (1 + sqrt(1 / 2)) / 2, 1 / 2, (1 - sqrt(1 / 2)) / 2]),
    # That of 0, 1/3 and 2/3 of pi is 1, 1/2 and -1/2.
    (Cosine(final=0.2), [1, 0.2 + 0.8 * 3 / 4, 0.2 + 0.8 / 4]),
    (Cosine(final=1.0), [1, 1, 1, 1, 1]),
    (Cosine(final=0.2, warmup_epochs=2), [1 / 2, 0.2 + 0.8 * 3 / 4, 0.2 + 0.8 / 4]),
    (Cosine(), [1]),
]

DEFAULTS: dict[str, dict[str, float | str]] = {
    "constant": {"warmup_epochs": 0, "by": "epoch"},
    "step": {"every": 100, "gamma": 0.1, "warmup_epochs": 0, "by": "epoch"},
    "cosine": {"final": 0.0, "warmup_epochs": 0, "by": "epoch"},
}

NAN, INF = float("nan"), float("inf")
REFUSED: list[tuple[str, str, float]] = [
    *((name, "warmup_epochs", -1) for name in SCHEDULES),
    ("step", "every", 0),
    ("step", "every", -3),
    *(("step", "gamma", value) for value in (0.0, -0.1, 1.1, NAN, INF)),
    *(("cosine", "final", value) for value in (-0.1, 1.1, NAN, INF)),
]
settings = {
    "by": st.sampled_from(["epoch", "step"]),
    "warmup_epochs": st.integers(0, 20),
    "every": st.integers(1, 20),
    "gamma": st.floats(0, 1, exclude_min=True),
    "final": st.floats(0, 1),
}


def test_every_schedule_has_a_row() -> None:
    """A new schedule without its rows fails here."""
    assert {"constant", "step", "cosine"} <= SCHEDULES.keys()
    assert DEFAULTS.keys() == SCHEDULES.keys()
    assert {type(schedule) for schedule, _ in BY_HAND} == {*SCHEDULES.values()}


@pytest.mark.parametrize(("schedule", "factors"), BY_HAND, ids=str)
def test_factors_by_hand(schedule: Schedule, factors: list[float]) -> None:
    """Of every epoch, counted from 0."""
    epochs = len(factors)
    actual = [schedule.factor(epoch, epochs) for epoch in range(epochs)]
    assert actual == pytest.approx(factors, rel=1e-15, abs=1e-15)


@pytest.mark.parametrize("name", SCHEDULES)
def test_defaults(name: str) -> None:
    """Without settings there is no warm-up, and a constant changes nothing."""
    assert vars(SCHEDULES[name]()) == DEFAULTS[name]


@pytest.mark.parametrize("name", SCHEDULES)
@PROPERTY
@given(st.data(), st.integers(1, 200))
def test_factors_are_within_0_and_1(name: str, data: st.DataObject, epochs: int) -> None:
    """After a warm-up that rises, they never rise; and the warm-up is linear."""
    kind: Any = SCHEDULES[name]
    drawn = {setting: data.draw(settings[setting]) for setting in DEFAULTS[name]}
    schedule, cold = kind(**drawn), kind(**drawn | {"warmup_epochs": 0})
    factors = [schedule.factor(epoch, epochs) for epoch in range(epochs)]
    plain = [cold.factor(epoch, epochs) for epoch in range(epochs)]
    assert all(0.0 <= factor <= 1.0 for factor in factors)
    assert all(b <= a + 1e-15 for a, b in pairwise(plain))
    assert plain[0] == 1.0
    warmup: Any = drawn["warmup_epochs"]
    for epoch, (factor, without) in enumerate(zip(factors, plain, strict=True)):
        share = (epoch + 1) / warmup if epoch < warmup else 1.0
        assert factor == pytest.approx(without * share, rel=1e-14, abs=0.0)


@PROPERTY
@given(st.floats(0, 1), st.integers(1, 500))
def test_cosine_is_symmetric_about_its_middle(final: float, epochs: int) -> None:
    """What it has fallen after e epochs, it has left to fall e epochs before its end."""
    cosine = Cosine(final)
    for epoch in range(epochs):
        fallen = 1.0 - cosine.factor(epoch, epochs)
        left = cosine.factor(epochs - epoch, epochs) - final
        assert fallen == pytest.approx(left, rel=0, abs=1e-14)
    slope = cosine.factor(0, 100_000) - cosine.factor(1, 100_000)
    assert slope <= (1.0 - final) * (pi / 100_000) ** 2 / 4 * (1 + 1e-5) + 1e-15  # flat at first


@pytest.mark.parametrize(("name", "setting", "value"), REFUSED)
def test_wrong_settings_are_refused(name: str, setting: str, value: float) -> None:
    """The error names the setting and the value."""
    kind: Any = SCHEDULES[name]
    with pytest.raises(ValueError, match=rf"^{setting}: .* got {value}$"):
        kind(**{setting: value})


def test_in_steps_all_of_a_schedule_is_counted_in_updates() -> None:
    assert Constant(warmup_epochs=2).in_steps(5) == Constant(warmup_epochs=10)
    assert StepDecay(every=3, gamma=0.5).in_steps(4) == StepDecay(every=12, gamma=0.5)
    assert Cosine(final=0.1, warmup_epochs=1).in_steps(7) == Cosine(final=0.1, warmup_epochs=7)
