"""Settings as JSON, under the names that params.yaml has."""

from typing import Any

import pytest

from cnn_from_scratch.experiment.params import Augmentation, Train
from cnn_from_scratch.experiment.settings import name_of, settings
from cnn_from_scratch.nn.architectures import ARCHITECTURES, SimpleCNN, Stack
from cnn_from_scratch.nn.layers import LAYERS, Conv2D, Flatten
from cnn_from_scratch.nn.optimizers import OPTIMIZERS, SGD
from cnn_from_scratch.nn.schedules import SCHEDULES


@pytest.mark.parametrize("registry", [ARCHITECTURES, LAYERS, OPTIMIZERS, SCHEDULES])
def test_each_kind_has_its_name(registry: dict[str, Any]) -> None:
    assert {name: name_of(kind) for name, kind in registry.items()} == {n: n for n in registry}
    assert name_of(Train) is None


def test_defaults_are_written_out() -> None:
    assert settings(SGD(lr=0.5)) == {"name": "sgd", "lr": 0.5, "weight_decay": 0.0}
    assert settings(SimpleCNN())["activate_logits"] is True


def test_what_is_nested_is_a_mapping_too() -> None:
    told = settings(Stack((Conv2D(2, 3), Flatten())))
    assert [layer["name"] for layer in told["stack"]] == ["conv2d", "flatten"]
    train = settings(Train(3, None, Augmentation(shift=1)))
    assert train["augment"]["shift"] == 1
    assert "name" not in train
