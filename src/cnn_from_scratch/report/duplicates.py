"""What samples that stand in the data twice mean for the results."""

from cnn_from_scratch.data.duplicates import count_duplicates
from cnn_from_scratch.experiment.dataset import Dataset


def duplicate_notes(dataset: Dataset, protocol: str) -> list[str]:
    """Return a sentence on the test samples, and one on the samples of a split, if any are twice.

    Under the protocol resubstitution nothing is held out, so that there is no split to speak of.
    """
    found = count_duplicates(dataset.X, dataset.X_test)
    notes = []
    if dataset.X_test is not None and found.tested:
        notes.append(
            f"{found.tested} of {len(dataset.X_test)} test samples have the same image as a sample"
            " to train or validate on: they don't tell how well a model does on new ones."
        )
    if found.within and protocol.startswith("holdout"):
        notes.append(
            f"{found.within} of {len(dataset.X)} samples to train or validate on have the same"
            " image as another one: a split can train on one and validate on the other."
        )
    return notes
