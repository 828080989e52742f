"""One run: what it trains on, what it reports, and that its random streams are its own."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.experiment.params import Augmentation, Split, Train
from cnn_from_scratch.experiment.run import Run, train_run
from cnn_from_scratch.experiment.splits import split_indices
from cnn_from_scratch.experiment.streams import Purpose, stream
from cnn_from_scratch.nn.architectures import SimpleCNN, Stack
from cnn_from_scratch.nn.layers import AvgPool2D, BatchNorm, Conv2D, Dense, Flatten
from cnn_from_scratch.nn.network import NUMPY, Sequential
from cnn_from_scratch.nn.optimizers import SGD
from cnn_from_scratch.nn.training import Epoch
from tests.experiment.studies import (
    DIVERGING,
    ENHANCED,
    HOLDOUT,
    RESUBSTITUTION,
    SIMPLE,
    stripes,
)

DATASET = stripes()
EPOCHS = Train(epochs=4, batch_size=None)
NATIVE = Train(epochs=60, batch_size=None, numerics="native")  # as exact as what it is compared to


@pytest.fixture(scope="module")
def run() -> Run:
    return train_run(SIMPLE, 3, DATASET, HOLDOUT, NATIVE)


def logits(theta: Array, images: Array) -> Array:
    """Return what the network SIMPLE with the parameters theta answers."""
    network = Sequential(SIMPLE.architecture.layers(3), (1, 6, 6), np.random.RandomState, NUMPY)
    network.theta[:] = theta
    return network.forward(images)[0]


def test_the_scores_can_be_recomputed_from_theta(run: Run) -> None:
    assert DATASET.X_test is not None and DATASET.y_test is not None
    train, val = split_indices(DATASET.y, DATASET.class_names, HOLDOUT, stream(3, Purpose.SPLIT))
    samples = {
        "train": (DATASET.X[train], DATASET.y[train]),
        "val": (DATASET.X[val], DATASET.y[val]),
        "test": (DATASET.X_test, DATASET.y_test),
    }
    assert list(run.scores) == list(samples)
    for name, (images, labels) in samples.items():
        z = logits(run.checkpoint["theta"], images)
        probabilities = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        loss = -np.log(probabilities[np.arange(len(labels)), labels]).mean()
        assert run.scores[name].loss == pytest.approx(loss, rel=1e-12)
        assert run.scores[name].accuracy == np.mean(z.argmax(axis=1) == labels)
    assert run.scores["train"].accuracy > 0.6  # it learned something, so these are no chance scores


def test_the_predictions_can_be_recomputed_from_theta(run: Run) -> None:
    assert DATASET.X_test is not None and DATASET.y_test is not None
    _, held_out = split_indices(DATASET.y, DATASET.class_names, HOLDOUT, stream(3, Purpose.SPLIT))
    assert list(run.predictions) == ["val", "test"]
    val, test = run.predictions["val"], run.predictions["test"]
    np.testing.assert_array_equal(val.indices, held_out)
    assert val.labels == DATASET.names(DATASET.y[held_out])
    np.testing.assert_array_equal(test.indices, np.arange(9))
    assert test.labels == DATASET.names(DATASET.y_test)
    for predictions, images in ((val, DATASET.X[held_out]), (test, DATASET.X_test)):
        predicted = logits(run.checkpoint["theta"], images).argmax(axis=1)
        assert predictions.predicted == DATASET.names(predicted)
        z = np.exp(logits(run.checkpoint["theta"], images))
        expected = z / z.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(predictions.probabilities, expected, rtol=1e-5)


def test_the_predictions_agree_with_the_scores(run: Run) -> None:
    for name, predictions in run.predictions.items():
        pairs = zip(predictions.predicted, predictions.labels, strict=True)
        assert run.scores[name].accuracy == np.mean([name == label for name, label in pairs])


def test_the_scores_are_those_of_the_last_epoch(run: Run) -> None:
    last = run.fit.history[-1]
    assert last.epoch == 60
    assert run.scores["train"] == last.train
    assert run.scores["val"] == last.val


def test_without_test_samples_there_is_no_test_score() -> None:
    run = train_run(SIMPLE, 3, stripes(test=0), HOLDOUT, EPOCHS)
    assert list(run.scores) == ["train", "val"]
    assert list(run.predictions) == ["val"]


def test_the_test_samples_change_nothing_else(run: Run) -> None:
    without = replace(DATASET, X_test=None, y_test=None)
    again = train_run(SIMPLE, 3, without, HOLDOUT, NATIVE)
    np.testing.assert_array_equal(again.checkpoint["theta"], run.checkpoint["theta"])
    assert again.fit == run.fit


def test_the_validation_images_decide_nothing(run: Run) -> None:
    _, held_out = split_indices(DATASET.y, DATASET.class_names, HOLDOUT, stream(3, Purpose.SPLIT))
    images = DATASET.X.copy()
    images[held_out] = 1 - images[held_out]
    other = replace(DATASET, X=images)
    again = train_run(SIMPLE, 3, other, HOLDOUT, NATIVE)
    np.testing.assert_array_equal(again.checkpoint["theta"], run.checkpoint["theta"])
    assert [epoch.train for epoch in again.fit.history] == [e.train for e in run.fit.history]
    assert again.scores["val"] != run.scores["val"]


def test_resubstitution_validates_on_the_training_samples() -> None:
    run = train_run(SIMPLE, 0, DATASET, RESUBSTITUTION, EPOCHS)
    assert run.scores["val"] == run.scores["train"]
    assert all(epoch.val == epoch.train for epoch in run.fit.history)
    assert run.predictions["val"].indices.tolist() == list(range(24))


def test_the_models_share_the_split_of_a_seed() -> None:
    indices = {
        (model, seed): train_run(model, seed, DATASET, HOLDOUT, EPOCHS)
        .predictions["val"]
        .indices.tobytes()
        for model in (SIMPLE, ENHANCED)
        for seed in (0, 1)
    }
    assert indices[SIMPLE, 0] == indices[ENHANCED, 0]
    assert indices[SIMPLE, 1] == indices[ENHANCED, 1]
    assert indices[SIMPLE, 0] != indices[SIMPLE, 1]


ALL = replace(
    EPOCHS, batch_size=5, augment=Augmentation(shift=1),
    init_seed=8, shuffle_seed=8, dropout_seed=8, augment_seed=8,
)  # fmt: skip
DROPPING = Model(SimpleCNN(dropout=0.5), SGD(lr=0.5))


def test_streams_of_their_own_leave_nothing_to_the_runs_seed() -> None:
    split = replace(HOLDOUT, seed=8)
    thetas = [
        train_run(DROPPING, *given).checkpoint["theta"]
        for given in (
            (3, DATASET, split, ALL),
            (4, DATASET, split, ALL),
            (8, DATASET, HOLDOUT, replace(EPOCHS, batch_size=5, augment=Augmentation(shift=1))),
        )
    ]
    np.testing.assert_array_equal(thetas[0], thetas[1])
    np.testing.assert_array_equal(thetas[0], thetas[2])


@pytest.mark.parametrize(
    ("split", "train"),
    [
        (HOLDOUT, ALL),
        (replace(HOLDOUT, seed=8), replace(ALL, init_seed=None)),
        (replace(HOLDOUT, seed=8), replace(ALL, shuffle_seed=None)),
        (replace(HOLDOUT, seed=8), replace(ALL, dropout_seed=None)),
        (replace(HOLDOUT, seed=8), replace(ALL, augment_seed=None)),
    ],
)
def test_each_stream_decides_something(split: Split, train: Train) -> None:
    """With the others fixed, it is what makes two runs differ."""
    first, second = (
        train_run(DROPPING, seed, DATASET, split, train).checkpoint["theta"] for seed in (3, 4)
    )
    assert not np.array_equal(first, second)


def test_the_initial_weights_are_of_the_init_seed_and_the_split_of_its_own() -> None:
    run = train_run(SIMPLE, 3, DATASET, replace(HOLDOUT, seed=4), replace(EPOCHS, init_seed=5))
    of_four = train_run(SIMPLE, 4, DATASET, HOLDOUT, EPOCHS)
    of_five = train_run(SIMPLE, 5, DATASET, replace(HOLDOUT, seed=4), EPOCHS)
    val = run.predictions["val"].indices
    np.testing.assert_array_equal(val, of_four.predictions["val"].indices)
    np.testing.assert_array_equal(run.checkpoint["theta"], of_five.checkpoint["theta"])


@pytest.mark.parametrize("batch_size", [None, 5])
def test_the_same_seed_gives_the_same_run_and_another_seed_another(batch_size: int | None) -> None:
    train = Train(epochs=4, batch_size=batch_size)
    first, again, other = (train_run(SIMPLE, seed, DATASET, HOLDOUT, train) for seed in (5, 5, 6))
    assert first.checkpoint["theta"].tobytes() == again.checkpoint["theta"].tobytes()
    assert first.fit == again.fit
    assert not np.array_equal(first.checkpoint["theta"], other.checkpoint["theta"])


def test_minibatches_take_more_steps_from_the_same_start() -> None:
    full, mini = (
        train_run(SIMPLE, 5, DATASET, HOLDOUT, Train(epochs=1, batch_size=size))
        for size in (None, 5)
    )
    assert full.fit.history[0] == mini.fit.history[0]
    assert full.fit.history[1] != mini.fit.history[1]


def test_every_epoch_is_told() -> None:
    told: list[Epoch] = []
    run = train_run(SIMPLE, 0, DATASET, HOLDOUT, EPOCHS, told.append)
    assert told == run.fit.history
    assert [epoch.epoch for epoch in told] == [0, 1, 2, 3, 4]


def test_a_diverging_run_stands_at_its_last_finite_epoch() -> None:
    run = train_run(DIVERGING, 1, DATASET, HOLDOUT, Train(epochs=50, batch_size=None))
    assert run.fit.diverged
    assert 2 <= len(run.fit.history) < 51
    assert np.isfinite(run.checkpoint["theta"]).all()
    assert run.scores["train"] == run.fit.history[-1].train
    assert run.scores["val"] == run.fit.history[-1].val
    assert all(np.isfinite(score).all() for score in run.scores.values())


@pytest.mark.parametrize(
    ("shape", "what"),
    [((1, 3, 3), "layer")],
    ids=["too small"],
)
@pytest.mark.parametrize("model", [SIMPLE, ENHANCED], ids=["simple", "enhanced"])
def test_images_that_the_network_cannot_take(
    model: Model, shape: tuple[int, ...], what: str
) -> None:
    with pytest.raises(InputError) as error:
        train_run(model, 0, stripes(shape=shape), HOLDOUT, EPOCHS)
    message = str(error.value)
    assert len(message.splitlines()) == 1
    assert str(model.architecture) in message
    assert what in message


def test_a_network_with_nothing_to_learn() -> None:
    model = Model(Stack((AvgPool2D(3), Flatten())), SGD(), name="mine")
    names = ("1", "2", "3", "4")
    four = replace(DATASET, class_names=names, y=np.arange(24) % 4, X_test=None, y_test=None)
    with pytest.raises(InputError, match=r"^params\.yaml: models\.mine: .* has nothing to learn"):
        train_run(model, 0, four, HOLDOUT, EPOCHS)


# Of 18 training samples: the batch size, and whether a batch then has a single one.
BATCHES = [(None, False), (1, True), (17, True), (5, False), (18, False), (100, False), (2, False)]


@pytest.mark.parametrize(("batch_size", "has_one"), BATCHES)
@pytest.mark.parametrize(
    ("layers", "has_one_pixel"),
    [
        ((Flatten(), Dense(4), BatchNorm(), Dense(3)), True),
        ((Conv2D(2, 6), BatchNorm(), Flatten(), Dense(3)), True),
        ((BatchNorm(), Flatten(), Dense(3)), False),
        ((Conv2D(2, 5), BatchNorm(), Flatten(), Dense(3)), False),
    ],
)
@pytest.mark.parametrize("backend", ["numpy", "compiled"])
def test_batch_normalization_of_one_value_is_refused_before_training(
    layers: Any, has_one_pixel: bool, batch_size: int | None, has_one: bool, backend: Any
) -> None:
    model = Model(Stack(layers), SGD(), name="mine")
    train = Train(epochs=1, batch_size=batch_size, backend=backend)
    told: list[Epoch] = []
    if not (has_one and has_one_pixel):
        assert not train_run(model, 0, DATASET, HOLDOUT, train).fit.diverged
        return
    with pytest.raises(InputError) as error:
        train_run(model, 0, DATASET, HOLDOUT, train, told.append)
    place = 1 + [type(layer) for layer in layers].index(BatchNorm)
    assert str(error.value) == (
        f"params.yaml: models.mine: layer {place}, batch_norm, would see a single value per channel"
        f" in a batch of 1 sample (18 training samples, train.batch_size {batch_size}); choose"
        " another batch size"
    )
    assert told == []


def test_a_class_with_one_sample() -> None:
    dataset = stripes()
    dataset.y[:] = np.where(dataset.y == 2, 1, dataset.y)
    dataset.y[7] = 2
    with pytest.raises(InputError, match="class 3"):
        train_run(SIMPLE, 0, dataset, HOLDOUT, EPOCHS)
    run = train_run(SIMPLE, 0, dataset, RESUBSTITUTION, EPOCHS)
    assert not run.fit.diverged
