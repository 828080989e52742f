"""What the splits are called."""

import pytest

from cnn_from_scratch.report.names import by_group, group_variant, split_title


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


@pytest.mark.parametrize(
    ("model", "group", "variant"),
    [
        ("S-pooled-free", "S-pooled", "free"),
        ("S-adam", "S", "adam"),
        ("report-S-SGD", "report-S", "SGD"),
        ("Plain", "Plain", "Plain"),
    ],
)
def test_the_group_is_what_stands_before_the_last_dash(
    model: str, group: str, variant: str
) -> None:
    assert group_variant(model) == (group, variant)


def test_groups_and_their_models_keep_their_order() -> None:
    groups = by_group(["B-y", "A-x", "B-x", "C", "A-y"])
    assert list(groups.items()) == [("B", ["B-y", "B-x"]), ("A", ["A-x", "A-y"]), ("C", ["C"])]
