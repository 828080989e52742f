"""The parameters: params.yaml as checked, typed values.

A mistake raises InputError with one line: the file, the path of the key, what was expected and
what was found. A number that stands in quotes is taken as the number meant.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from cnn_from_scratch import InputError
from cnn_from_scratch.checks import AT_LEAST_1, NOT_NEGATIVE, Checked, Range
from cnn_from_scratch.experiment.params_file import PARAMS_FILE, TWO_READINGS, read_params
from cnn_from_scratch.experiment.streams import Purpose

T = TypeVar("T")
DType = Literal["float64", "float32"]
BackendName = Literal["numpy", "compiled"]

SECTIONS = ("seeds", "split", "train", "models")  # that each file has
MORE_SECTIONS = ("convert", "contrasts")
OWN_TRAIN = ("epochs", "batch_size", "augment")  # the keys of `train` that a model may set itself
_WEIGHTS_OFF = 1e-9  # what rounding may leave of a sum of 0, such as 1/3 + 2/3 - 1
INSIDE_0_AND_1 = Range(lambda value: 0 < value < 1, "a number above 0 and below 1")
MODEL_NAME = "[A-Za-z][A-Za-z0-9_-]{0,99}"  # what a DVC stage name, a path and -S can hold
NO_NAMES = ("true", "false", "yes", "no", "on", "off", "y", "n", "null")  # as -S drops quotes
LARGEST_SEED = (1 << 63) - 1  # that a table of runs can hold
LARGEST = (1 << 31) - 1  # whole number: no array has more rows, and none is worth waiting for
_PLAIN_WORDS = {
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    str: "text",
    dict: "a mapping",
    tuple: "a list",
    NoneType: "null",
}


@dataclasses.dataclass(frozen=True)
class HoldOut(Checked):
    """`convert.hold_out`: samples taken out for testing, where a source has no test samples.

    fraction: how many, of each class. seed: what decides which.
    """

    fraction: Annotated[float, INSIDE_0_AND_1]
    seed: Annotated[int, NOT_NEGATIVE]


@dataclasses.dataclass(frozen=True)
class Convert(Checked):
    """`convert`: where the samples come from; `data/sources.py` knows the sources by their names.

    hold_out: None: the source's own test samples, if it has any.
    """

    source: dict[Any, Any]
    hold_out: HoldOut | None = None


@dataclasses.dataclass(frozen=True)
class Split(Checked):
    """`split`: which samples train, and which are held out for validation.

    seed: what decides which; None: the run's seed.
    """

    protocol: Literal["holdout", "resubstitution"]
    validation_fraction: Annotated[float, INSIDE_0_AND_1]
    seed: Annotated[int | None, NOT_NEGATIVE] = None

    def seed_of(self, seed: int) -> int:
        """Return the seed that splits the samples in a run of `seed`."""
        return seed if self.seed is None else self.seed


@dataclasses.dataclass(frozen=True)
class Augmentation(Checked):
    """`train.augment`: how far an image may be changed each time it is trained on.

    flip: left to right, every second image by chance.
    shift: by up to so many whole pixels, in each direction; the same as a random crop after so many
        zeros around the image.
    rotation: by up to so many degrees about the centre, either way.
    noise: SD of normal noise added to each pixel, which then is cut to 0..1.

    An image is flipped, turned, shifted, and given noise, in this order. Shift and rotation are
    uniform draws; what comes in from outside the image is 0.
    """

    shift: Annotated[int, NOT_NEGATIVE] = 0
    rotation: Annotated[float, NOT_NEGATIVE] = 0.0
    noise: Annotated[float, NOT_NEGATIVE] = 0.0
    flip: bool = False


@dataclasses.dataclass(frozen=True)
class Train(Checked):
    """`train`: how a network is trained.

    batch_size: samples that an update sees; None: all.
    augment: how training images are changed; None: not at all.
    standardize: subtract each channel's mean and divide by its SD, both of the training samples, in
        a first layer of the network.
    early_stopping: end after so many epochs without a new low of the validation loss; None: never.
    best_checkpoint: keep the network of the lowest validation loss, not the last one.
    numerics: `portable`, the same bits on every machine, or `native`, NumPy's own and faster.
    dtype: what numbers are computed with; float32 is faster on larger images, and only native.
    backend: `numpy`, or `compiled`: the same layers with loops that Numba compiles.
    init_seed, shuffle_seed, dropout_seed, augment_seed: what decides the initial weights, the order
        of the samples in minibatches, what dropout drops, and how images are changed; None: the
        run's seed. With all but one of these, and `split.seed`, fixed, the seeds show what that one
        does.
    """

    epochs: Annotated[int, AT_LEAST_1]
    batch_size: Annotated[int | None, AT_LEAST_1]
    augment: Augmentation | None = None
    standardize: bool = False
    early_stopping: Annotated[int | None, AT_LEAST_1] = None
    best_checkpoint: bool = False
    numerics: Literal["portable", "native"] = "portable"
    dtype: DType = "float64"
    backend: BackendName = "numpy"
    init_seed: Annotated[int | None, NOT_NEGATIVE] = None
    shuffle_seed: Annotated[int | None, NOT_NEGATIVE] = None
    dropout_seed: Annotated[int | None, NOT_NEGATIVE] = None
    augment_seed: Annotated[int | None, NOT_NEGATIVE] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dtype == "float32" and self.numerics == "portable":
            raise ValueError("dtype: float32 needs numerics: native; portable is float64")

    def seed_of(self, purpose: Purpose, seed: int) -> int:
        """Return the seed of the stream for a purpose in a run of `seed`."""
        own = {
            Purpose.INIT: self.init_seed,
            Purpose.SHUFFLE: self.shuffle_seed,
            Purpose.DROPOUT: self.dropout_seed,
            Purpose.AUGMENT: self.augment_seed,
        }[purpose]
        return seed if own is None else own


def protocol_name(split: Split, train: Train) -> str:
    """Return the protocol, and whether the validation samples helped to choose the network."""
    selected = train.early_stopping is not None or train.best_checkpoint
    return split.protocol + (", network selected on validation" if selected else "")


@dataclasses.dataclass(frozen=True)
class ModelParams(Checked):
    """`models.<name>`: architecture, optimizer and schedule by name; `models.py` knows the names.

    split: the file's `split`, with one of its seeds where that has a list.
    train: the file's `train`, with what the model's own `train` changes in it.
    legacy_skip: start from the kernels of the released script, which `legacy.py` draws; None: from
        streams of our own.
    """

    architecture: dict[Any, Any]
    optimizer: dict[Any, Any]
    split: Split
    train: Train
    schedule: dict[Any, Any] = dataclasses.field(default_factory=lambda: {"name": "constant"})
    legacy_skip: Annotated[int | None, NOT_NEGATIVE] = None


@dataclasses.dataclass(frozen=True)
class Params:
    """The whole file.

    models: with a list of learning rates, one is there once per rate, as <name>/<lr>; with a list
        of seeds for `split.seed`, once per such seed, as <name>/split-<seed>.
    convert: None in a study that takes the main study's dataset.
    contrasts: by name, weighted sums of models, by their names, which add up to 0.
    """

    seeds: tuple[int, ...]
    train: Train
    models: dict[str, ModelParams]
    convert: Convert | None = None
    contrasts: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)


def load_params(file: Path = PARAMS_FILE) -> Params:
    """Read and check the parameters file. Raises InputError."""
    raw = read_params(file)
    _check_keys(raw, (*SECTIONS, *MORE_SECTIONS), SECTIONS, "")
    convert = decode(raw["convert"], Convert, "convert") if "convert" in raw else None
    seeds = _seeds(raw["seeds"])
    splits = _splits(raw["split"])
    train = decode(raw["train"], Train, "train")
    models = _models(raw["models"], raw["train"], splits)
    contrasts = _contrasts(raw.get("contrasts", {}), models)
    if contrasts and len(seeds) < 2:
        raise InputError(_at("seeds: ", "contrasts take at least two seeds"))
    return Params(
        seeds=seeds,
        train=train,
        models=models,
        convert=convert,
        contrasts=contrasts,
    )


def decode(raw: Any, kind: type[T], path: str, owner: str = "") -> T:
    """Return the mapping `raw`, found at `path`, as a `kind` (a dataclass).

    `owner` is the name whose keys these are, for the message about an unknown one. Raises
    InputError.
    """
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]
    required = [f.name for f in fields if f.default is f.default_factory is dataclasses.MISSING]
    _check_keys(raw, [f.name for f in fields], required, path, owner)
    hints = get_type_hints(kind)
    nested = {
        key: decode(value, part, f"{path}.{key}")
        for key, value in raw.items()
        for part in (hints[key], *get_args(hints[key]))
        if isinstance(value, dict) and isinstance(part, type) and dataclasses.is_dataclass(part)
    }
    try:
        result = msgspec.convert(raw | nested, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InputError(_at(f"{path}.", _in_plain_words(str(error), raw, kind))) from error
    for key, value in vars(result).items():
        if isinstance(value, int) and value > LARGEST:
            message = f"{key}: expected a whole number of at most {LARGEST}, got {raw[key]}"
            raise InputError(_at(f"{path}.", message))
    return result


def decode_named(raw: Any, registry: Mapping[str, type[T]], path: str) -> T:
    """Return the registered class that raw["name"] names, made from the other keys.

    Raises InputError, naming the key path.
    """
    if not isinstance(raw, dict):
        raise InputError(_at(f"{path}: ", f"expected a mapping, got {raw!r}"))
    name = raw.get("name")
    if not isinstance(name, str) or name not in registry:
        problem = "missing" if name is None else f"unknown {name!r}"
        raise InputError(_at(f"{path}.name: ", f"{problem}; known: {', '.join(registry)}"))
    settings = {key: value for key, value in raw.items() if key != "name"}
    return decode(settings, registry[name], path, owner=name)


def _check_keys(
    raw: Any, known: Iterable[str], required: Iterable[str], path: str, owner: str = ""
) -> None:
    if not isinstance(raw, dict):
        raise InputError(_at(path and f"{path}: ", f"expected a mapping, got {raw!r}"))
    prefix = f"{path}." if path else ""
    for key in raw:
        if key not in known:
            whose = f"{owner!r} knows" if owner else "known:"
            raise InputError(
                _at(prefix, f"{key}: unknown; {whose} {', '.join(known)}")
                + (f" (to remove it: -S '~{prefix}{key}')" if owner else "")
            )
    for key in required:
        if key not in raw:
            raise InputError(_at(prefix, f"{key}: missing"))


def _in_plain_words(message: str, raw: dict[str, Any], kind: type) -> str:
    """Turn msgspec's message into 'key: expected ..., got ...'."""
    reason, _, where = message.partition(" - at `$")
    key = re.match(r"\.(\w+)", where)
    if key is None:  # from __post_init__, which names the key itself
        return reason
    expected = _expected(get_type_hints(kind)[key[1]])
    return f"{key[1]}: expected {expected}, got {raw[key[1]]!r}"


def _expected(hint: Any) -> str:
    """Return a type in plain words."""
    if get_origin(hint) is Literal:
        return f"one of {', '.join(map(str, get_args(hint)))}"
    if get_origin(hint) is UnionType:
        return " or ".join(map(_expected, get_args(hint)))
    if dataclasses.is_dataclass(hint):
        return "a mapping"
    return _PLAIN_WORDS[get_origin(hint) or hint]


def _at(path: str, message: str) -> str:
    return f"{PARAMS_FILE}: {path}{message}"


def _seeds(raw: Any, path: str = "seeds", largest: int = LARGEST_SEED) -> tuple[int, ...]:
    if not isinstance(raw, list) or not raw:
        raise InputError(_at(f"{path}: ", f"expected a list of at least one seed, got {raw!r}"))
    for i, seed in enumerate(raw):
        if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= largest:
            expected = f"expected a whole number from 0 to {largest}"
            raise InputError(_at(f"{path}[{i}]: ", f"{expected}, got {seed!r}"))
        if seed in raw[:i]:
            raise InputError(_at(f"{path}[{i}]: ", f"{seed} is there twice"))
    return tuple(raw)


def _splits(raw: Any) -> dict[str, Split]:
    """Return the split, or if its seed is a list, one for each: by what ends a model's name."""
    seeds: Any = raw.get("seed") if isinstance(raw, dict) else None
    if not isinstance(seeds, list):
        return {"": decode(raw, Split, "split")}
    return {
        f"/split-{seed}": decode(raw | {"seed": seed}, Split, "split")
        for seed in _seeds(seeds, "split.seed", LARGEST)
    }


def _models(raw: Any, train: dict[Any, Any], splits: Mapping[str, Split]) -> dict[str, ModelParams]:
    if not isinstance(raw, dict) or not raw:
        raise InputError(_at("models: ", f"expected a mapping of at least one model, got {raw!r}"))
    _check_names(raw)
    return {
        f"{full_name}{end}": _model(model, train, split, f"models.{name}")
        for name, models in raw.items()
        for full_name, model in _grid(name, models)
        for end, split in splits.items()
    }


def _check_names(names: Iterable[Any]) -> None:
    """Check that each name is one folder's on every system, and the same after -S."""
    seen: dict[str, str] = {}
    for name in names:
        expected = ""
        if not isinstance(name, str) or not re.fullmatch(MODEL_NAME, name):
            expected = "names of at most 100 letters, digits, '-' and '_' that begin with a letter"
        elif name.lower() in NO_NAMES:
            expected = f"other names than {', '.join(NO_NAMES)}, even in quotes, which -S drops"
        elif (twin := seen.setdefault(name.lower(), name)) != name:
            expected = f"names that differ by more than capitals from {twin!r}"
        if expected:
            raise InputError(_at("models: ", f"expected {expected}, got {name!r}"))


def _model(model: Any, train: dict[Any, Any], split: Split, path: str) -> ModelParams:
    """Return the model with the file's `train`, but for the keys that it sets itself."""
    known = [field.name for field in dataclasses.fields(ModelParams) if field.name != "split"]
    _check_keys(model, known, (), path)
    own: dict[Any, Any] = model.get("train", {})
    _check_keys(own, OWN_TRAIN, (), f"{path}.train")
    return decode(model | {"train": train | own, "split": split}, ModelParams, path)


def _grid(name: str, model: Any) -> list[tuple[str, Any]]:
    """Return the model, or if its learning rate is a list, one for each: <name>/<lr>."""
    optimizer: Any = model.get("optimizer") if isinstance(model, dict) else None
    rates: Any = optimizer.get("lr") if isinstance(optimizer, dict) else None
    if not isinstance(rates, list):
        return [(name, model)]
    path = f"models.{name}.optimizer.lr"
    if not rates:
        raise InputError(_at(f"{path}: ", "expected a number, or a list of at least one, got []"))
    numbers = [_number(lr, f"{path}[{i}]") for i, lr in enumerate(rates)]
    for i, lr in enumerate(numbers):
        if lr in numbers[:i]:
            raise InputError(_at(f"{path}[{i}]: ", f"{rates[i]} is there twice"))
    return [(f"{name}/{lr}", model | {"optimizer": optimizer | {"lr": lr}}) for lr in rates]


def _number(raw: Any, path: str) -> float:
    """Return a number, also one that YAML reads as text. Raises InputError."""
    try:
        return msgspec.convert(raw, float, strict=False)
    except msgspec.ValidationError as error:
        raise InputError(_at(f"{path}: ", f"expected a number, got {raw!r}")) from error


def _contrasts(raw: Any, models: Iterable[str]) -> dict[str, dict[str, float]]:
    if not isinstance(raw, dict):
        raise InputError(_at("contrasts: ", f"expected a mapping, got {raw!r}"))
    return {name: _weights(name, weights, models) for name, weights in raw.items()}


def _weights(name: Any, raw: Any, models: Iterable[str]) -> dict[str, float]:
    """Return a contrast's weights by model."""
    path = f"contrasts.{name}"
    if not isinstance(name, str) or TWO_READINGS.fullmatch(name):  # -S drops quotes
        raise InputError(_at("contrasts: ", f"expected text for a name, got {name!r}"))
    _check_keys(raw, models, (), path)
    weights = {model: _number(weight, f"{path}.{model}") for model, weight in raw.items()}
    if not (any(weights.values()) and abs(sum(weights.values())) <= _WEIGHTS_OFF):
        message = f"expected weights that are not all 0 and add up to 0, got {raw}"
        raise InputError(_at(f"{path}: ", message))
    return weights
