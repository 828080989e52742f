"""params.yaml: what it means, and how each mistake in it is refused."""

import re
from pathlib import Path
from typing import Any

import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.models import (
    Model,
    default_optimizer,
    find_models,
    resolve_models,
)
from cnn_from_scratch.experiment.params import (
    Augmentation,
    Convert,
    HoldOut,
    Params,
    Split,
    Train,
    load_params,
    protocol_name,
)
from cnn_from_scratch.experiment.settings import settings
from cnn_from_scratch.experiment.streams import Purpose
from cnn_from_scratch.nn.architectures import ARCHITECTURES, EnhancedCNN, SimpleCNN, Stack
from cnn_from_scratch.nn.layers import BatchNorm, Conv2D, Dense, Flatten
from cnn_from_scratch.nn.optimizers import OPTIMIZERS, SGD, Adam, RMSprop
from cnn_from_scratch.nn.schedules import StepDecay
from tests.experiment.params_files import COMMITTED, MISSING, changed, committed, write_params


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work where there is no params.yaml, until a test writes one."""
    monkeypatch.chdir(tmp_path)


def load(params: Any) -> tuple[Params, dict[str, Model]]:
    write_params(Path("params.yaml"), params)
    loaded = load_params()
    return loaded, resolve_models(loaded)


def load_text(text: str | bytes) -> tuple[Params, dict[str, Model]]:
    Path("params.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    loaded = load_params()
    return loaded, resolve_models(loaded)


def one_line(error: pytest.ExceptionInfo[InputError]) -> str:
    message = str(error.value)
    assert len(message.splitlines()) == 1
    return message


# ---------------------------------------------------------------- what is right


def test_the_committed_parameters_are_the_published_study() -> None:
    params, models = load_text(COMMITTED.read_bytes())
    assert params.convert is not None
    assert params.convert.hold_out is None
    assert params.convert.source["name"] == "workbook"
    assert params.seeds == tuple(range(10))
    for model in params.models.values():
        assert model.split == Split(protocol="holdout", validation_fraction=0.2)
    assert params.train == Train(epochs=300, batch_size=None)
    assert models == {
        "S-SGD": Model(SimpleCNN("sigmoid", True), SGD(lr=0.9)),
        "S-RMS": Model(SimpleCNN("sigmoid", True), RMSprop(lr=0.001, rho=0.9, eps=1e-8)),
        "S-Adam": Model(SimpleCNN("sigmoid", True), Adam(0.01, beta1=0.7, beta2=0.99, eps=1e-8)),
        "E-RMS": Model(EnhancedCNN("relu", True), RMSprop(lr=0.001, rho=0.9, eps=1e-8)),
        "E-Adam": Model(EnhancedCNN("relu", True), Adam(0.01, beta1=0.7, beta2=0.99, eps=1e-8)),
    }
    assert list(models) == ["S-SGD", "S-RMS", "S-Adam", "E-RMS", "E-Adam"]


@pytest.mark.parametrize("architecture", [name for name in ARCHITECTURES if name != "stack"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_a_model_leaves_out_takes_its_default(architecture: str, optimizer: str) -> None:
    model = {"architecture": {"name": architecture}, "optimizer": {"name": optimizer}}
    _, models = load(changed("models", {"mine": model}))
    assert models == {"mine": Model(ARCHITECTURES[architecture](), OPTIMIZERS[optimizer]())}
    assert default_optimizer(optimizer) == OPTIMIZERS[optimizer]()


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values())
def test_the_settings_of_an_optimizer_are_those_that_make_it(optimizer: Any) -> None:
    told = settings(optimizer(lr=0.125))
    _, models = load(changed("models/S-Adam/optimizer", told))
    assert models["S-Adam"].optimizer == optimizer(lr=0.125)


@pytest.mark.parametrize(
    ("text", "lr"),
    [("1e-3", 1e-3), ("'1e-3'", 1e-3), ("1E-3", 1e-3), ("1.0e-3", 1e-3), ("2", 2.0), ("'2'", 2.0)],
)
def test_a_number_is_the_number_in_quotes_too(text: str, lr: float) -> None:
    committed_text = COMMITTED.read_text(encoding="utf-8")
    _, models = load_text(committed_text.replace("lr: 0.9", f"lr: {text}"))
    assert models["S-SGD"].optimizer == SGD(lr=lr)


@pytest.mark.parametrize("beta1", [0, "1e-1", 0.999])
def test_hyper_parameters_are_kept(beta1: Any) -> None:
    _, models = load(changed("models/S-Adam/optimizer/beta1", beta1))
    assert models["S-Adam"].optimizer == Adam(0.01, beta1=float(beta1), beta2=0.99)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("convert/source", {"name": "mine"}, Convert({"name": "mine"})),
        (
            "convert/hold_out",
            {"fraction": "2e-1", "seed": 3},
            Convert(committed()["convert"]["source"], HoldOut(0.2, 3)),
        ),
        ("train/batch_size", 16, Train(300, 16)),
        ("train/epochs", 1, Train(1, None)),
        ("train/init_seed", "3", Train(300, None, init_seed=3)),
    ],
)
def test_sections(path: str, value: Any, expected: Convert | Train) -> None:
    params, _ = load(changed(path, value))
    assert getattr(params, path.split("/")[0]) == expected


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("split/protocol", "resubstitution", Split("resubstitution", 0.2)),
        ("split/validation_fraction", "1e-1", Split("holdout", 0.1)),
        ("split/seed", 7, Split("holdout", 0.2, 7)),
        ("split/seed", None, Split("holdout", 0.2)),
    ],
)
def test_the_split_is_every_models(path: str, value: Any, expected: Split) -> None:
    params, _ = load(changed(path, value))
    assert [model.split for model in params.models.values()] == [expected] * 5


def test_a_list_of_split_seeds_makes_a_model_of_each() -> None:
    raw = changed("split/seed", [4, 0])
    raw["models"] = {"b": raw["models"]["S-SGD"], "a": raw["models"]["S-Adam"]}
    raw["models"]["a"]["optimizer"]["lr"] = [0.1, 0.2]
    params, models = load(raw)
    assert [(name, model.split.seed) for name, model in params.models.items()] == [
        ("b/split-4", 4), ("b/split-0", 0),
        ("a/0.1/split-4", 4), ("a/0.1/split-0", 0), ("a/0.2/split-4", 4), ("a/0.2/split-0", 0),
    ]  # fmt: skip
    assert models["a/0.2/split-0"].optimizer == Adam(0.2, beta1=0.7, beta2=0.99)


def test_a_stream_has_the_runs_seed_or_its_own() -> None:
    split, train = Split("holdout", 0.2, seed=0), Train(1, None, dropout_seed=8)
    assert (split.seed_of(3), Split("holdout", 0.2).seed_of(3)) == (0, 3)
    own = {purpose: train.seed_of(purpose, 3) for purpose in (Purpose.INIT, Purpose.DROPOUT)}
    assert own == {Purpose.INIT: 3, Purpose.DROPOUT: 8}


@pytest.mark.parametrize("seeds", [[0], [7, 3, 5], [0, 2**40]])
def test_seeds_keep_their_order(seeds: list[int]) -> None:
    params, _ = load(changed("seeds", seeds))
    assert params.seeds == tuple(seeds)


@pytest.mark.parametrize("name", ["A", "s-adam_2", "S-Adam-01", "nan", "None", "a-", "yes-no"])
def test_names_that_a_dvc_stage_can_hold(name: str) -> None:
    _, models = load(changed("models", {name: committed()["models"]["S-SGD"]}))
    assert list(models) == [name]


@pytest.mark.parametrize("change", [lambda t: "\ufeff" + t, lambda t: t.replace("\n", "\r\n")])
def test_a_file_from_a_windows_editor_is_read_alike(change: Any) -> None:
    text = COMMITTED.read_text(encoding="utf-8")
    assert load_text(change(text)) == load_text(text)


# ---------------------------------------------------------------- what is wrong

ADAM = "models/S-Adam"
ADAM_KEY = "models.S-Adam"
ARCHITECTURE_NAMES = "simple, enhanced"
OPTIMIZER_NAMES = ", ".join(OPTIMIZERS)

NO_MODELS: list[Any] = [None, {}, [], ["S-Adam"], "S-Adam"]
NO_SEEDS: list[Any] = [[], None, 3, "0..9", {"a": 1}]

# path in the file, value there, what the message says after "params.yaml: " and the path
VALUES: list[tuple[str, Any, str]] = [
    # missing keys
    *((section, MISSING, ": missing") for section in committed() if section != "convert"),
    *(
        (f"{section}/{key}", MISSING, ": missing")
        for section in ("convert", "split", "train")
        for key in committed()[section]
        if key != "numerics"  # which has a default
    ),
    (f"{ADAM}/architecture", MISSING, ": missing"),
    (f"{ADAM}/optimizer", MISSING, ": missing"),
    (f"{ADAM}/architecture/name", MISSING, f": missing; known: {ARCHITECTURE_NAMES}"),
    (f"{ADAM}/optimizer/name", MISSING, f": missing; known: {OPTIMIZER_NAMES}"),
    # unknown and misspelt keys
    ("model", {}, ": unknown; known: seeds, split, train, models, convert"),
    ("convert/sheet", "Data", ": unknown; known: source, hold_out"),
    ("split/fraction", 0.2, ": unknown; known: protocol, validation_fraction"),
    ("train/epoch", 3, ": unknown; known: epochs, batch_size"),
    ("train/1", 3, ": unknown; known: epochs, batch_size"),
    (f"{ADAM}/optimiser", {}, ": unknown; known: architecture, optimizer"),
    (f"{ADAM}/architecture/kernel", 3, ": unknown; 'simple' knows activation, activate_logits"),
    (f"{ADAM}/optimizer/learning_rate", 3, ": unknown; 'adam' knows lr, beta1, beta2, eps"),
    # sections of the wrong kind
    *(
        (path, value, f": expected a mapping, got {value!r}")
        for path in ("convert", "split", "train", ADAM, f"{ADAM}/architecture", f"{ADAM}/optimizer")
        for value in (None, "text", [1])
    ),
    *(
        ("models", value, f": expected a mapping of at least one model, got {value!r}")
        for value in NO_MODELS
    ),
    # names that nothing has
    (f"{ADAM}/architecture/name", "simpel", f": unknown 'simpel'; known: {ARCHITECTURE_NAMES}"),
    (f"{ADAM}/architecture/name", 3, f": unknown 3; known: {ARCHITECTURE_NAMES}"),
    (f"{ADAM}/architecture/name", ["simple"], f": unknown ['simple']; known: {ARCHITECTURE_NAMES}"),
    (f"{ADAM}/optimizer/name", "adamax", f": unknown 'adamax'; known: {OPTIMIZER_NAMES}"),
    (f"{ADAM}/optimizer/name", {"adam": 1}, f": unknown {{'adam': 1}}; known: {OPTIMIZER_NAMES}"),
    (
        f"{ADAM}/architecture/activation",
        "gelu",
        ": expected one of sigmoid, tanh, relu, got 'gelu'",
    ),
    (f"{ADAM}/architecture/activation", 3, ": expected one of sigmoid, tanh, relu, got 3"),
    (f"{ADAM}/architecture/activation", None, ": expected one of sigmoid, tanh, relu, got None"),
    ("split/protocol", "hold-out", ": expected one of holdout, resubstitution, got 'hold-out'"),
    ("split/protocol", None, ": expected one of holdout, resubstitution, got None"),
    # numbers out of range, and what is no number
    *(
        (f"{ADAM}/optimizer/lr", value, f": expected a number above 0, got {float(value)}")
        for value in (0, -1, -0.001, float("nan"), float("inf"), -float("inf"), "nan", "inf")
    ),
    *(
        (f"{ADAM}/optimizer/lr", value, f": expected a number, got {value!r}")
        for value in ("fast", "", None, True)
    ),
    (f"{ADAM}/optimizer/lr", "1e400", ": expected a number"),
    (f"{ADAM}/optimizer/beta1", 1, ": expected a number from 0 up to but not 1, got 1.0"),
    (f"{ADAM}/optimizer/beta2", -0.1, ": expected a number from 0 up to but not 1, got -0.1"),
    (f"{ADAM}/optimizer/eps", 0, ": expected a number above 0, got 0.0"),
    ("models/S-RMS/optimizer/rho", 1.5, ": expected a number from 0 up to but not 1, got 1.5"),
    (f"{ADAM}/architecture/activate_logits", "maybe", ": expected true or false, got 'maybe'"),
    *(
        ("train/epochs", value, f": expected a number of at least 1, got {value}")
        for value in (0, -5)
    ),
    *(
        ("train/epochs", value, f": expected a whole number, got {value!r}")
        for value in (1.5, True, "many", None, [3], float("nan"), float("inf"))
    ),
    *(
        ("train/batch_size", v, f": expected a number of at least 1, or null, got {v}")
        for v in (0, -8)
    ),
    *(
        ("train/batch_size", value, f": expected a whole number or null, got {value!r}")
        for value in (1.5, True, "all", [8])
    ),
    *(
        ("split/validation_fraction", value, f"above 0 and below 1, got {float(value)}")
        for value in (0, 1, 2, -0.2, float("nan"), float("inf"))
    ),
    ("split/validation_fraction", "some", ": expected a number, got 'some'"),
    ("convert/source", None, ": expected a mapping, got None"),
    ("convert/source", "workbook", ": expected a mapping, got 'workbook'"),
    ("convert/hold_out", 0.2, ": expected a mapping or null, got 0.2"),
    # seeds
    *(
        ("seeds", value, f": expected a list of at least one seed, got {value!r}")
        for value in NO_SEEDS
    ),
]


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        pytest.param(*row, id=f"{row[0]}={'missing' if row[1] is MISSING else row[1]!r}")
        for row in VALUES
    ],
)
def test_a_wrong_value(path: str, value: Any, what: str) -> None:
    with pytest.raises(InputError) as error:
        load(changed(path, value))
    message = one_line(error)
    prefix = f"params.yaml: {path.replace('/', '.')}"
    assert message.startswith(f"{prefix}: ")
    assert what in message.removeprefix(prefix)


@pytest.mark.parametrize(
    ("hold_out", "what"),
    [
        ({"fraction": 0.2}, "seed: missing"),
        ({"fraction": 1, "seed": 0}, "fraction: expected a number above 0 and below 1, got 1.0"),
        ({"fraction": 0.2, "seed": -1}, "seed: expected a number of at least 0, got -1"),
    ],
)
def test_a_wrong_hold_out(hold_out: dict[str, Any], what: str) -> None:
    with pytest.raises(InputError) as error:
        load(changed("convert/hold_out", hold_out))
    assert one_line(error) == f"params.yaml: convert.hold_out.{what}"


@pytest.mark.parametrize(
    ("seeds", "place", "what"),
    [
        ([0, 1, 0], 2, "0 is there twice"),
        ([-1], 0, "expected a whole number from 0 to 9223372036854775807, got -1"),
        ([0, 1.5], 1, "expected a whole number from 0 to 9223372036854775807, got 1.5"),
        ([0, 1.0], 1, "expected a whole number from 0 to 9223372036854775807, got 1.0"),
        ([True], 0, "expected a whole number from 0 to 9223372036854775807, got True"),
        (["1"], 0, "expected a whole number from 0 to 9223372036854775807, got '1'"),
        ([0, None], 1, "expected a whole number from 0 to 9223372036854775807, got None"),
        (
            [2**63],
            0,
            "expected a whole number from 0 to 9223372036854775807, got 9223372036854775808",
        ),
        ([[0, 1]], 0, "expected a whole number from 0 to 9223372036854775807, got [0, 1]"),
    ],
)
def test_a_wrong_seed(seeds: list[Any], place: int, what: str) -> None:
    with pytest.raises(InputError) as error:
        load(changed("seeds", seeds))
    assert one_line(error) == f"params.yaml: seeds[{place}]: {what}"


@pytest.mark.parametrize("name", ["a/b", "a.b", "a@b", "a b", "", "a\n", "é", 5, True, None, 1.5])
def test_a_name_that_a_dvc_stage_cannot_hold(name: Any) -> None:
    with pytest.raises(InputError) as error:
        load(changed("models", {name: committed()["models"]["S-SGD"]}))
    message = one_line(error)
    assert message.startswith("params.yaml: models: ")
    assert repr(name) in message
    assert "letters, digits, '-' and '_'" in message


@pytest.mark.parametrize("name", ["-a", "_a"])
def test_a_name_must_begin_with_a_letter_or_digit(name: str) -> None:
    with pytest.raises(InputError) as error:
        load(changed("models", {name: committed()["models"]["S-SGD"]}))
    message = one_line(error)
    assert repr(name) in message
    assert "begin with a letter" in message


def test_a_name_has_an_end() -> None:
    model = committed()["models"]["S-SGD"]
    load(changed("models", {100 * "a": model}))
    with pytest.raises(InputError, match="at most 100 letters"):
        load(changed("models", {101 * "a": model}))


def test_names_that_are_one_folder_on_some_systems() -> None:
    model = committed()["models"]["S-SGD"]
    with pytest.raises(InputError) as error:
        load(changed("models", {"S-SGD": model, "S-sgd": model}))
    assert one_line(error) == (
        "params.yaml: models: expected names that differ by more than capitals from 'S-SGD', got"
        " 'S-sgd'"
    )


@pytest.mark.parametrize("name", ["9", "123", "1e-3", "2conv", "0x1F", "2024-05-06"])
def test_a_name_that_begins_with_a_digit(name: str) -> None:
    """`dvc exp run -S models.2conv...` is no override to DVC, and 1e-3 a number."""
    text = COMMITTED.read_text(encoding="utf-8").replace("S-SGD:", f"'{name}':")
    with pytest.raises(InputError, match="begin with a letter"):
        load_text(text)


@pytest.mark.parametrize("name", ["NO", "y", "null", "true", "Off", "N", "nO"])
def test_a_name_that_means_something_else_without_its_quotes(name: str) -> None:
    """`dvc exp run -S` rewrites the file, and keeps no quotes that YAML 1.2 can do without."""
    text = COMMITTED.read_text(encoding="utf-8").replace("S-SGD:", f"'{name}':")
    with pytest.raises(InputError) as error:
        load_text(text)
    assert one_line(error) == (
        "params.yaml: models: expected other names than true, false, yes, no, on, off, y, n, null,"
        f" even in quotes, which -S drops, got {name!r}"
    )


def dense(size: int) -> tuple[str, Any]:
    """Return a path and what stands there for a network of so many outputs."""
    stack = [{"name": "dense", "out_features": size}]
    return f"{ADAM}/architecture", {"name": "stack", "stack": stack}


@pytest.mark.parametrize("value", [2**31, 2**63, 2**64, 10**30])
@pytest.mark.parametrize(
    ("path", "setting"),
    [
        ("train.epochs", lambda n: ("train/epochs", n)),
        ("train.batch_size", lambda n: ("train/batch_size", n)),
        ("train.augment.shift", lambda n: ("train/augment", {"shift": n})),
        (f"{ADAM_KEY}.legacy_skip", lambda n: (f"{ADAM}/legacy_skip", n)),
        (
            f"{ADAM_KEY}.schedule.every",
            lambda n: (f"{ADAM}/schedule", {"name": "step", "every": n}),
        ),
        (f"{ADAM_KEY}.architecture.stack[0].out_features", dense),
    ],
)
def test_a_number_beyond_what_an_array_can_have(path: str, setting: Any, value: int) -> None:
    with pytest.raises(InputError) as error:
        load(changed(*setting(value)))
    expected = f"expected a whole number of at most 2147483647, got {value}"
    assert one_line(error) == f"params.yaml: {path}: {expected}"
    load(changed(*setting(2**31 - 1)))


@pytest.mark.parametrize("value", [1e19, 1e30, 1e300])
def test_a_float_beyond_all_whole_numbers(value: float) -> None:
    with pytest.raises(InputError) as error:
        load(changed("train/augment", {"shift": value}))
    assert one_line(error).startswith("params.yaml: train.augment.shift: expected a whole number")


def test_keys_left_over_from_another_optimizer_say_how_to_remove_them() -> None:
    # what `dvc exp run -S models.S-Adam.optimizer.name=sgd` makes of the file
    with pytest.raises(InputError) as error:
        load(changed(f"{ADAM}/optimizer/name", "sgd"))
    message = one_line(error)
    assert message.startswith("params.yaml: models.S-Adam.optimizer.beta1: unknown")
    assert "'sgd' knows lr" in message
    assert "-S '~models.S-Adam.optimizer.beta1'" in message


@pytest.mark.parametrize("part", ["architecture", "optimizer"])
def test_a_key_that_is_no_text_is_an_unknown_key(part: str) -> None:
    params = committed()
    params["models"]["S-Adam"][part][1] = 2
    with pytest.raises(InputError) as error:
        load(params)
    message = one_line(error)
    assert message.startswith(f"params.yaml: models.S-Adam.{part}")
    assert "expected" in message or "unknown" in message
    assert "$" not in message


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("seeds: [0, 1\nsplit: {", "line 2, column 6"),
        ("seeds:\n\t- 0\n", "line 2, column 1"),
        ("seeds: 'open\n", "line 2, column 1"),
        ("? [a, b]\n: 1\n", "line 1, column 3"),
        ("a: 1\nb: 2\na: 3", "line 3, column 1"),
        ("a: 1\n---\nb: 2\n", "line 2, column 1"),
        ("a: \0", "line 1, column 4"),
        ("ä: 1\nä: \7", "line 2, column 4"),
        ("a: *b", "line 1, column 4"),
        ("train: !!python/object:os.system x", "line 1, column 8"),
    ],
)
def test_text_that_is_no_yaml(text: str, place: str) -> None:
    with pytest.raises(InputError) as error:
        load_text(text)
    message = one_line(error)
    assert re.fullmatch(rf"params\.yaml: {place}: [^:]{{20,}}.*", message)
    assert message.count("line ") == 1
    assert "<unicode string>" not in message


def test_text_that_is_not_utf_8() -> None:
    with pytest.raises(InputError) as error:
        load_text(b"a: \xff\xfe")
    assert re.match(r"params\.yaml: .*utf-8.* 0xff ", one_line(error))


@pytest.mark.parametrize("value", ["2024-13-45", "!!int 'a'", "!!float 'a'"])
def test_a_value_that_yaml_itself_cannot_make(value: str) -> None:
    text = COMMITTED.read_text(encoding="utf-8").replace("epochs: 300", f"epochs: {value}")
    with pytest.raises(InputError) as error:
        load_text(text)
    assert one_line(error).startswith("params.yaml: ")


@pytest.mark.parametrize(
    ("text", "found"), [("", "None"), ("# only this\n", "None"), ("[1]", "[1]"), ("x", "'x'")]
)
def test_a_file_without_sections(text: str, found: str) -> None:
    with pytest.raises(InputError) as error:
        load_text(text)
    message = one_line(error)
    assert message.startswith("params.yaml: expected a mapping")
    assert message.endswith(f"got {found}")


def test_no_file() -> None:
    with pytest.raises(InputError) as error:
        load_params()
    assert one_line(error).startswith("params.yaml: ")
    assert re.search("no such file|not found", one_line(error), re.IGNORECASE)


def test_an_unknown_default_optimizer() -> None:
    with pytest.raises(InputError) as error:
        default_optimizer("adamax")
    assert one_line(error) == f"--optimizer: unknown 'adamax'; known: {OPTIMIZER_NAMES}"


STACK = [
    {"name": "conv2d", "out_channels": 2, "kernel_size": 3, "padding": 1},
    {"name": "batch_norm"},
    {"name": "flatten"},
    {"name": "dense", "out_features": 3, "weight_init": "he"},
]


def test_a_stack_names_its_layers() -> None:
    architecture = {"name": "stack", "stack": STACK}
    model = {
        "architecture": architecture,
        "optimizer": {"name": "sgd"},
        "schedule": {"name": "step"},
    }
    _, models = load(changed("models", {"mine": model}))
    layers = (Conv2D(2, 3, padding=1), BatchNorm(), Flatten(), Dense(3, weight_init="he"))
    assert models["mine"] == Model(Stack(layers), SGD(), StepDecay())


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("train/augment", {"shfit": 1}, "train.augment.shfit: unknown; known: shift, rotation"),
        ("train/augment", {"shift": 0.5}, "train.augment.shift: expected a whole number, got 0.5"),
        ("train/augment", {"noise": -1}, "train.augment.noise: expected a number of at least 0"),
        ("train/augment", 3, "train.augment: expected a mapping or null, got 3"),
        (
            "train/early_stopping",
            0,
            "train.early_stopping: expected a number of at least 1, or null, got 0",
        ),
        ("train/numerics", "fast", "train.numerics: expected one of portable, native, got 'fast'"),
        ("train/backend", "torch", "train.backend: expected one of numpy, compiled, got 'torch'"),
        ("train/dtype", "half", "train.dtype: expected one of float64, float32, got 'half'"),
        ("train/dtype", "float32", "train.dtype: float32 needs numerics: native; portable is"),
        ("train/best_checkpoint", "often", "train.best_checkpoint: expected true or false"),
        (f"{ADAM}/schedule", {"name": "linear"}, f"{ADAM_KEY}.schedule.name: unknown 'linear'"),
        (f"{ADAM}/schedule", {"name": "step", "every": 0}, f"{ADAM_KEY}.schedule.every: expected"),
        (
            f"{ADAM}/architecture/dropout",
            1.0,
            f"{ADAM_KEY}.architecture.dropout: expected a number from 0",
        ),
        (
            f"{ADAM}/architecture/init",
            "hi",
            f"{ADAM_KEY}.architecture.init: expected one of published",
        ),
        (f"{ADAM}/optimizer/weight_decay", -1, f"{ADAM_KEY}.optimizer.weight_decay: expected"),
        (
            f"{ADAM}/architecture",
            {"name": "stack", "stack": [*STACK[:1], {"name": "dens"}]},
            f"{ADAM_KEY}.architecture.stack[1].name: unknown 'dens'; known: conv2d, max_pool2d",
        ),
        (
            f"{ADAM}/architecture",
            {"name": "stack", "stack": [{"name": "dense", "out_feature": 3}]},
            f"{ADAM_KEY}.architecture.stack[0].out_feature: unknown; 'dense' knows out_features",
        ),
        (
            f"{ADAM}/architecture",
            {"name": "stack", "stack": 3},
            f"{ADAM_KEY}.architecture.stack: expected",
        ),
        (
            f"{ADAM}/architecture",
            {"name": "stack", "stack": ["relu"]},
            "stack[0]: expected a mapping",
        ),
    ],
)
def test_a_wrong_value_of_the_later_settings(path: str, value: Any, message: str) -> None:
    with pytest.raises(InputError) as error:
        load(changed(path, value))
    assert message in one_line(error)


@pytest.mark.parametrize(
    ("value", "expected"), [(MISSING, "portable"), ("portable", "portable"), ("native", "native")]
)
def test_numerics_are_portable_unless_told(value: Any, expected: str) -> None:
    params, _ = load(changed("train/numerics", value))
    assert params.train.numerics == expected


def test_float64_in_numpy_unless_told() -> None:
    params, _ = load(committed())
    assert (params.train.dtype, params.train.backend) == ("float64", "numpy")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("backend", ["numpy", "compiled"])
def test_dtype_and_backend_go_to_every_model(dtype: str, backend: str) -> None:
    settings = {"numerics": "native", "dtype": dtype, "backend": backend}
    params, _ = load(changed("train", committed()["train"] | settings))
    for train in (params.train, *(model.train for model in params.models.values())):
        assert (train.numerics, train.dtype, train.backend) == ("native", dtype, backend)


@pytest.mark.parametrize(
    ("protocol", "train", "name"),
    [
        ("holdout", {}, "holdout"),
        ("holdout", {"early_stopping": 5}, "holdout, network selected on validation"),
        ("holdout", {"best_checkpoint": True}, "holdout, network selected on validation"),
        ("resubstitution", {}, "resubstitution"),
    ],
)
def test_the_protocol_tells_of_selection(protocol: Any, train: Any, name: str) -> None:
    split = Split(protocol=protocol, validation_fraction=0.2)
    assert protocol_name(split, Train(epochs=1, batch_size=None, **train)) == name


def test_a_models_own_training_changes_some_of_the_training() -> None:
    own = {"epochs": 7, "augment": {"shift": 1}}
    params, _ = load(changed(f"{ADAM}/train", own))
    assert params.models["S-Adam"].train == Train(7, None, augment=Augmentation(shift=1))
    assert params.models["S-SGD"].train == params.train == Train(300, None)


def test_a_list_of_learning_rates_is_a_model_for_each() -> None:
    params, models = load(changed(f"{ADAM}/optimizer/lr", [0.001, "1e-2", 1]))
    rates = {"S-Adam/0.001": 0.001, "S-Adam/0.01": 0.01, "S-Adam/1": 1.0}
    assert list(models) == ["S-SGD", "S-RMS", *rates, "E-RMS", "E-Adam"]
    for name, lr in rates.items():
        assert models[name].optimizer == Adam(lr, beta1=0.7, beta2=0.99)
    assert find_models(params, "S-Adam") == {name: models[name] for name in rates}
    assert find_models(params, "S-SGD") == {"S-SGD": models["S-SGD"]}
    with pytest.raises(InputError, match=r"unknown 'S-Ada'; .* has S-SGD, S-RMS, S-Adam, E-RMS, E"):
        find_models(params, "S-Ada")


@pytest.mark.parametrize("legacy_skip", [None, 0, 63])
def test_a_model_may_start_as_the_released_script_does(legacy_skip: int | None) -> None:
    _, models = load(changed(f"{ADAM}/legacy_skip", legacy_skip))
    assert models["S-Adam"].legacy_skip == legacy_skip
    assert models["S-SGD"].legacy_skip is None


def test_contrasts_are_weights_by_model() -> None:
    contrasts = {"a: b": {"S-SGD": "1e0", "S-RMS": -0.5, "S-Adam": -0.5}, "c": {"S-SGD": 0.1,
                 "S-RMS": 0.2, "E-RMS": -0.3}}  # fmt: skip
    params, _ = load(changed("contrasts", contrasts))
    assert params.contrasts == contrasts | {"a: b": {"S-SGD": 1, "S-RMS": -0.5, "S-Adam": -0.5}}
    assert load(committed())[0].contrasts == {}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (f"{ADAM}/train", 3, f"{ADAM_KEY}.train: expected a mapping, got 3"),
        (
            f"{ADAM}/train",
            {"epochs": 0},
            f"{ADAM_KEY}.train.epochs: expected a number of at least 1, got 0",
        ),
        (f"{ADAM}/train", {"numerics": "native"}, f"{ADAM_KEY}.train.numerics: unknown; known: ep"),
        (f"{ADAM}/train", {"augment": {"shift": -1}}, f"{ADAM_KEY}.train.augment.shift: expected"),
        ("train/epochs", 0, "params.yaml: train.epochs: expected a number of at least 1, got 0"),
        (
            f"{ADAM}/legacy_skip",
            -1,
            f"{ADAM_KEY}.legacy_skip: expected a number of at least 0, or null",
        ),
        (f"{ADAM}/legacy_skip", "no", f"{ADAM_KEY}.legacy_skip: expected a whole number or null"),
        (f"{ADAM}/optimizer/lr", [], f"{ADAM_KEY}.optimizer.lr: expected a number, or a list"),
        (f"{ADAM}/optimizer/lr", [1, 1.0], f"{ADAM_KEY}.optimizer.lr[1]: 1.0 is there twice"),
        (f"{ADAM}/optimizer/lr", [1, "x"], f"{ADAM_KEY}.optimizer.lr[1]: expected a number, got"),
        (f"{ADAM}/optimizer/lr", [0.1, "1e-1"], f"{ADAM_KEY}.optimizer.lr[1]: 0.1 is there twice"),
        ("split/seed", [], "split.seed: expected a list of at least one seed, got []"),
        ("split/seed", [1, 1], "split.seed[1]: 1 is there twice"),
        ("split/seed", [1, 2**31], "split.seed[1]: expected a whole number from 0 to 2147483647"),
        ("split/seed", [1, "x"], "split.seed[1]: expected a whole number from 0 to"),
        ("split/seed", -1, "split.seed: expected a number of at least 0, or null, got -1"),
        ("train/init_seed", [1], "train.init_seed: expected a whole number or null, got [1]"),
        (f"{ADAM}/split", {}, f"{ADAM_KEY}.split: unknown; known: architecture, optimizer, train,"),
        (f"{ADAM}/optimizer/lr", [-1], f"{ADAM_KEY}/-1.optimizer.lr: expected"),
        ("contrasts", [], "params.yaml: contrasts: expected a mapping, got []"),
        ("contrasts", {"c": 1}, "contrasts.c: expected a mapping, got 1"),
        ("contrasts", {"c": {}}, "contrasts.c: expected weights that are not all 0"),
        ("contrasts", {"c": {"S-SGD": 1}}, "contrasts.c: expected weights that"),
        ("contrasts", {"c": {"S-SGD": float("nan")}}, "contrasts.c: expected weights that"),
        ("contrasts", {"c": {"S-SG": 1}}, "contrasts.c.S-SG: unknown; known: S-SGD, S-RMS"),
        ("contrasts", {"c": {"S-SGD": "x"}}, "contrasts.c.S-SGD: expected a number, got 'x'"),
        ("contrasts", {"c": {"S-SGD": 0}}, "contrasts.c: expected weights that are not all 0"),
        ("contrasts", {1: {"S-SGD": 1}}, "contrasts: expected text for a name, got 1"),
        ("contrasts", {"NO": {"S-SGD": 1}}, "contrasts: expected text for a name, got 'NO'"),
    ],
)
def test_a_wrong_value_of_what_studies_set(path: str, value: Any, message: str) -> None:
    with pytest.raises(InputError) as error:
        load(changed(path, value))
    assert message in one_line(error)
