"""The digest of what a run is trained from: all that decides, and nothing else."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch.experiment.identity import trained_from
from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.experiment.params import Augmentation, Split, Train
from cnn_from_scratch.nn.architectures import SimpleCNN, Stack
from cnn_from_scratch.nn.layers import AvgPool2D, Conv2D, Flatten, MaxPool2D
from cnn_from_scratch.nn.optimizers import NAG, SGD, Momentum
from cnn_from_scratch.nn.schedules import Cosine
from tests.experiment.studies import HOLDOUT, RESUBSTITUTION, stripes

DATASET = stripes()
MODEL = Model(SimpleCNN(), SGD(lr=0.5))
TRAIN = Train(epochs=5, batch_size=None)


def digest(
    model: Model = MODEL,
    split: Split = HOLDOUT,
    train: Train = TRAIN,
    seed: int = 0,
    dataset: Any = DATASET,
) -> str:
    return trained_from(model, split, train, seed, dataset)


def changed(array: Any) -> Any:
    array = array.copy()
    array.flat[-1] = 1 - array.flat[-1]
    return array


OTHERS = {
    "seed": digest(seed=1),
    "split": digest(split=RESUBSTITUTION),
    "fraction": digest(split=replace(HOLDOUT, validation_fraction=0.5)),
    "epochs": digest(train=replace(TRAIN, epochs=6)),
    "batches": digest(train=replace(TRAIN, batch_size=4)),
    "shift": digest(train=replace(TRAIN, augment=Augmentation(shift=1))),
    "noise": digest(train=replace(TRAIN, augment=Augmentation(noise=1.0))),
    "stopping": digest(train=replace(TRAIN, early_stopping=3)),
    "best": digest(train=replace(TRAIN, best_checkpoint=True)),
    "native": digest(train=replace(TRAIN, numerics="native")),
    "native and compiled": digest(train=replace(TRAIN, numerics="native", backend="compiled")),
    "float32": digest(train=replace(TRAIN, numerics="native", dtype="float32")),
    "rate": digest(replace(MODEL, optimizer=SGD(lr=0.25))),
    "optimizer": digest(replace(MODEL, optimizer=Momentum(lr=0.5))),
    "optimizer of the same settings": digest(replace(MODEL, optimizer=NAG(lr=0.5))),
    "architecture": digest(replace(MODEL, architecture=SimpleCNN(activation="tanh"))),
    "schedule": digest(replace(MODEL, schedule=Cosine())),
    "legacy": digest(replace(MODEL, legacy_skip=0)),
    "stack": digest(replace(MODEL, architecture=Stack((Conv2D(3, 6), Flatten())))),
    "order": digest(replace(MODEL, architecture=Stack((Flatten(), Conv2D(3, 6))))),
    "kind": digest(replace(MODEL, architecture=Stack((MaxPool2D(2), Flatten())))),
    "kind of the same settings": digest(
        replace(MODEL, architecture=Stack((AvgPool2D(2), Flatten())))
    ),
    "pixel": digest(dataset=replace(DATASET, X=changed(DATASET.X))),
    "label": digest(dataset=replace(DATASET, y=DATASET.y[::-1])),
    "shape": digest(dataset=replace(DATASET, X=DATASET.X.reshape(-1, 1, 4, 9))),
    "dtype": digest(dataset=replace(DATASET, y=DATASET.y.view(np.uint64))),
    "classes": digest(dataset=replace(DATASET, class_names=("1", "2", "3", "4"))),
    "class name": digest(dataset=replace(DATASET, class_names=("1", "2", "three"))),
    "order of names": digest(dataset=replace(DATASET, class_names=("2", "1", "3"))),
    "scale": digest(dataset=replace(DATASET, scale=2.0)),
    "test pixel": digest(dataset=replace(DATASET, X_test=changed(DATASET.X_test))),
    "no test": digest(dataset=replace(DATASET, X_test=None, y_test=None)),
}


def test_all_that_decides_is_in_it() -> None:
    assert len({digest(), *OTHERS.values()}) == 1 + len(OTHERS)


def test_it_does_not_change() -> None:
    """Else every record would have to be trained anew; of one image, for a digest of all."""
    one = replace(
        DATASET, X=np.zeros((1, 1, 6, 6)), y=np.zeros(1, np.int64), X_test=None, y_test=None
    )
    assert digest(dataset=one) == (
        "32c47a0b12c4cf6ed980c136595893314ccbeb7136eb0e5bd9c44212a7b5bd2f"
    )


def test_defaults_are_left_out() -> None:
    """So that a setting that is added later changes no digest."""
    spelled_out = Train(
        epochs=5, batch_size=None, augment=None, dtype="float64", numerics="portable"
    )
    model = Model(SimpleCNN(activation="sigmoid"), SGD(lr=0.5, weight_decay=0.0), MODEL.schedule)
    assert digest(model, train=spelled_out) == digest()


def test_backends_of_the_same_bits_are_one() -> None:
    assert digest(train=replace(TRAIN, backend="compiled")) == digest()


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_order_in_memory_is_nothing(order: Any) -> None:
    assert digest(dataset=replace(DATASET, X=np.array(DATASET.X, order=order))) == digest()
