"""The words that tables and pictures share."""

from collections.abc import Iterable

SIGNIFICANCE = 0.05  # a difference is called significant if its corrected p is no higher


def split_title(split: str, protocol: str) -> str:
    """Return what a split's figures measure, so that nothing trained on is called held out."""
    if split == "val" and protocol.startswith("resubstitution"):
        return "validation = training samples (resubstitution)"
    if split == "val" and "selected" in protocol:
        return "validation (used to select the network)"
    return {"train": "training", "val": "validation", "test": "test"}[split]


def shown_split(splits: Iterable[str]) -> str:
    """Return the split that models are compared on: test, or val if there are no test samples."""
    return "test" if "test" in set(splits) else "val"


def group_variant(model: str) -> tuple[str, str]:
    """Return the group that a study's model belongs to, and which one it is in it.

    They are what stands before and after the last '-', as in 'S-pooled-free'; a model without one
    is a group of its own, with itself as the variant.
    """
    group, _, variant = model.rpartition("-")
    return group or model, variant


def by_group(models: Iterable[str]) -> dict[str, list[str]]:
    """Return the models of each group, groups and models in the order of their first ones."""
    groups: dict[str, list[str]] = {}
    for model in models:
        groups.setdefault(group_variant(model)[0], []).append(model)
    return groups
