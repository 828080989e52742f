"""The JSON schema of params.yaml, by which editors complete its keys and mark mistakes.

It is made from the classes that the file is read into, so it knows their keys and types; their
docstrings become the descriptions. `load_params` says the rest: the ranges of numbers, and what no
schema can say, such as that weights add up to 0.
"""

import json
from inspect import cleandoc
from pathlib import Path
from typing import Any

import msgspec

from cnn_from_scratch.data.sources import SOURCES
from cnn_from_scratch.experiment.params import (
    MODEL_NAME,
    NO_NAMES,
    OWN_TRAIN,
    SECTIONS,
    Augmentation,
    Convert,
    ModelParams,
    Split,
    Train,
)
from cnn_from_scratch.nn.architectures import ARCHITECTURES
from cnn_from_scratch.nn.layers import LAYERS
from cnn_from_scratch.nn.optimizers import OPTIMIZERS
from cnn_from_scratch.nn.schedules import SCHEDULES

Schema = dict[str, Any]

FILE = Path(__file__).resolve().parents[1] / "docs" / "params.schema.json"
CASES = (str.lower, str.capitalize, str.upper)


def params_schema() -> Schema:
    """Return the schema of the whole file."""
    plain = definitions([Convert, Split, Train, Augmentation, ModelParams])
    model, train = plain["ModelParams"], plain["Train"]["properties"]
    model["properties"] |= {
        "architecture": one_of("architecture", ARCHITECTURES),
        "optimizer": one_of("optimizer", OPTIMIZERS),
        "schedule": one_of("schedule", SCHEDULES),
        "train": closed({key: train[key] for key in OWN_TRAIN}),
    }
    del model["properties"]["split"]  # no model sets its own
    model["required"] = ["architecture", "optimizer"]
    plain["Convert"]["properties"]["source"] = one_of("source", SOURCES)
    named = {
        f"{kind}.{name}": definition
        for kind, registry in (
            ("architecture", ARCHITECTURES),
            ("optimizer", OPTIMIZERS),
            ("schedule", SCHEDULES),
            ("layer", LAYERS),
            ("source", SOURCES),
        )
        for name, definition in named_definitions(registry).items()
    }
    named["architecture.stack"]["properties"]["stack"] = array(one_of("layer", LAYERS))
    for name in OPTIMIZERS:
        rate = named[f"optimizer.{name}"]["properties"]["lr"]
        rate["type"] = ["number", "array"]
        rate["items"] = {"type": "number"}
    seed = {"type": "integer", "minimum": 0}
    seeds = array(seed) | {"uniqueItems": True}
    plain["Split"]["properties"]["seed"]["anyOf"].append(seeds)
    contrast = {"type": "object", "additionalProperties": {"type": "number"}}
    sections = {
        "convert": reference("Convert"),
        "seeds": seeds,
        "split": reference("Split"),
        "train": reference("Train"),
        "models": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {
                "pattern": f"^{MODEL_NAME}$",
                "not": {"enum": [case(w) for w in NO_NAMES for case in CASES]},
            },
            "additionalProperties": reference("ModelParams"),
        },
        "contrasts": {"type": "object", "additionalProperties": contrast},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "params.yaml of cnn-from-scratch",
        **closed(sections, required=[*SECTIONS]),
        "$defs": plain | named,
    }


def definitions(kinds: list[Any]) -> dict[str, Schema]:
    """Return the schema of each dataclass by its name; other keys than its fields are wrong."""
    _, found = msgspec.json.schema_components(
        kinds, schema_hook=lambda _: {"type": "object"}, ref_template="#/$defs/{name}"
    )
    for definition in found.values():
        definition["additionalProperties"] = False
        definition["description"] = cleandoc(definition["description"])
    return json.loads(json.dumps(found))  # as the file has it: lists, where defaults are tuples


def named_definitions(registry: dict[str, Any]) -> dict[str, Schema]:
    """Return the schema of each class of a registry, by the name that stands in the file."""
    result = {}
    for name, kind in registry.items():
        definition = definitions([kind])[kind.__name__]
        definition["properties"] = {"name": {"const": name}, **definition["properties"]}
        definition["required"] = ["name", *definition["required"]]
        result[name] = definition
    return result


def one_of(kind: str, registry: dict[str, Any]) -> Schema:
    """Return the schema of any class of a registry."""
    return {"oneOf": [reference(f"{kind}.{name}") for name in registry]}


def reference(name: str) -> Schema:
    """Return a reference to a definition."""
    return {"$ref": f"#/$defs/{name}"}


def array(items: Schema) -> Schema:
    """Return the schema of a list that is not empty."""
    return {"type": "array", "items": items, "minItems": 1}


def closed(properties: Schema, required: list[str] | None = None) -> Schema:
    """Return the schema of a mapping with these keys and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": required or [],
        "additionalProperties": False,
    }
