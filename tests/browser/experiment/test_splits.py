"""The browser splits the samples as Python does."""

import numpy as np
import pytest

from cnn_from_scratch.experiment.params import Split
from cnn_from_scratch.experiment.splits import split_indices
from cnn_from_scratch.experiment.streams import Purpose, stream
from tests.browser.node import Node, NodeError

SPLIT = "return seeds.map((seed) => splitIndices(y, k, camelCased(split), stream(seed, 0)))"


@pytest.mark.parametrize("fraction", [0.01, 0.2, 0.25, 0.5, 0.99])
@pytest.mark.parametrize("sizes", [(32, 32, 32), (2, 2), (5, 17, 9, 30), (100,)])
def test_the_held_out_samples_are_pythons(
    node: Node, sizes: tuple[int, ...], fraction: float
) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    y = np.random.RandomState(0).permutation(labels)
    split = Split("holdout", fraction)
    ours = node(SPLIT, y=y, k=len(sizes), split=split, seeds=[*range(30)])
    for seed, indices in enumerate(ours):
        rng = stream(seed, Purpose.SPLIT)
        train, val = split_indices(y, [str(k) for k in range(len(sizes))], split, rng)
        assert indices == {"train": train.tolist(), "val": val.tolist()}


def test_under_resubstitution_all_samples_are_in_both(node: Node) -> None:
    split = Split("resubstitution", 0.2)
    assert node(SPLIT, y=[0, 1, 0], k=2, split=split, seeds=[0]) == [
        {"train": [0, 1, 2], "val": [0, 1, 2]}
    ]


def test_a_class_of_one_sample_is_refused(node: Node) -> None:
    with pytest.raises(NodeError, match="holdout needs at least 2 samples of each class"):
        node(SPLIT, y=[0, 0, 1], k=2, split=Split("holdout", 0.2), seeds=[0])
