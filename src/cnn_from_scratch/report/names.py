"""The words that tables and pictures share."""

from typing import Any

SIGNIFICANCE = 0.05  # a difference is called significant if its corrected p is no higher


def split_title(split: str, protocol: str) -> str:
    """Return what a split's figures measure, so that nothing trained on is called held out."""
    if split == "val" and protocol.startswith("resubstitution"):
        return "validation = training samples (resubstitution)"
    if split == "val" and "selected" in protocol:
        return "validation (used to select the network)"
    return {"train": "training", "val": "validation", "test": "test"}[split]


def pair_title(comparison: dict[str, Any]) -> str:
    """Return what two models are compared; differences are the first minus the second."""
    return f"{comparison['first']} vs {comparison['second']}"
