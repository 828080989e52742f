"""What a classifier says of new samples."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn_from_scratch import InputError
from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.inference.classifier import Classifier, load
from cnn_from_scratch.inference.samples import Layout, read_samples


@dataclass(frozen=True)
class Answer:
    """What a classifier says of one sample.

    sample: where it stands. label: the most probable class. probabilities: of each class, by its
    name. agreeing: how many of the networks give the class by themselves.
    """

    sample: str
    label: str
    probabilities: dict[str, float]
    agreeing: int

    @property
    def probability(self) -> float:
        """That of the label."""
        return self.probabilities[self.label]


def classify(network: Path | str, *samples: Path | str) -> Iterator[Answer]:
    """Yield what a network says of the samples in some files, as cnn-predict does.

    network: as `load` takes it. samples: as `read_samples` takes them, with the usual layout.

    Raises InputError, as these do.
    """
    classifier = load(network)
    for path in samples:
        read = read_samples(Path(path), classifier.description, Layout())
        yield from answers(classifier, read.names, read.pixels)


def answers(classifier: Classifier, names: Sequence[str], pixels: Array) -> list[Answer]:
    """Return an answer for each sample; pixels (N, C, H, W) in 0..1.

    Raises InputError if the probabilities are no numbers.
    """
    probabilities = classifier.probabilities(pixels)
    if not np.isfinite(probabilities).all():
        raise InputError("expected probabilities, the network gives NaN: its training has diverged")
    classes = probabilities.argmax(axis=1)
    agreeing = classifier.agreeing(pixels, classes).tolist()
    labels = classifier.class_names
    return [
        Answer(name, labels[chosen], dict(zip(labels, row, strict=True)), alone)
        for name, chosen, row, alone in zip(
            names, classes.tolist(), probabilities.tolist(), agreeing, strict=True
        )
    ]
