"""The browser's SHA-256 is the standard's, and that of parameters is tools/page's."""

import hashlib

import numpy as np

from page.study_json import state_digest
from tests.browser.node import Node

STATE = {
    "theta": np.array([1.0, -0.0, 5e-324, 0.1]),
    "10.running_mean": np.array([2.0]),
    "2.running_var": np.array([3.0, 4.0]),
}


def test_it_is_sha256(node: Node) -> None:
    """Of all lengths about the blocks' ends."""
    ours = node("return lengths.map((n) => sha256(new Uint8Array(n).map((_, i) => 7 * i)))",
                lengths=[*range(130), 1000])  # fmt: skip
    texts = [bytes(7 * i % 256 for i in range(n)) for n in [*range(130), 1000]]
    assert ours == [hashlib.sha256(text).hexdigest() for text in texts]


def test_parameters_are_digested_as_in_python(node: Node) -> None:
    assert node("return parametersDigest(state)", state=STATE) == state_digest(STATE)


def test_each_bit_counts(node: Node) -> None:
    changed = [
        STATE | {"theta": STATE["theta"] + 0.0},  # -0 becomes +0
        STATE | {"theta": np.nextafter(STATE["theta"], 2.0)},
        STATE | {"2.running_var": np.array([4.0, 3.0])},
    ]
    digests = node("return states.map(parametersDigest)", states=[STATE, *changed])
    assert len(set(digests)) == len(digests)
