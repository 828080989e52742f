"""Accuracy and the confusion matrix, by hand and against scikit-learn."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score
from sklearn.metrics import confusion_matrix as sklearn_confusion_matrix

from cnn_from_scratch.nn.metrics import accuracy, confusion_matrix
from tests.nn.inputs import PROPERTY, read_only


def test_accuracy_by_hand() -> None:
    """The share of right answers, as a plain number."""
    targets = read_only(np.array([0, 1, 2, 2]))
    for predicted, expected in [([0, 1, 2, 2], 1.0), ([1, 1, 2, 0], 0.5), ([1, 2, 0, 0], 0.0)]:
        assert accuracy(read_only(np.array(predicted)), targets) == expected
    assert type(accuracy(targets, targets)) is float


def test_confusion_matrix_by_hand() -> None:
    """Rows are the true classes, columns the answers; a class nobody has is a row of zeros."""
    predicted, targets = read_only(np.array([1, 1, 0, 2])), read_only(np.array([0, 0, 0, 2]))
    matrix = confusion_matrix(predicted, targets, num_classes=4)
    assert matrix.tolist() == [[1, 2, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert matrix.dtype == np.int64


@PROPERTY
@given(st.integers(2, 5), st.data())
def test_equal_scikit_learn(num_classes: int, data: st.DataObject) -> None:
    """Both measures agree with an independent library on any labels."""
    label = st.integers(0, num_classes - 1)
    pairs = np.array(data.draw(st.lists(st.tuples(label, label), min_size=1, max_size=20)))
    predicted, targets = pairs.T
    matrix = confusion_matrix(predicted, targets, num_classes)
    expected = sklearn_confusion_matrix(targets, predicted, labels=range(num_classes))
    np.testing.assert_array_equal(matrix, expected)
    assert accuracy(predicted, targets) == accuracy_score(targets, predicted)
    assert accuracy(predicted, targets) == matrix.trace() / len(pairs)


def test_confusion_matrix_of_bytes() -> None:
    """Labels read from files are often bytes, and 17 classes have 289 pairs."""
    labels = np.arange(17, dtype=np.uint8)
    np.testing.assert_array_equal(confusion_matrix(labels, labels, 17), np.eye(17))
