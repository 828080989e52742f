"""Every schedule of the browser gives Python's factors."""

import pytest

from cnn_from_scratch.nn.numerics import PORTABLE, using
from cnn_from_scratch.nn.schedules import SCHEDULES, Constant, Cosine, Schedule, StepDecay
from tests.browser.node import Node

CASES: list[Schedule] = [
    Constant(),
    Constant(warmup_epochs=7, by="step"),
    StepDecay(),
    StepDecay(every=3, gamma=0.7, warmup_epochs=5, by="step"),
    Cosine(),
    Cosine(final=0.1, warmup_epochs=3, by="step"),
]


@pytest.mark.parametrize("schedule", CASES, ids=str)
def test_it_has_the_same_bits(node: Node, schedule: Schedule) -> None:
    ours = node(
        """
        const schedule = named(settings, SCHEDULES);
        const epochs = Array.from({ length: 300 }, (_, epoch) => epoch);
        return { by: schedule.by, plain: epochs.map((epoch) => schedule.factor(epoch, 300)),
                 inSteps: epochs.map((i) => schedule.inSteps(4).factor(i, 300)) };
        """,
        settings=schedule,
    )
    in_steps = schedule.in_steps(4)
    with using(PORTABLE):
        plain = [schedule.factor(epoch, 300) for epoch in range(300)]
        counted = [in_steps.factor(i, 300) for i in range(300)]
    assert ours == {"by": schedule.by, "plain": plain, "inSteps": counted}


def test_no_schedule_is_left_out(node: Node) -> None:
    assert {type(schedule) for schedule in CASES} == set(SCHEDULES.values())
    assert node("return Object.keys(SCHEDULES)") == list(SCHEDULES)
