"""The browser's random streams give NumPy's numbers."""

from typing import Any

import pytest
from numpy.random import MT19937, RandomState, SeedSequence

from cnn_from_scratch.arithmetic.random import standard_normal
from tests.browser.node import Node, NodeError, same

SEEDS = [*range(60), 2**31, 2**32 - 1, 2**32, 2**40 + 7, 2**53 - 1]
KEYS = [(purpose, index) for purpose in range(5) for index in (0, 1, 7)]


def drawn(node: Node, code: str) -> Any:
    """Return what the code draws from `rng` for each seed and key."""
    return node(
        f"""
        const draw = (rng) => {code};
        return seeds.map((seed) => keys.map((key) => draw(new RandomState(seed, key))));
        """,
        seeds=SEEDS,
        keys=KEYS,
    )


def numpy_streams() -> list[list[RandomState]]:
    return [
        [RandomState(MT19937(SeedSequence(seed, spawn_key=key))) for key in KEYS] for seed in SEEDS
    ]


def test_uniform_numbers_are_numpys(node: Node) -> None:
    """So many that the generator twists more than once."""
    for ours, theirs in zip(drawn(node, "rng.randomSample(700)"), numpy_streams(), strict=True):
        for numbers, rng in zip(ours, theirs, strict=True):
            assert same(numbers, rng.random_sample(700))


@pytest.mark.parametrize("n", [0, 1, 2, 3, 58, 1000])
def test_permutations_are_numpys(node: Node, n: int) -> None:
    ours = drawn(node, f"rng.permutation(Array.from({{ length: {n} }}, (_, i) => i))")
    assert ours == [[rng.permutation(n).tolist() for rng in of] for of in numpy_streams()]


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-1, 2), (-3, 4), (0, 2**31)])
def test_whole_numbers_are_numpys(node: Node, low: int, high: int) -> None:
    ours = drawn(node, f"rng.randint({low}, {high}, 40)")
    assert ours == [[rng.randint(low, high, 40).tolist() for rng in of] for of in numpy_streams()]


@pytest.mark.parametrize("count", [1, 2, 27, 145])
def test_normal_numbers_are_pythons(node: Node, count: int) -> None:
    for ours, theirs in zip(
        drawn(node, f"standardNormal(rng, {count})"), numpy_streams(), strict=True
    ):
        for numbers, rng in zip(ours, theirs, strict=True):
            assert same(numbers, standard_normal(rng, (count,)))


def test_draws_of_all_kinds_follow_one_another(node: Node) -> None:
    """Each takes from the stream as much as NumPy's does."""
    ours = node(
        """
        const rng = new RandomState(5, [1, 2]);
        return [standardNormal(rng, 9), rng.permutation([4, 5, 6]), rng.randint(0, 9, 3),
                rng.randomSample(2)];
        """
    )
    rng = RandomState(MT19937(SeedSequence(5, spawn_key=(1, 2))))
    theirs = [standard_normal(rng, (9,)), rng.permutation([4, 5, 6]), rng.randint(0, 9, 3)]
    theirs.append(rng.random_sample(2))
    assert [list(numbers) for numbers in ours] == [numbers.tolist() for numbers in theirs]


@pytest.mark.parametrize("seed", [-1, 0.5, 2**53])
def test_other_seeds_are_refused(node: Node, seed: float) -> None:
    with pytest.raises(NodeError, match="seed: expected a whole number from 0 to 2"):
        node("return new RandomState(seed, [0, 0])", seed=seed)
