"""The words of tables and pictures that depend on the settings."""


def split_title(split: str, protocol: str) -> str:
    """Return what a split's figures measure, so that nothing trained on is called held out."""
    if split == "val" and protocol.startswith("resubstitution"):
        return "validation = training samples (resubstitution)"
    if split == "val" and "selected" in protocol:
        return "validation (used to select the network)"
    return {"train": "training", "val": "validation", "test": "test"}[split]
