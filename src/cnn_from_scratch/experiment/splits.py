"""The split: which samples train, and which are held out for validation."""

from collections.abc import Sequence

import numpy as np

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.dataset import Dataset, Indices, Labels
from cnn_from_scratch.experiment.params import Split
from cnn_from_scratch.experiment.streams import Purpose, stream


def run_split(dataset: Dataset, split: Split, seed: int) -> tuple[Indices, Indices]:
    """Return `split_indices` of a run: the training and the validation samples of its seed."""
    rng = stream(split.seed_of(seed), Purpose.SPLIT)
    return split_indices(dataset.y, dataset.class_names, split, rng)


def split_indices(
    y: Labels, class_names: Sequence[str], split: Split, rng: np.random.RandomState
) -> tuple[Indices, Indices]:
    """Return the sorted indices of the training and of the validation samples.

    Under `resubstitution` both are all samples. Under `holdout` they are disjoint and stratified:
    round(N * validation_fraction) samples, halves up, are held out. Each class gives the whole
    part of its share, the classes with the largest remainders one more (ties in random order),
    and every class keeps at least one sample on each side.

    y: (N,) class indices; class_names: all K. Raises InputError if a class has fewer than two
    samples under `holdout`.
    """
    if split.protocol == "resubstitution":
        return np.arange(len(y)), np.arange(len(y))
    sizes = np.bincount(y, minlength=len(class_names))
    for name, size in zip(class_names, sizes, strict=True):
        if size < 2:
            raise InputError(
                f"class {name} has {size} sample{'' if size == 1 else 's'};"
                " split.protocol 'holdout' needs at least 2 of each class"
            )
    held_out = [
        rng.permutation(np.flatnonzero(y == label))[:count]
        for label, count in enumerate(_held_out_per_class(sizes, split, rng))
    ]
    val = np.sort(np.concatenate(held_out))
    return np.delete(np.arange(len(y)), val), val


def _held_out_per_class(sizes: Indices, split: Split, rng: np.random.RandomState) -> Indices:
    total = int(np.floor(sum(sizes.tolist()) * split.validation_fraction + 0.5))
    shares = sizes * split.validation_fraction
    counts = np.floor(shares).astype(np.int64)
    by_remainder = np.lexsort((rng.permutation(len(sizes)), counts - shares))
    counts[by_remainder[: total - sum(counts.tolist())]] += 1
    return np.clip(counts, 1, sizes - 1)
