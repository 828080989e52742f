"""A trained network as a file that describes itself: checkpoint.npz of a run's record.

It holds theta, (P,), the layers' buffers as <layer>.<name>, and network.json: the format, the
layers with all their settings, the shapes, the classes, and how samples are made. Nothing in it is
a pickle, and no params.yaml is needed to use it.
"""

import dataclasses
import io
import json
import zipfile
from dataclasses import dataclass
from math import prod
from typing import Any

import msgspec
import numpy as np

from cnn_from_scratch import InputError
from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.experiment.backends import numpy_backend
from cnn_from_scratch.experiment.files import json_text
from cnn_from_scratch.experiment.npz import write_npz
from cnn_from_scratch.experiment.params import DType
from cnn_from_scratch.experiment.preparation import Preparation
from cnn_from_scratch.experiment.settings import settings
from cnn_from_scratch.nn.layers import LAYERS, Arrays, Layer
from cnn_from_scratch.nn.losses import softmax
from cnn_from_scratch.nn.network import Sequential
from cnn_from_scratch.nn.numerics import NumericsName, using
from cnn_from_scratch.nn.training import predict

FORMAT, VERSION = "cnn-from-scratch network", 1
DESCRIPTION = "network.json"
MOST_LAYERS, MOST_PIXELS = 1000, 1 << 24  # of a description that is believed


@dataclass(frozen=True)
class Description:
    """All that a trained network is, but for its numbers.

    architecture: by its name and settings, as in params.yaml; for people, as the layers say it all.
    layers: with one for the standardization before the architecture's, where there is one.
    in_shape: (C, H, W). shapes: of a sample, after each layer. class_names: of its K logits.
    numerics: that it was trained in.
    """

    architecture: dict[str, Any]
    layers: tuple[Layer, ...]
    in_shape: Shape
    shapes: tuple[Shape, ...]
    class_names: tuple[str, ...]
    dtype: DType
    numerics: NumericsName
    preparation: Preparation


@dataclass(frozen=True)
class Trained:
    """A trained network, ready for use."""

    description: Description
    network: Sequential

    def probabilities(self, pixels: Array) -> Array:
        """Return the softmax of the logits, (N, K), of pixels (N, C, H, W) in 0..1."""
        with using(self.network.backend.numerics):
            return softmax(predict(self.network, pixels.astype(self.network.theta.dtype)))


def trained_bytes(description: Description, state: Arrays) -> bytes:
    """Return the file. state: as the network returns it."""
    told = {
        "format": FORMAT,
        "version": VERSION,
        "architecture": description.architecture,
        "layers": [
            settings(layer) | {"out_shape": shape}
            for layer, shape in zip(description.layers, description.shapes, strict=True)
        ],
        "in_shape": description.in_shape,
        "class_names": description.class_names,
        "dtype": description.dtype,
        "numerics": description.numerics,
        "preparation": settings(description.preparation),
    }
    content = io.BytesIO()
    write_npz(content, state, {DESCRIPTION: json_text(told)})
    return content.getvalue()


def read_trained(content: bytes, name: str) -> Trained:
    """Return what is in a file. name: what errors call it.

    Raises InputError if it is not such a file, or one of another version.
    """
    arrays = _arrays(content, name)
    text = arrays.pop(DESCRIPTION, None)
    if not isinstance(text, bytes):
        raise InputError(f"{name}: expected a trained network with {DESCRIPTION} in it, found none")
    try:
        description = _description(json.loads(text))
        no_draws: Any = _NoDraws(np.size(arrays["theta"]))
        network = Sequential(
            description.layers,
            description.in_shape,
            lambda i: no_draws,
            numpy_backend(description.numerics),
            description.dtype,
        )
        _restore(network, description, arrays)
    except (ValueError, KeyError, TypeError, RecursionError, msgspec.ValidationError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{name}: {DESCRIPTION}: {reason}") from error
    return Trained(description, network)


class _NoDraws:
    """In place of a random stream: what is drawn, the file's numbers replace.

    most: how many numbers of W there can be; a description may ask for more than memory holds.
    """

    def __init__(self, most: int) -> None:
        self.most = most

    def random_sample(self, shape: Shape) -> Array:
        """Return any numbers, of which normal ones can be made: these are drawn in pairs."""
        if prod(shape) > 2 * self.most:
            raise ValueError(f"expected layers of {self.most} parameters, as theta has, got more")
        return np.full(shape, 0.6)


def _arrays(content: bytes, name: str) -> dict[str, Any]:
    """Return the file's members. A member is stored as it is: none can be larger than the file."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in file.zip.infolist()):
                raise ValueError("compressed")
            return dict(file)
    except MemoryError:
        raise
    except Exception as error:  # a damaged file can fail anywhere in zip and NumPy's format
        raise InputError(f"{name}: expected a trained network, a run's checkpoint.npz") from error


def _description(told: Any) -> Description:
    """Return what network.json tells. Raises ValueError."""
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise ValueError(f"format: expected {FORMAT!r}")
    if told.get("version") != VERSION:
        raise ValueError(
            f"version: expected {VERSION}, got {told.get('version')!r}; another version of this"
            " program wrote it"
        )
    layers, shapes = [], []
    told_layers = msgspec.convert(told["layers"], list[dict[str, Any]])
    if len(told_layers) > MOST_LAYERS:
        raise ValueError(f"layers: expected at most {MOST_LAYERS}, got {len(told_layers)}")
    for layer in told_layers:
        told_of = dict(layer)
        shapes.append(msgspec.convert(told_of.pop("out_shape"), tuple[int, ...]))
        name = told_of.pop("name")
        if name not in LAYERS:
            raise ValueError(f"layers: unknown {name!r}; known: {', '.join(LAYERS)}")
        layers.append(msgspec.convert(told_of, LAYERS[name]))
    rest = {field.name for field in dataclasses.fields(Description)} - {"layers", "shapes"}
    known = {key: value for key, value in told.items() if key in rest}
    rest_of_it = msgspec.convert(known | {"layers": [], "shapes": []}, Description)
    if prod(rest_of_it.in_shape) > MOST_PIXELS:
        raise ValueError(f"in_shape: expected at most {MOST_PIXELS} numbers")
    names = rest_of_it.class_names
    if len(set(names)) < len(names) or not all(name and name.isprintable() for name in names):
        raise ValueError(f"class_names: expected printable names that differ, got {names!a}")
    return dataclasses.replace(rest_of_it, layers=tuple(layers), shapes=tuple(shapes))


def _restore(network: Sequential, description: Description, arrays: Arrays) -> None:
    """Put the arrays into a network. Raises ValueError if they are another network's."""
    shapes, classes = list(description.shapes), len(description.class_names)
    if network.shapes[1:] != shapes:
        raise ValueError(f"out_shape: expected {network.shapes[1:]}, got {shapes}")
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise ValueError(f"expected arrays and {DESCRIPTION} alone, got another file among them")
    expected, found = (
        {name: (array.shape, array.dtype.str) for name, array in some.items()}
        for some in (network.state(), arrays)
    )
    if (size := prod(network.out_shape)) != classes:
        raise ValueError(f"class_names: expected {size}, got {classes}")
    if expected != found:
        raise ValueError(f"expected arrays of {expected}, got {found}")
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{name}: expected finite numbers")
    network.restore(arrays)
