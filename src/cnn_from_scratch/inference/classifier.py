"""One trained network, or those of several seeds, that classify new samples together."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn_from_scratch import InputError
from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.experiment.dataset import Indices
from cnn_from_scratch.experiment.records import SUMS, read_files
from cnn_from_scratch.experiment.trained import Description, Trained, read_trained

CHECKPOINT = "checkpoint.npz"


@dataclass(frozen=True)
class Classifier:
    """Networks of the same classes, for images of the same shape.

    networks: one, or several whose probabilities are averaged.
    """

    networks: tuple[Trained, ...]

    @property
    def description(self) -> Description:
        """That of the first network."""
        return self.networks[0].description

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the K classes are called."""
        return self.description.class_names

    def probabilities(self, pixels: Array) -> Array:
        """Return the probability of each class, (N, K), of pixels (N, C, H, W) in 0..1.

        p = (1/M) * sum over the M networks of softmax(logits)
        """
        return np.mean([network.probabilities(pixels) for network in self.networks], axis=0)

    def agreeing(self, pixels: Array, classes: Indices) -> Indices:
        """Return for each sample how many networks, by themselves, give its class: (N,)."""
        alone = [network.probabilities(pixels).argmax(axis=1) for network in self.networks]
        return np.sum([own == classes for own in alone], axis=0)


def load(path: Path | str) -> Classifier:
    """Return what classifies as the network of a run, or as those of all seeds of a model.

    path: a checkpoint.npz; the folder of a run, `runs/S-Adam/0`; or of a model, `runs/S-Adam`.

    Raises InputError if there is nothing like that, a file is damaged, or the networks in a folder
    have different classes or images.
    """
    networks = [read_trained(content, str(file)) for file, content in _checkpoints(Path(path))]
    first = networks[0].description
    for network in networks[1:]:
        for key in ("class_names", "in_shape", "preparation.scale"):
            ours, theirs = _get(first, key), _get(network.description, key)
            if ours != theirs:
                raise InputError(
                    f"{path}: expected networks of one model, found {key} {ours} and {theirs}"
                )
    return Classifier(tuple(networks))


def _get(description: Description, key: str) -> object:
    value: object = description
    for name in key.split("."):
        value = getattr(value, name)
    return value


def _checkpoints(path: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield the files and their contents; of a model's folder, in the order of the seeds."""
    if path.is_file():
        yield path, path.read_bytes()
        return
    if not path.exists():
        raise InputError(f"{path}: not found; expected a run's or a model's folder in runs/")
    folders = [path]
    if not (path / CHECKPOINT).exists():
        found = (file.parent for file in path.glob(f"*/{CHECKPOINT}"))
        folders = sorted(found, key=lambda folder: (len(folder.name), folder.name))
    if not folders:
        raise InputError(
            f"{path}: expected a run's folder, with a {CHECKPOINT}, or a model's, with such folders"
        )
    for folder in folders:
        file = folder / CHECKPOINT
        whole = (folder / SUMS).exists()  # a record, which can be checked
        yield file, read_files(folder)[CHECKPOINT] if whole else file.read_bytes()
