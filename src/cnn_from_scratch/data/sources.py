"""The sources of samples that params.yaml names: what people have -> a `Dataset`."""

from typing import Protocol

from cnn_from_scratch import InputError
from cnn_from_scratch.data.cifar10 import Cifar10
from cnn_from_scratch.data.idx import Idx
from cnn_from_scratch.data.images import ImageFolder
from cnn_from_scratch.data.table_source import SampleTable
from cnn_from_scratch.data.workbook import Workbook
from cnn_from_scratch.experiment.dataset import Dataset, check_dataset
from cnn_from_scratch.experiment.params import Convert, HoldOut, Params, Split, decode_named
from cnn_from_scratch.experiment.params_file import PARAMS_FILE
from cnn_from_scratch.experiment.splits import split_indices
from cnn_from_scratch.experiment.streams import Purpose, stream


class Source(Protocol):
    """What every source can do."""

    @property
    def path(self) -> str:
        """The one file or folder that all of it is read from, which DVC watches."""

    def read(self) -> Dataset:
        """Return the samples. Raises InputError, naming the file and the place in it."""


SOURCES: dict[str, type[Source]] = {
    "workbook": Workbook,
    "idx": Idx,
    "cifar10": Cifar10,
    "images": ImageFolder,
    "table": SampleTable,
}


def resolve_source(params: Params) -> Source:
    """Return the source that `convert` describes. Raises InputError, naming the key path."""
    return decode_named(_convert(params).source, SOURCES, "convert.source")


def read_source(params: Params) -> Dataset:
    """Return the samples that `convert` describes. Raises InputError."""
    source = resolve_source(params)
    dataset = source.read()
    try:
        check_dataset(dataset)
    except ValueError as error:
        raise InputError(f"{source.path}: {error}") from error
    how = _convert(params).hold_out
    return dataset if how is None else hold_out(dataset, how)


def hold_out(dataset: Dataset, how: HoldOut) -> Dataset:
    """Return the dataset with some samples of each class as test samples, as a split chooses them.

    Raises InputError if it has test samples already, or a class with fewer than two samples.
    """
    if dataset.X_test is not None:
        raise InputError(
            f"{PARAMS_FILE}: convert.hold_out: the source has test samples of its own; remove it"
        )
    split = Split("holdout", how.fraction)
    rng = stream(how.seed, Purpose.HOLD_OUT)
    rest, test = split_indices(dataset.y, dataset.class_names, split, rng)
    return Dataset(
        X=dataset.X[rest],
        y=dataset.y[rest],
        class_names=dataset.class_names,
        X_test=dataset.X[test],
        y_test=dataset.y[test],
        scale=dataset.scale,
    )


def _convert(params: Params) -> Convert:
    if params.convert is None:
        raise InputError(f"{PARAMS_FILE}: convert: missing")
    return params.convert
