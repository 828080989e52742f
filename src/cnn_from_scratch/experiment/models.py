"""The models: params.yaml's names turned into an architecture, an optimizer and a schedule."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.params import Params, decode_named
from cnn_from_scratch.experiment.params_file import PARAMS_FILE
from cnn_from_scratch.nn.architectures import ARCHITECTURES, Architecture
from cnn_from_scratch.nn.layers import LAYERS
from cnn_from_scratch.nn.optimizers import OPTIMIZERS, Optimizer
from cnn_from_scratch.nn.schedules import SCHEDULES, Schedule
from cnn_from_scratch.nn.training import CONSTANT


@dataclasses.dataclass(frozen=True)
class Model:
    """One row of the study: an architecture, and the optimizer and schedule that train it.

    legacy_skip: as in ModelParams.
    name: what params.yaml calls it; for messages and records.
    """

    architecture: Architecture
    optimizer: Optimizer
    schedule: Schedule = CONSTANT
    legacy_skip: int | None = None
    name: str = dataclasses.field(default="", compare=False)


def resolve_models(params: Params) -> dict[str, Model]:
    """Return every model of the file, in its order. Raises InputError, naming the key path."""
    return {
        name: Model(
            architecture=_architecture(model.architecture, f"models.{name}.architecture"),
            optimizer=decode_named(model.optimizer, OPTIMIZERS, f"models.{name}.optimizer"),
            schedule=decode_named(model.schedule, SCHEDULES, f"models.{name}.schedule"),
            legacy_skip=model.legacy_skip,
            name=name,
        )
        for name, model in params.models.items()
    }


def find_model(params: Params, name: str) -> Model:
    """Return the named model; all are checked. Raises InputError."""
    models = resolve_models(params)
    if name not in models:
        raise _unknown(name, models)
    return models[name]


def find_models(params: Params, name: str) -> dict[str, Model]:
    """Return the named model, or one for each of its learning rates; all are checked.

    Raises InputError.
    """
    models = resolve_models(params)
    found = {full: model for full, model in models.items() if full.partition("/")[0] == name}
    if not found:
        raise _unknown(name, dict.fromkeys(full.partition("/")[0] for full in models))
    return found


def _unknown(name: str, known: Iterable[str]) -> InputError:
    return InputError(f"--model: unknown {name!r}; {PARAMS_FILE} has {', '.join(known)}")


def default_optimizer(name: str) -> Optimizer:
    """Return the named optimizer with its default hyper-parameters. Raises InputError."""
    if name not in OPTIMIZERS:
        raise InputError(f"--optimizer: unknown {name!r}; known: {', '.join(OPTIMIZERS)}")
    return OPTIMIZERS[name]()


def _architecture(raw: dict[str, Any], path: str) -> Architecture:
    """Return the named architecture; the layers of a stack are named in turn."""
    layers = raw.get("stack")
    if raw.get("name") == "stack" and isinstance(layers, list):
        stack = [
            decode_named(layer, LAYERS, f"{path}.stack[{i}]") for i, layer in enumerate(layers)
        ]
        raw = raw | {"stack": tuple(stack)}
    return decode_named(raw, ARCHITECTURES, path)
