"""Samples that are in the data twice: a model is then tested on what it was trained on."""

from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b

from cnn_from_scratch.experiment.dataset import Images


@dataclass(frozen=True)
class Duplicates:
    """How many samples have the same image as another one, pixel by pixel, whatever the labels.

    within: samples of the data that equal another of the data, so that a split can separate them.
    tested: test samples that are in the data, too.
    """

    within: int
    tested: int


def count_duplicates(images: Images, test_images: Images | None) -> Duplicates:
    """Count the duplicates among the images of the data, and those of the test samples there."""
    counts = Counter(_keys(images))
    tested = [] if test_images is None else _keys(test_images)
    return Duplicates(
        within=sum(count for count in counts.values() if count > 1),
        tested=sum(key in counts for key in tested),
    )


def _keys(images: Images) -> list[bytes]:
    """Return a digest of each image, so that no second copy of them is held."""
    return [blake2b(_no_signed_zeros(image), digest_size=16).digest() for image in images]


def _no_signed_zeros(image: Images) -> bytes:
    return (image if image.dtype.kind == "u" else image + 0.0).tobytes()  # as -0.0 equals 0.0
