"""docs/extending.md: every example is run as it stands, and does what the page says."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml

from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.models import Model, resolve_models
from cnn_from_scratch.experiment.params import Split, Train, load_params
from cnn_from_scratch.experiment.run import train_run
from cnn_from_scratch.nn import initializers, layers, networks, optimizers, schedules
from cnn_from_scratch.nn.layers import Dense
from tests.nn.gradient_check import check_layer
from tests.workflow.project import ROOT

PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
SETTINGS = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
REGISTRIES: list[dict[Any, Any]] = [
    layers.LAYERS,
    optimizers.OPTIMIZERS,
    initializers.INITIALIZERS,
    networks.NETWORKS,
    schedules.SCHEDULES,
]


@pytest.fixture(autouse=True)
def examples(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Run all examples in a module, and put the registries back afterwards."""
    before = [dict(registry) for registry in REGISTRIES]
    module = ModuleType("examples")
    monkeypatch.setitem(sys.modules, "examples", module)
    for example in EXAMPLES:
        exec(compile(example, "docs/extending.md", "exec"), module.__dict__)
    yield module
    for registry, known in zip(REGISTRIES, before, strict=True):
        registry.clear()
        registry.update(known)


def resolve(model: dict[str, Any], folder: Path) -> Model:
    """Return a model as params.yaml would give it."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    file = folder / "params.yaml"
    file.write_text(yaml.safe_dump(params | {"models": {"mine": model}}), encoding="utf-8")
    return resolve_models(load_params(file))["mine"]


def train(model: Model) -> list[float]:
    """Train on twelve random images of three classes, and return the training losses."""
    rng = np.random.RandomState(0)
    dataset = Dataset(X=rng.rand(12, 1, 6, 6), y=np.arange(12) % 3 + 1, num_classes=3)
    split = Split("resubstitution", validation_fraction=0.5)
    run = train_run(model, 0, dataset, split, Train(epochs=60, batch_size=None))
    return [epoch.train.loss for epoch in run.fit.history]


def test_each_registry_has_an_example() -> None:
    added = [len(registry) for registry in REGISTRIES]
    assert len(EXAMPLES) == len(REGISTRIES)
    assert all(name in PAGE for name in ("LAYERS", "OPTIMIZERS", "NETWORKS", "SCHEDULES"))
    assert added == [11, 8, 6, 4, 4]


def test_the_layer_has_the_right_gradient(examples: ModuleType) -> None:
    x = np.random.RandomState(0).standard_normal((3, 2, 4, 4))
    x = x + np.sign(x) * 0.1  # away from the kink
    check_layer(examples.LeakyReLU(slope=0.1), {}, {}, x, np.random.RandomState(1))


def test_the_layer_trains_in_the_stack_shown(examples: ModuleType, tmp_path: Path) -> None:
    network = yaml.safe_load(SETTINGS[0])["network"]
    model = resolve({"network": network, "optimizer": {"name": "adam"}}, tmp_path)
    assert examples.LeakyReLU(slope=0.1) in model.network.layers(3)
    losses = train(model)
    assert losses[-1] < 0.5 * losses[0]


def test_the_model_shown_trains(examples: ModuleType, tmp_path: Path) -> None:
    """It has the network, the optimizer and the schedule of the examples."""
    shown = yaml.safe_load(SETTINGS[1])["models"]["mine"]
    model = resolve(shown, tmp_path)
    assert model == Model(examples.MLP(12), examples.SignSGD(0.003), examples.InverseTime())
    losses = train(model)
    assert losses[-1] < 0.5 * losses[0]


def test_the_initializer_has_its_variance() -> None:
    """The registry is what layers look it up in."""
    layer = Dense(200, weight_init="he_uniform")  # type: ignore[arg-type]
    weights = layer.init((300,), np.random.RandomState(0)).params["W"]
    assert np.abs(weights).max() <= np.sqrt(6.0 / 300)
    assert weights.var() == pytest.approx(2.0 / 300, rel=0.02)


def test_the_overrides_shown_name_keys_of_the_study() -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for sign, path in re.findall(r"-S '?([+~]?)([\w.-]+)", PAGE):
        value = params
        *parents, key = path.split(".")
        for parent in parents:
            value = value.get(parent, {})
        assert (key in value) == (sign != "+"), path
