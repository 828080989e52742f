"""Whole networks as ONNX models: what they compute, and what else they say."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest

from cnn_from_scratch.arithmetic.arrays import Array, Shape
from cnn_from_scratch.experiment.dataset import Chosen, Dataset, load_dataset
from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.params import load_params
from cnn_from_scratch.experiment.records import run_folder
from cnn_from_scratch.experiment.trained import read_trained
from cnn_from_scratch.export.onnx import to_onnx
from cnn_from_scratch.nn.architectures import Architecture, SimpleCNN
from cnn_from_scratch.nn.layers import Flatten, ReLU
from cnn_from_scratch.nn.losses import softmax
from cnn_from_scratch.nn.training import predict
from cnn_from_scratch.report.runs import read_named_record
from tests.export.runtime import check_agrees, outputs, trained
from tests.nn.test_architectures import BEYOND, SIZES
from tests.workflow.project import ROOT

# All architectures: with every setting for images of one size, and for images of other sizes.
ONE_SIZE: dict[str, Shape] = {"LeNet": (1, 28, 28), "VGGSmall": (3, 32, 32)}
NETWORKS = [
    *((architecture, ONE_SIZE.get(type(architecture).__name__, (1, 6, 6)), 3)
      for architecture, _ in BEYOND),
    *((architecture, shapes[0], 10) for architecture, shapes, _ in SIZES),
]  # fmt: skip


@pytest.mark.parametrize(("architecture", "in_shape", "num_classes"), NETWORKS, ids=str)
@pytest.mark.parametrize(("dtype", "off"), [("float64", 1e-12), ("float32", 1e-5)])
def test_every_architecture(
    architecture: Architecture, in_shape: Shape, num_classes: int, dtype: str, off: float
) -> None:
    """In float32 the sums of up to 1152 products are rounded in another order, layer by layer."""
    check_agrees(trained(architecture.layers(num_classes), in_shape, dtype), off)


SIMPLE = trained(SimpleCNN().layers(3), (1, 6, 6))


def test_inputs_and_outputs_have_names_types_and_shapes() -> None:
    model = onnx.load_from_string(to_onnx(SIMPLE, "abc", {}).SerializeToString())
    described = {
        value.name: (value.type.tensor_type.elem_type, [d.dim_param or d.dim_value for d in dims])
        for value in (*model.graph.input, *model.graph.output)
        for dims in [value.type.tensor_type.shape.dim]
    }
    assert [value.name for value in model.graph.input] == ["images"]
    assert described == {
        "images": (onnx.TensorProto.DOUBLE, ["N", 1, 6, 6]),
        "logits": (onnx.TensorProto.DOUBLE, ["N", 3]),
        "probabilities": (onnx.TensorProto.DOUBLE, ["N", 3]),
    }


def test_it_keeps_the_names_of_the_classes_and_other_texts() -> None:
    names = ['a "b"', "字", "c, d"]
    model = to_onnx(SIMPLE, names, {"model": "S-Adam", "seed": "3"})
    kept = {prop.key: prop.value for prop in model.metadata_props}
    assert json.loads(kept.pop("class_names")) == names
    assert kept == {"model": "S-Adam", "seed": "3"}


SAME = """
from cnn_from_scratch.export.onnx import to_onnx
from tests.export.test_onnx import SIMPLE
print(to_onnx(SIMPLE, "abc", {"b": "2", "a": "1"}).SerializeToString().hex())
"""


def test_the_same_network_gives_the_same_bytes() -> None:
    """In another process, which hashes otherwise."""
    command = [sys.executable, "-c", SAME]
    environment = os.environ | {"PYTHONHASHSEED": "5", "PYTHONPATH": os.pathsep.join(sys.path)}
    other = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    here = to_onnx(SIMPLE, "abc", {"a": "1", "b": "2"}).SerializeToString()
    assert other.stdout.strip() == here.hex()


def test_exporting_changes_nothing() -> None:
    network = trained(SimpleCNN(batch_norm=True, dropout=0.5).layers(3), (1, 6, 6))
    before = network.state()
    to_onnx(network, "abc", {})
    np.testing.assert_equal(network.state(), before)


@dataclass(frozen=True)
class _OwnReLU(ReLU):
    """A layer of its own."""


def test_a_layer_without_a_form_is_refused() -> None:
    """It is taken for no other layer, not even for the one that it is derived from."""
    with pytest.raises(TypeError, match=r"^_OwnReLU\(\) has no ONNX form$"):
        to_onnx(trained([_OwnReLU()], (3,)), "abc", {})


def test_what_is_no_logit_for_each_class_is_refused() -> None:
    message = r"^expected one logit for each of 2 classes, got an output of shape \(3,\)$"
    with pytest.raises(ValueError, match=message):
        to_onnx(SIMPLE, "ab", {})
    with pytest.raises(ValueError, match=r"\(1, 2, 2\)$"):
        to_onnx(trained([ReLU()], (1, 2, 2)), "a", {})
    to_onnx(trained([Flatten()], (1, 2, 2)), "abcd", {})


def test_other_texts_cannot_hide_the_names_of_the_classes() -> None:
    with pytest.raises(ValueError, match=r"^metadata: expected other keys than class_names,"):
        to_onnx(SIMPLE, "abc", {"class_names": "none"})


# The main study, and the others.
PROJECTS = [".", *sorted(f"studies/{path.parent.name}" for path in ROOT.glob("studies/*/dvc.yaml"))]
DATASETS = [Path("data/dataset.npz"), Path("../../data/dataset.npz")]  # its own, or the main one's


# Of probabilities. Float32's rounding alone puts our own up to 3e-6 from the exact ones.
OFF = {np.dtype("float64"): 1e-6, np.dtype("float32"): 1e-5}


@pytest.mark.release
@pytest.mark.parametrize("project", PROJECTS)
def test_every_run_of_a_study(project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All samples get the probabilities of NumPy's numerics, and the labels of the run's record."""
    monkeypatch.chdir(ROOT / project)
    if not Path("runs").exists():
        pytest.skip(f"{project} has no runs; 'make' and 'make studies' build them")
    params = load_params()
    dataset = load_dataset(next(filter(Path.exists, DATASETS)))
    for name, model in resolve_models(params).items():
        for seed in params.seeds:
            files = read_named_record(params, name, model, seed, dataset)
            network = read_trained(files["checkpoint.npz"], f"{name}, seed {seed}").network
            exported = to_onnx(network, dataset.class_names, {})
            file = run_folder(name, seed) / "predictions.csv"
            recorded = pd.read_csv(file, dtype=str, keep_default_na=False)
            for split, images in images_of(dataset).items():
                pixels = images.astype(network.theta.dtype)
                _, probabilities = outputs(exported, pixels)
                expected = softmax(predict(network, pixels))
                np.testing.assert_allclose(probabilities, expected, rtol=0, atol=OFF[pixels.dtype])
                rows = recorded[recorded["split"] == split]
                answers = probabilities[rows["index"].astype(int)].argmax(axis=1)
                assert dataset.names(answers) == rows["predicted"].tolist(), (name, seed, split)


def images_of(dataset: Dataset) -> dict[str, Array]:
    """Return all that validation samples are taken from, and the test samples, if there are any."""
    parts = {"val": dataset.X, "test": dataset.X_test}
    return {
        split: Chosen(images, np.arange(len(images)), dataset.scale, "float64")[:]
        for split, images in parts.items()
        if images is not None
    }
