"""What the splits are called."""

import pytest

from cnn_from_scratch.report.names import pair_title, split_title


@pytest.mark.parametrize(
    ("split", "protocol", "title"),
    [
        ("train", "holdout", "training"),
        ("val", "holdout", "validation"),
        ("test", "holdout", "test"),
        ("val", "resubstitution", "validation = training samples (resubstitution)"),
        (
            "val",
            "holdout, network selected on validation",
            "validation (used to select the network)",
        ),
        ("test", "holdout, network selected on validation", "test"),
    ],
)
def test_a_title_says_what_is_measured(split: str, protocol: str, title: str) -> None:
    assert split_title(split, protocol) == title


def test_a_pair_is_named_in_the_order_of_its_difference() -> None:
    assert pair_title({"first": "A", "second": "B"}) == "A vs B"
