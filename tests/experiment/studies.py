"""A small dataset and ready models, for single runs."""

import numpy as np

from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.experiment.params import Split
from cnn_from_scratch.nn.architectures import EnhancedCNN, SimpleCNN
from cnn_from_scratch.nn.optimizers import SGD, Adam

HOLDOUT = Split(protocol="holdout", validation_fraction=0.25)
RESUBSTITUTION = Split(protocol="resubstitution", validation_fraction=0.25)

SIMPLE = Model(SimpleCNN(activate_logits=False), Adam(lr=0.05))
ENHANCED = Model(EnhancedCNN(activate_logits=False), Adam(lr=0.01))
DIVERGING = Model(EnhancedCNN(activate_logits=False), SGD(lr=1e10, weight_decay=1.0))


def stripes(samples: int = 24, *, test: int = 9, shape: tuple[int, ...] = (1, 6, 6)) -> Dataset:
    """Return noisy images of three classes: class k is bright in every third row from k on."""
    rng = np.random.RandomState(1)
    labels = rng.permutation(np.arange(samples + test, dtype=np.int64) % 3)
    images = 0.6 * rng.rand(samples + test, *shape)
    for image, label in zip(images, labels, strict=True):
        image[:, label::3] += 0.4
    return Dataset(
        X=images[:samples],
        y=labels[:samples],
        class_names=("1", "2", "3"),
        X_test=images[samples:] if test else None,
        y_test=labels[samples:] if test else None,
    )
