"""What is slow to draw is drawn less often, and never left out at the end."""

from tests.browser.node import Node

BEGIN = """
let time = 0;
const waiting = [];
const clock = { now: () => time, nextFrame: (callback) => waiting.push(callback) };
const drawn = [];
const draw = paced(() => { drawn.push(time); time += cost; }, clock);
const frame = () => { time += 16; waiting.splice(0).forEach((callback) => callback()); };
"""


def test_many_calls_are_one_drawing_a_frame(node: Node) -> None:
    ours = node(f"{BEGIN} draw(); draw(); frame(); frame(); draw(); frame(); return drawn", cost=1)
    assert ours == [16, 49]


def test_a_slow_drawing_rests_and_the_last_call_is_drawn(node: Node) -> None:
    ours = node(
        f"{BEGIN} for (let i = 0; i < 30; i++) {{ draw(); frame(); }} return drawn", cost=40
    )
    assert ours == [16, 184, 352, 520]  # 3 times 40 after the end of each, at a frame
    waits = node(
        f"{BEGIN} draw(); frame(); draw(); for (let i = 0; i < 30; i++) frame(); return drawn",
        cost=40,
    )
    assert len(waits) == 2
