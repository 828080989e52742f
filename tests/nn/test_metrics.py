"""Accuracy, by hand and against scikit-learn."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from cnn_from_scratch.nn.metrics import accuracy
from tests.nn.inputs import PROPERTY, read_only


def test_accuracy_by_hand() -> None:
    """The share of right answers, as a plain number."""
    targets = read_only(np.array([0, 1, 2, 2]))
    for predicted, expected in [([0, 1, 2, 2], 1.0), ([1, 1, 2, 0], 0.5), ([1, 2, 0, 0], 0.0)]:
        assert accuracy(read_only(np.array(predicted)), targets) == expected
    assert type(accuracy(targets, targets)) is float


@PROPERTY
@given(st.integers(2, 5), st.data())
def test_equal_scikit_learn(num_classes: int, data: st.DataObject) -> None:
    """It agrees with an independent library on any labels."""
    label = st.integers(0, num_classes - 1)
    pairs = np.array(data.draw(st.lists(st.tuples(label, label), min_size=1, max_size=20)))
    predicted, targets = pairs.T
    assert accuracy(predicted, targets) == accuracy_score(targets, predicted)
