"""Settings as JSON: what params.yaml would say, with all that it may leave out."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from cnn_from_scratch.nn.architectures import ARCHITECTURES
from cnn_from_scratch.nn.layers import LAYERS
from cnn_from_scratch.nn.optimizers import OPTIMIZERS
from cnn_from_scratch.nn.schedules import SCHEDULES

_REGISTRIES: tuple[Mapping[str, type], ...] = (ARCHITECTURES, LAYERS, OPTIMIZERS, SCHEDULES)


def name_of(kind: type) -> str | None:
    """Return what params.yaml calls an architecture, a layer, an optimizer or a schedule."""
    found = (name for registry in _REGISTRIES for name in registry if registry[name] is kind)
    return next(found, None)


def settings(value: Any) -> Any:
    """Return a setting as JSON; what params.yaml has a name for is a mapping with that name."""
    if isinstance(value, tuple):
        return [settings(part) for part in value]
    if not dataclasses.is_dataclass(value):
        return value
    of_fields = {f.name: settings(getattr(value, f.name)) for f in dataclasses.fields(value)}
    name = name_of(type(value))
    return of_fields if name is None else {"name": name, **of_fields}
