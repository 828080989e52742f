"""Standardization of channels: by the training samples alone, batch by batch, and kept."""

from dataclasses import replace

import numpy as np
import pytest

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.experiment import standardization
from cnn_from_scratch.experiment.dataset import Chosen, Dataset
from cnn_from_scratch.experiment.params import DType, Train
from cnn_from_scratch.experiment.run import train_run
from cnn_from_scratch.experiment.splits import split_indices
from cnn_from_scratch.experiment.standardization import measured
from cnn_from_scratch.experiment.streams import Purpose, stream
from cnn_from_scratch.nn.numerics import NUMERICS, NumericsName, using
from tests.experiment.studies import HOLDOUT, SIMPLE


def _images(n: int = 23) -> np.ndarray:
    """Return RGB images of bytes; all of the last channel are 77."""
    images = np.random.RandomState(0).randint(0, 256, (n, 3, 5, 4)).astype(np.uint8)
    images[:, 1] //= 7
    images[:, 2] = 77
    return images


@pytest.mark.parametrize("numerics", NUMERICS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rows", [1, 4, 23, 1000])
def test_mean_and_sd_of_the_chosen_images(
    numerics: NumericsName, dtype: DType, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By channel, of pixels in 0..1, in as many batches as it takes."""
    monkeypatch.setattr(standardization, "ROWS", rows)
    chosen = np.array([3, 1, 20, 8, 9])
    images = _images()
    with using(NUMERICS[numerics]):
        layer = measured(Chosen(images, chosen, 255.0, dtype))
    pixels: Array = images[chosen] / 255.0
    tolerance = 1e-9 if dtype == "float64" else 1e-7
    np.testing.assert_allclose(layer.mean, pixels.mean(axis=(0, 2, 3)), rtol=0, atol=tolerance)
    sd = pixels.std(axis=(0, 2, 3))
    np.testing.assert_allclose(layer.sd, [*sd[:2], 1.0], rtol=0, atol=tolerance)
    assert layer.sd[2] == 1.0  # exactly, and the channel becomes exactly 0
    assert len(set(layer.sd)) == 3


def _dataset() -> Dataset:
    images = np.random.RandomState(1).randint(0, 256, (30, 1, 6, 6)).astype(np.uint8)
    return Dataset(images, np.arange(30) % 3, ("a", "b", "c"), scale=255.0)


def test_a_network_learns_from_standardized_training_samples() -> None:
    """The checkpoint has their mean and SD, and the network that is read has the checkpoint's."""
    dataset, train = _dataset(), Train(epochs=2, batch_size=8, standardize=True)
    run = train_run(SIMPLE, 0, dataset, HOLDOUT, train)
    plain = train_run(SIMPLE, 0, dataset, HOLDOUT, replace(train, standardize=False))
    assert run.checkpoint["theta"].size == plain.checkpoint["theta"].size
    rows, _ = split_indices(dataset.y, dataset.class_names, HOLDOUT, stream(0, Purpose.SPLIT))
    pixels = dataset.X[rows] / 255.0
    np.testing.assert_allclose(run.checkpoint["0.mean"], [pixels.mean()], rtol=0, atol=1e-9)
    np.testing.assert_allclose(run.checkpoint["0.sd"], [pixels.std()], rtol=0, atol=1e-9)
    assert not any(name.startswith("0.") for name in plain.checkpoint)
