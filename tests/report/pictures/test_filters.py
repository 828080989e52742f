"""The picture of a run's insides: which run, its kernels, and the maps of each step."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from matplotlib.figure import Figure

from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.nn import layers as nn
from cnn_from_scratch.nn.architectures import EnhancedCNN, SimpleCNN
from cnn_from_scratch.nn.losses import softmax
from cnn_from_scratch.nn.network import NUMPY, Sequential
from cnn_from_scratch.report.outputs import TrainedNetwork
from cnn_from_scratch.report.pictures.filters import filters_figure, layer_outputs
from tests.experiment.studies import stripes
from tests.report.pictures.texts import covered_texts, cut_off, text_overlaps

DATASET = stripes()


def network(layers: Sequence[nn.Layer], shape: tuple[int, ...] = (1, 6, 6)) -> Sequential:
    return Sequential(layers, shape, np.random.RandomState, NUMPY)


def random_dataset(shape: tuple[int, ...], num_classes: int) -> Dataset:
    rng = np.random.RandomState(0)
    labels = np.arange(2 * num_classes, dtype=np.int64) % num_classes
    names = tuple(f"class {k}" for k in range(num_classes))
    return Dataset(X=rng.rand(len(labels), *shape), y=labels, class_names=names)


def picture(net: Sequential, dataset: Dataset = DATASET, model: str = "A") -> Figure:
    return filters_figure(TrainedNetwork(net, model, 0), dataset, "holdout")


def drawn(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.axes[0].texts)


def tiles(figure: Figure) -> list[list[list[float]]]:
    return [np.asarray(image.get_array()).tolist() for image in figure.axes[0].images]


def test_the_steps_are_what_the_layers_make_of_the_images() -> None:
    layers: list[nn.Layer] = [
        nn.Conv2D(3, 3),
        nn.BatchNorm(),
        nn.ReLU(),
        nn.MaxPool2D(2),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Dense(5),
        nn.Tanh(),
        nn.Dense(3),
    ]
    net = network(layers)
    net.buffers[1]["running_mean"][:] = 0.25  # so that evaluation is not training
    found = layer_outputs(net, DATASET.X)
    assert [step.name.splitlines() for step in found] == [
        ["input"],
        ["Conv2D", "BatchNorm", "ReLU"],
        ["MaxPool2D"],
        ["Dense", "Tanh"],
        ["Dense", "logits"],
        ["softmax", "probabilities"],
    ]
    for step, length in zip(found, (0, 3, 4, 8, 9), strict=False):
        partial = network(layers[:length])
        partial.restore(net.state() | {"theta": net.theta[: partial.theta.size]})
        np.testing.assert_array_equal(step.values, partial.forward(DATASET.X)[0])
    np.testing.assert_array_equal(found[-1].values, softmax(net.forward(DATASET.X)[0]))


@pytest.mark.parametrize("architecture", [SimpleCNN(), EnhancedCNN()])
def test_the_logits_of_a_convolution_are_one_vector(architecture: SimpleCNN | EnhancedCNN) -> None:
    net = network(architecture.layers(3))
    *_, logits, _ = layer_outputs(net, DATASET.X)
    np.testing.assert_array_equal(logits.values, net.forward(DATASET.X)[0])
    assert logits.name.splitlines()[-1] == "logits"


def test_every_kernel_is_drawn_once_and_so_is_every_map() -> None:
    net = network(EnhancedCNN().layers(3))
    figure = filters_figure(TrainedNetwork(net, "mine", 3), DATASET, "holdout")
    assert "mine, seed 3" in drawn(figure)
    found = tiles(figure)
    for i in (0, 2, 4):
        for kernel in net.params[i]["W"].reshape(-1, *net.params[i]["W"].shape[2:]):
            assert found.count(kernel.tolist()) == 1
    samples = [int(line.split()[1]) for line in drawn(figure).splitlines() if "sample " in line[:7]]
    assert [int(DATASET.y[i]) for i in samples] == [0, 1, 2]
    for step in layer_outputs(net, DATASET.X[samples]):
        maps = step.values if step.values.ndim == 4 else step.values[:, None, None]
        for image in maps.reshape(-1, *maps.shape[2:]):
            assert image.tolist() in found


def test_the_first_right_sample_of_a_class_is_drawn_or_else_its_first() -> None:
    """The logits are the two pixels; no sample of class b gets the right label."""
    pixels = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 0.5], [1.0, 0.75]])
    labels = np.array([0, 0, 1, 1])
    dataset = Dataset(X=pixels.reshape(4, 2, 1, 1), y=labels, class_names=("a", "b"))
    text = drawn(picture(network([nn.Flatten()], (2, 1, 1)), dataset))
    for expected in (
        "label a\nsample 1",
        "label b\nsample 2",
        "called a\nat 73%",
        "called a\nat 62%",
    ):
        assert expected in text
    assert text.count("\nsample ") == 2


def test_a_network_of_float32_is_drawn_like_one_of_float64() -> None:
    layers = SimpleCNN().layers(3)
    narrow = Sequential(layers, (1, 6, 6), np.random.RandomState, NUMPY, "float32")
    assert narrow.theta.dtype == np.float32
    wide = Sequential(layers, (1, 6, 6), np.random.RandomState, NUMPY)
    wide.theta[:] = narrow.theta
    for ours, theirs in zip(tiles(picture(narrow)), tiles(picture(wide)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


def test_a_network_without_a_convolution_says_so() -> None:
    figure = picture(network([nn.Flatten(), nn.Dense(3)]))
    assert "None: this network has no convolution." in drawn(figure)
    with_one = picture(network(SimpleCNN().layers(3)))
    assert "no convolution" not in drawn(with_one)


@dataclass(frozen=True)
class Case:
    """A network that params.yaml can name, and what is said of the parts left out."""

    layers: list[nn.Layer]
    shape: tuple[int, ...]
    num_classes: int
    said: tuple[str, ...] = ()


CASES = {
    "simple": Case(SimpleCNN(batch_norm=True, dropout=0.5).layers(3), (1, 6, 6), 3),
    "enhanced": Case(EnhancedCNN(batch_norm=True).layers(10), (1, 6, 6), 10, ("4 of 10 outputs",)),
    "flat": Case([nn.Flatten(), nn.Dense(2)], (1, 6, 6), 2),
    "dense": Case(
        [nn.Flatten(), nn.Dense(64), nn.BatchNorm(), nn.Sigmoid(), nn.Dense(3)],
        (1, 6, 6),
        3,
        ("10 of 64 numbers",),
    ),
    "no weights": Case([nn.MaxPool2D(6), nn.Flatten()], (2, 6, 6), 2),
    "nothing but flat": Case([nn.Flatten()], (2, 1, 1), 2),
    "large": Case(
        [
            nn.BatchNorm(),
            nn.Conv2D(8, 5),
            nn.ReLU(),
            nn.AvgPool2D(2),
            nn.Conv2D(8, 3),
            nn.ReLU(),
            nn.Conv2D(8, 3),
            nn.ReLU(),
            nn.Conv2D(8, 1),
            nn.ReLU(),
            nn.Conv2D(8, 1),
            nn.Tanh(),
            nn.Flatten(),
            nn.Dense(12),
        ],
        (3, 28, 20),
        12,
        (
            "4 of 8 maps, 24x16",
            "4 of 8 outputs, 3 inputs",
            "10 of 12 numbers",
            "The first 4 of 5 convolutions.",
            "first 6 of 8 steps",
            "first 10 of 12",
        ),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_any_network_is_drawn_legibly(case: Case) -> None:
    dataset = random_dataset(case.shape, case.num_classes)
    figure = picture(network(case.layers, case.shape), dataset, "Model-1")
    text = " ".join(drawn(figure).split())
    for part in case.said:
        assert part in text
    assert text_overlaps(figure) == []
    assert covered_texts(figure) == []
    assert cut_off(figure) == []
    width, height = figure.get_size_inches()
    assert width < 21 and height < 12
