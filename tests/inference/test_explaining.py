"""The maps are what their equations say."""

from pathlib import Path

import numpy as np
import pytest

from cnn_from_scratch.experiment.params import Train
from cnn_from_scratch.experiment.run import train_run
from cnn_from_scratch.experiment.trained import read_trained, trained_bytes
from cnn_from_scratch.inference.classifier import Classifier, load
from cnn_from_scratch.inference.explaining import gradient, occlusion
from tests.experiment.studies import HOLDOUT, SIMPLE, stripes
from tests.inference.conftest import DATASET


def test_occlusion_covers_one_pixel_at_a_time(model_folder: Path) -> None:
    classifier = load(model_folder)
    image = DATASET.X[1]
    lowered = occlusion(classifier, image, chosen=1)
    assert lowered.shape == (6, 6)
    for i, j in ((0, 0), (2, 3), (5, 5)):
        covered = image.copy()
        covered[:, i, j] = classifier.description.preparation.ground
        whole, other = classifier.probabilities(np.stack([image, covered]))[:, 1]
        assert lowered[i, j] == pytest.approx(whole - other, abs=1e-15)
    assert lowered[image[0] == 0].max() == 0.0  # what is ground already
    assert lowered.max() > 0.01


def _photographs(side: int) -> Classifier:
    data = stripes(shape=(2, side, side))
    run = train_run(SIMPLE, 0, data, HOLDOUT, Train(20, None, standardize=True))
    content = trained_bytes(run.description, run.checkpoint)
    return Classifier((read_trained(content, "a file"),))


def test_occlusion_of_a_larger_image_covers_patches_with_its_mean() -> None:
    classifier = _photographs(20)
    assert classifier.description.preparation.ground is None
    image = stripes(shape=(2, 20, 20)).X[0]
    lowered = occlusion(classifier, image, chosen=0)
    assert len(np.unique(lowered[:2, :2])) == 1
    covered = image.copy()
    covered[:, 4:6, 18:20] = image.mean()
    whole, other = classifier.probabilities(np.stack([image, covered]))[:, 0]
    assert lowered[5, 19] == pytest.approx(whole - other, abs=1e-15)


@pytest.mark.parametrize("chosen", [0, 2])
def test_the_gradient_is_that_of_the_probability(chosen: int) -> None:
    """Against central differences, through the standardization, both channels at once."""
    classifier = _photographs(6)
    image = stripes(shape=(2, 6, 6)).X[4]
    found = gradient(classifier, image, chosen)
    step = 1e-4
    for i, j in ((0, 0), (2, 3), (5, 4)):
        shift = np.zeros_like(image)
        shift[:, i, j] = step
        ends = classifier.probabilities(np.stack([image + shift, image - shift]))[:, chosen]
        assert found[i, j] == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-2, abs=1e-4)
    assert np.abs(found).max() > 0.01


def test_the_gradient_of_an_ensemble_is_the_mean(model_folder: Path) -> None:
    image = DATASET.X[0]
    parts = [gradient(load(model_folder / seed), image, 0) for seed in ("2", "10")]
    both = gradient(load(model_folder), image, 0)
    np.testing.assert_allclose(both, (parts[0] + parts[1]) / 2, rtol=1e-12)
