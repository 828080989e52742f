"""One run: a model trained from one seed, scored on every split."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np

from cnn_from_scratch import InputError
from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.experiment import preparation
from cnn_from_scratch.experiment.augmentation import augment
from cnn_from_scratch.experiment.backends import backend_for
from cnn_from_scratch.experiment.checkpoints import Checkpoint, Parts
from cnn_from_scratch.experiment.dataset import Chosen, Dataset, Indices
from cnn_from_scratch.experiment.diagnostics import Diagnostics, NotingGradients, diagnose
from cnn_from_scratch.experiment.legacy import draw_kernels
from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.experiment.params import DType, Split, Train
from cnn_from_scratch.experiment.params_file import PARAMS_FILE
from cnn_from_scratch.experiment.settings import settings
from cnn_from_scratch.experiment.splits import run_split
from cnn_from_scratch.experiment.standardization import measured
from cnn_from_scratch.experiment.streams import Purpose, stream
from cnn_from_scratch.experiment.trained import Description
from cnn_from_scratch.nn.backend import Backend
from cnn_from_scratch.nn.layers import Arrays, BatchNorm, Layer
from cnn_from_scratch.nn.losses import softmax
from cnn_from_scratch.nn.network import NUMPY, Sequential
from cnn_from_scratch.nn.numerics import using
from cnn_from_scratch.nn.training import (
    Epoch,
    Fit,
    Samples,
    Score,
    Training,
    evaluate,
    fit,
    predict,
)


@dataclass(frozen=True)
class Predictions:
    """The classes that a trained network gave to some samples, by their names."""

    indices: Indices  # places among the samples to train on, or among the test samples, from 0
    labels: list[str]
    predicted: list[str]
    probabilities: Array  # (N, K)


@dataclass(frozen=True)
class Run:
    """What one run found out; all but history and gradients is of the checkpoint's epoch.

    That is the last epoch, or after a divergence the last finite one, or the best if asked for.
    """

    fit: Fit
    description: Description  # of the network
    checkpoint: Arrays  # theta, and the layers' buffers
    diagnostics: Diagnostics  # of the training samples
    gradient_norms: dict[int, list[float]]  # by layer, from 1: at each epoch's last update
    scores: dict[str, Score]  # of train, val and, where there is a test sheet, test
    predictions: dict[str, Predictions]  # of val and test


def train_run(
    model: Model,
    seed: int,
    dataset: Dataset,
    split: Split,
    train: Train,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
    checkpoint: Checkpoint | None = None,
) -> Run:
    """Train a model on the seed's training samples and score it on every split.

    checkpoint: what a killed run goes on from, and what keeps how far this one is; None: nothing.

    Raises InputError if the data cannot be split, the network cannot take its images, or batch
    normalization would see a single value per channel.
    """
    backend = backend_for(train)
    with using(backend.numerics):
        return _train_run(model, seed, dataset, split, train, backend, on_epoch, checkpoint)


def _train_run(
    model: Model,
    seed: int,
    dataset: Dataset,
    split: Split,
    train: Train,
    backend: Backend,
    on_epoch: Callable[[Epoch], None],
    checkpoint: Checkpoint | None,
) -> Run:
    train_indices, val_indices = run_split(dataset, split, seed)
    samples = {
        "train": _samples(dataset, train_indices, train.dtype),
        "val": _samples(dataset, val_indices, train.dtype),
    }
    first = [measured(samples["train"].x)] if train.standardize else []
    init_seed = train.seed_of(Purpose.INIT, seed)
    network = build_network(model, init_seed, dataset, backend, train.dtype, first)
    _check_batches(network, model, len(train_indices), train.batch_size)
    optimizer = NotingGradients(model.optimizer, network)
    streams = {
        purpose: stream(train.seed_of(purpose, seed), purpose)
        for purpose in (Purpose.SHUFFLE, Purpose.DROPOUT, Purpose.AUGMENT)
    }
    training = Training(
        epochs=train.epochs,
        batch_size=train.batch_size,
        schedule=model.schedule,
        augment=_augmenter(train, streams[Purpose.AUGMENT]),
        early_stopping=train.early_stopping,
        best_checkpoint=train.best_checkpoint,
        shuffle_rng=streams[Purpose.SHUFFLE],
        dropout_rng=streams[Purpose.DROPOUT],
    )

    def end_epoch(epoch: Epoch) -> None:
        optimizer.end_epoch()
        on_epoch(epoch)

    parts = Parts(network, optimizer, streams)
    result = fit(
        network,
        optimizer,
        samples["train"],
        samples["val"],
        training,
        end_epoch,
        checkpoint.resume(parts) if checkpoint else None,
        partial(checkpoint.save, parts) if checkpoint else lambda _: None,
    )
    indices = {"val": val_indices}
    if dataset.X_test is not None and dataset.y_test is not None:
        indices["test"] = np.arange(len(dataset.y_test))
        images = Chosen(dataset.X_test, indices["test"], dataset.scale, train.dtype)
        samples["test"] = Samples(images, dataset.y_test)
    return Run(
        fit=result,
        description=Description(
            architecture=settings(model.architecture),
            layers=network.layers,
            in_shape=network.in_shape,
            shapes=tuple(network.shapes[1:]),
            class_names=dataset.class_names,
            dtype=train.dtype,
            numerics=train.numerics,
            preparation=preparation.measured(samples["train"].x),
        ),
        checkpoint=network.state(),
        diagnostics=diagnose(network, samples["train"].x),
        gradient_norms={
            layer: [norms[i] for norms in optimizer.norms]
            for i, layer in enumerate(optimizer.slices)
        },
        scores={name: evaluate(network, some) for name, some in samples.items()},
        predictions={
            name: _predict(network, samples[name], places, dataset)
            for name, places in indices.items()
        },
    )


def build_network(
    model: Model,
    seed: int,
    dataset: Dataset,
    backend: Backend = NUMPY,
    dtype: DType = "float64",
    first: Sequence[Layer] = (),
) -> Sequential:
    """Return the untrained network; only its initial parameters depend on the seed.

    first: layers before the architecture's.

    Raises InputError unless it gives one logit per class, and has parameters to learn.
    """
    named = f"{PARAMS_FILE}: models.{model.name}: the architecture {model.architecture}"
    try:
        network = backend.network(
            [*first, *model.architecture.layers(dataset.num_classes)],
            dataset.X.shape[1:],
            lambda i: stream(seed, Purpose.INIT, i),
            backend,
            dtype,
        )
    except ValueError as error:
        raise InputError(f"{named} cannot take the images: {error}") from error
    if network.out_shape != (dataset.num_classes,):
        raise InputError(
            f"{named} turns an image of {dataset.X.shape[1:]} into {network.out_shape}, not into"
            f" {dataset.num_classes} logits"
        )
    if network.theta.size == 0:
        raise InputError(f"{named} has nothing to learn: none of its layers has parameters")
    if model.legacy_skip is not None:
        draw_kernels(network, seed, model.legacy_skip)
    return network


def _check_batches(network: Sequential, model: Model, samples: int, batch_size: int | None) -> None:
    """Check that batch normalization sees two values per channel in the smallest batch.

    One value has no variance: less its mean it is 0, whatever it was. Raises InputError.
    """
    size = min(batch_size or samples, samples)
    smallest = samples % size or size  # the last batch of an epoch
    for i, (layer, shape) in enumerate(zip(network.layers, network.shapes, strict=False), start=1):
        if isinstance(layer, BatchNorm) and smallest * prod(shape[1:]) == 1:
            raise InputError(
                f"{PARAMS_FILE}: models.{model.name}: layer {i}, batch_norm, would see a single"
                f" value per channel in a batch of 1 sample ({samples} training samples,"
                f" train.batch_size {batch_size or 'null'}); choose another batch size"
            )


def _augmenter(train: Train, rng: np.random.RandomState) -> Callable[[Array], Array] | None:
    """Return what changes the images of a training batch, if anything does."""
    augmentation = train.augment
    if augmentation is None:
        return None
    return lambda images: augment(images, augmentation, rng)


def _samples(dataset: Dataset, indices: Indices, dtype: DType) -> Samples:
    return Samples(Chosen(dataset.X, indices, dataset.scale, dtype), dataset.y[indices])


def _predict(
    network: Sequential, samples: Samples, indices: Indices, dataset: Dataset
) -> Predictions:
    logits = predict(network, samples.x)
    labels, predicted = dataset.names(samples.targets), dataset.names(logits.argmax(axis=1))
    return Predictions(indices, labels, predicted, softmax(logits))
