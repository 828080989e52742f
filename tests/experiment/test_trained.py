"""A trained network's file: it says all that is needed to use it, and is refused if it does not."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.experiment.params import DType, Train
from cnn_from_scratch.experiment.run import Run, train_run
from cnn_from_scratch.experiment.trained import DESCRIPTION, read_trained, trained_bytes
from cnn_from_scratch.nn.architectures import ARCHITECTURES, LeNet, Stack
from cnn_from_scratch.nn.layers import LAYERS, Dropout, Flatten, Standardize, Tanh
from cnn_from_scratch.nn.losses import softmax
from cnn_from_scratch.nn.numerics import NumericsName
from cnn_from_scratch.nn.optimizers import Adam
from tests.experiment.studies import HOLDOUT, SIMPLE, stripes

TRAIN = Train(epochs=2, batch_size=8)


def trained(model: Model = SIMPLE, train: Train = TRAIN, data: Dataset | None = None) -> Run:
    return train_run(model, 3, stripes() if data is None else data, HOLDOUT, train)


def content_of(run: Run) -> bytes:
    return trained_bytes(run.description, run.checkpoint)


@pytest.fixture(scope="module")
def content() -> bytes:
    return content_of(trained())


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, member in files.items():
            archive.writestr(name, member)
    return stream.getvalue()


def changed(content: bytes, **told: Any) -> bytes:
    """Return the file with other entries in its description."""
    files = members(content)
    files[DESCRIPTION] = json.dumps(json.loads(files[DESCRIPTION]) | told).encode()
    return packed(files)


def test_it_says_what_it_is(content: bytes) -> None:
    told = json.loads(members(content)[DESCRIPTION])
    assert told == {
        "format": "cnn-from-scratch network",
        "version": 1,
        "architecture": {
            "name": "simple",
            "activation": "sigmoid",
            "activate_logits": False,
            "pool": "max",
            "init": "published",
            "batch_norm": False,
            "dropout": 0.0,
        },
        "layers": told["layers"],
        "in_shape": [1, 6, 6],
        "class_names": ["1", "2", "3"],
        "dtype": "float64",
        "numerics": "portable",
        "preparation": {
            "scale": 1.0,
            "ground": None,
            "ink_height": None,
            "ink_width": None,
            "centred": "box",
        },
    }
    assert [(layer["name"], layer["out_shape"]) for layer in told["layers"]] == [
        ("conv2d", [3, 4, 4]),
        ("sigmoid", [3, 4, 4]),
        ("max_pool2d", [3, 2, 2]),
        ("conv2d", [3, 1, 1]),
        ("flatten", [3]),
    ]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_network_that_is_read_is_the_one_that_was_trained(
    name: str, standardize: bool, dtype: DType
) -> None:
    shape = (1, 12, 12)
    kinds: dict[str, Any] = {
        "stack": Stack((Flatten(), Tanh(), Dropout(0.5), LeNet().layers(3)[-1])),
        "lenet": LeNet(3, 3),
    }
    architecture = kinds.get(name) or ARCHITECTURES[name]()
    numerics: NumericsName = "portable" if dtype == "float64" else "native"
    train = replace(TRAIN, standardize=standardize, dtype=dtype, numerics=numerics)
    data = stripes(shape=shape)
    run = trained(Model(architecture, Adam()), train, data)
    read = read_trained(content_of(run), "a file")
    assert read.description == run.description
    assert read.network.theta.dtype == dtype
    assert {k: v.tobytes() for k, v in read.network.state().items()} == {
        k: v.tobytes() for k, v in run.checkpoint.items()
    }
    assert data.X_test is not None
    probabilities = read.probabilities(data.X_test)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-6)
    labels = data.names(probabilities.argmax(axis=1))
    assert labels == run.predictions["test"].predicted
    logits = read.network.forward(data.X_test.astype(dtype))[0]
    np.testing.assert_allclose(probabilities, softmax(logits), rtol=1e-4, atol=1e-6)


def test_every_layer_can_be_written_and_read() -> None:
    """What the layers of architectures do not show: a layer with lists of numbers."""
    assert set(LAYERS.values()) > {Standardize}
    layer = Standardize((0.1, 0.2), (1.0, 1e-3))
    stack = Stack((layer, *SIMPLE.architecture.layers(3)))
    run = trained(Model(stack, Adam()), data=stripes(shape=(2, 6, 6)))
    assert read_trained(content_of(run), "a file").description.layers[0] == layer


PICKLE = b"\x80\x04K\x01."
BAD: dict[str, Any] = {
    "empty": lambda content: b"",
    "no archive": lambda content: b"PK, and no archive",
    "a pickle": lambda content: PICKLE,
    "an array": lambda content: members(content)["theta.npy"],
    "cut off": lambda content: content[:-30],
    "compressed": lambda content: packed(members(content), zipfile.ZIP_DEFLATED),
    "with a pickle": lambda content: packed(
        members(content)
        | {
            "theta.npy": b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': "
            b"False, 'shape': (1,), }".ljust(127)
            + b"\n"
            + PICKLE
        }
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_trained_network_is_refused(bad: str, content: bytes) -> None:
    with pytest.raises(InputError) as error:
        read_trained(BAD[bad](content), "a file")
    assert str(error.value) == "a file: expected a trained network, a run's checkpoint.npz"


def test_a_file_in_place_of_an_array_is_refused(content: bytes) -> None:
    files = members(content)
    del files["theta.npy"]
    with pytest.raises(InputError, match=r"^a file: network.json: "):
        read_trained(packed(files | {"theta": b"\0"}), "a file")
    with pytest.raises(InputError, match=r"network.json: expected arrays and network.json alone"):
        read_trained(packed(members(content) | {"other": b"\0"}), "a file")


def test_one_that_does_not_describe_itself_is_refused(content: bytes) -> None:
    files = members(content)
    del files[DESCRIPTION]
    with pytest.raises(InputError) as error:
        read_trained(packed(files), "a file")
    assert str(error.value) == (
        "a file: expected a trained network with network.json in it, found none"
    )


STRANGE: list[tuple[dict[str, Any], str]] = [
    ({"format": "other"}, "format: expected 'cnn-from-scratch network'"),
    (
        {"version": 2},
        "version: expected 1, got 2; another version of this program wrote it",
    ),
    ({"layers": [{"name": "attention", "out_shape": [3]}]}, "layers: unknown 'attention'; known: "),
    ({"layers": [{"name": "flatten"}]}, "'out_shape'"),
    ({"layers": 3}, "Expected `array`, got `int`"),
    ({"layers": [{"name": "flatten", "out_shape": [36]}]}, "class_names: expected 36, got 3"),
    ({"dtype": "float32"}, "expected arrays of "),
    ({"layers": [{"name": "flatten", "out_shape": [35]}]}, "out_shape: expected [(36,)], got "),
    ({"layers": [{"name": "dropout", "rate": 2, "out_shape": [1, 6, 6]}]}, "rate: expected a "),
    ({"in_shape": [1, 2, 2]}, "layer 1: "),
    ({"numerics": "exact"}, "Invalid enum value 'exact'"),
    ({"class_names": ["1", 2, "3"]}, "Expected `str`, got `int`"),
    ({"class_names": ["1", "2"]}, "class_names: expected 3, got 2"),
    ({"class_names": ["1", "1", "3"]}, "class_names: expected printable names that differ"),
    ({"class_names": ["1", "\x1b[2J", "3"]}, "class_names: expected printable names that differ"),
    ({"in_shape": [1, 1 << 20, 1 << 20]}, "in_shape: expected at most 16777216 numbers"),
    (
        {"layers": [{"name": "relu", "out_shape": [1, 6, 6]}] * 1001},
        "layers: expected at most 1000",
    ),
    (
        {
            "layers": [
                {"name": "flatten", "out_shape": [36]},
                {"name": "dense", "out_features": 10**10, "out_shape": [10**10]},
            ]
        },
        "layer 2: Dense(out_features=10000000000, weight_init='published'): expected layers of 69",
    ),
    ({"preparation": {"scale": 1.0, "ground": 0.0, "ink_height": 0}}, "ink_height: expected a "),
    ({"preparation": {"scale": 0.0}}, "scale: expected a number above 0"),
]


@pytest.mark.parametrize(("told", "why"), STRANGE)
def test_a_description_that_does_not_fit_is_one_line(
    told: dict[str, Any], why: str, content: bytes
) -> None:
    with pytest.raises(InputError) as error:
        read_trained(changed(content, **told), "a file")
    assert str(error.value).startswith(f"a file: network.json: {why}")
    assert "\n" not in str(error.value)


def test_numbers_that_are_not_finite_are_refused() -> None:
    run = trained()
    run.checkpoint["theta"][5] = np.nan
    with pytest.raises(InputError, match=r"^a file: network.json: theta: expected finite numbers$"):
        read_trained(content_of(run), "a file")


def test_random_damage_is_one_line_or_the_same_network(content: bytes, tmp_path: Path) -> None:
    """Most bytes are guarded by the archive's checksums."""
    rng = np.random.RandomState(0)
    theta = read_trained(content, "a file").network.theta
    for _ in range(300):
        damaged = bytearray(content)
        damaged[rng.randint(len(content))] ^= 1 << rng.randint(8)
        try:
            read = read_trained(bytes(damaged), "a file")
        except InputError as error:
            assert "\n" not in str(error)
        else:
            np.testing.assert_array_equal(read.network.theta, theta)
