"""studies/published: the emulated arithmetic, and the epoch that is read."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cnn_from_scratch import InputError
from cnn_from_scratch.experiment.params import Params, load_params
from cnn_from_scratch.experiment.settings import settings
from cnn_from_scratch.nn.architectures import EnhancedCNN, SimpleCNN
from cnn_from_scratch.nn.losses import softmax_cross_entropy
from cnn_from_scratch.nn.network import NUMPY, Sequential
from cnn_from_scratch.nn.optimizers import SGD, Adam, Optimizer, RMSprop
from cnn_from_scratch.report.runs import Runs
from tests.studies.scripts import script
from tests.workflow.project import ROOT

float32 = script("published", "float32")
accuracies = script("published", "accuracies")

Array = np.ndarray[Any, Any]

RNG = np.random.RandomState(5)
X, Y = RNG.rand(12, 1, 6, 6).astype(np.float32), np.arange(12) % 3


@pytest.mark.parametrize("kind", ["S", "E"])
def test_an_emulated_network_has_the_librarys_logits_and_gradients(kind: str) -> None:
    emulated = float32.Network(kind, np.random.RandomState(3))
    layers = (SimpleCNN() if kind == "S" else EnhancedCNN()).layers(3)
    ours = Sequential(layers, (1, 6, 6), lambda _: np.random.RandomState(0), NUMPY)
    learning = [params for params in ours.params if params]
    for params, kernels, bias in zip(learning, emulated.W, emulated.b, strict=True):
        params["W"][:] = kernels
        bias[:] = RNG.randn(len(bias))
        params["b"][:] = bias
    logits, caches = emulated.forward(X)
    expected, our_caches = ours.forward(X.astype(np.float64))
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    _, dlogits = softmax_cross_entropy(expected, Y)
    gradients = emulated.backward(dlogits.astype(np.float32)[:, :, None, None], caches)
    g = ours.backward(dlogits, our_caches)
    shaped = [kernels.ravel() for pair in zip(gradients[: len(emulated.W)],
              gradients[len(emulated.W) :], strict=True) for kernels in pair]  # fmt: skip
    np.testing.assert_allclose(np.concatenate(shaped), g, atol=1e-5)
    assert all(gradient.dtype == np.float32 for gradient in gradients)


def same_bits(a: Array, b: Array) -> bool:
    """Return whether two arrays have the same dtype and the same bytes."""
    return a.dtype == b.dtype and a.tobytes() == b.tobytes()


def test_each_convolution_pass_is_rounded_term_by_term() -> None:
    """Plain loops, which add one term after the other to a float32 number."""
    x, kernels = RNG.randn(5, 2, 4, 4).astype(np.float32), RNG.randn(3, 2, 3, 3)
    dy = RNG.randn(5, 3, 2, 2).astype(np.float32)
    y, dx = np.zeros_like(dy), np.zeros_like(x)
    dkernels, dbias = np.zeros(kernels.shape, np.float32), np.zeros(3, np.float32)
    for n, o, i, j in np.ndindex(dy.shape):
        patch = x[n, :, i : i + 3, j : j + 3]
        for c in range(2):
            y[n, o, i, j] = np.float64(y[n, o, i, j]) + np.sum(patch[c] * kernels[o, c])
        dkernels[o] += dy[n, o, i, j] * patch
        dbias[o] += dy[n, o, i, j]
        dx[n, :, i : i + 3, j : j + 3] += np.float64(dy[n, o, i, j]) * kernels[o]
    assert same_bits(float32.correlate(x, kernels), y)
    assert same_bits(float32.kernel_gradient(x, dy), dkernels)
    assert same_bits(float32.sum_in_order(dy), dbias)
    assert same_bits(float32.input_gradient(kernels, dy), dx)


@pytest.mark.parametrize("kind", ["S", "E"])
def test_an_optimizers_state_is_as_precise_as_its_parameter(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = float32.Network(kind, np.random.RandomState(3))
    states, of_script = [], float32.step

    def step(settings: dict[str, Any], g: Array, m: Array, v: Array, t: int) -> Array:
        assert g.dtype == np.float32
        states.append((m.dtype, v.dtype))
        return of_script(settings, g, m, v, t)

    monkeypatch.setattr(float32, "step", step)
    float32.train(network, settings(Adam(0.01)), X, Y, epochs=2)
    parameters = [*network.W, *network.b]
    assert states == 2 * [(p.dtype, p.dtype) for p in parameters]
    assert {p.dtype for p in network.W} == {np.dtype(np.float64)}
    assert {p.dtype for p in network.b} == {np.dtype(np.float32)}


def test_the_emulation_has_the_counts_of_the_script_itself() -> None:
    study = ROOT / "studies/published"
    emulated = json.loads((study / "float32/float32.json").read_text(encoding="utf-8"))
    of_script = json.loads((study / "script.json").read_text(encoding="utf-8"))
    seeds = load_params(study / "params.yaml").seeds
    assert of_script["runs"] == sum(map(len, of_script["correct"].values()))
    for model, correct in of_script["correct"].items():
        of_model = dict(zip(map(str, seeds), emulated[model], strict=True))
        assert correct == {seed: of_model[seed] for seed in correct}, model


@pytest.mark.parametrize("optimizer", [SGD(0.5), RMSprop(0.01), Adam(0.01)])
def test_an_emulated_step_is_the_librarys(optimizer: Optimizer) -> None:
    told = settings(optimizer)
    m, v = np.zeros(4), np.zeros(4)
    state = optimizer.init(np.zeros(4))
    for t in range(1, 6):
        g = RNG.randn(4)
        delta, state = optimizer.update(g, state, np.zeros(4))
        np.testing.assert_allclose(-float32.step(told, g, m, v, t), delta, rtol=1e-12)


def history(accuracies: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {"model": "script-S-SGD", "seed": 0, "epoch": range(len(accuracies)),
         "train_accuracy": accuracies}
    )  # fmt: skip


def small_params(epochs: int) -> Params:
    """Return the study's parameters, of one model, one seed and few epochs."""
    params = load_params(ROOT / "studies/published/params.yaml")
    model = params.models["script-S-SGD"]
    model = replace(model, train=replace(model.train, epochs=epochs))
    return replace(params, seeds=(0,), models={"script-S-SGD": model})


def test_the_accuracy_is_that_before_the_last_update() -> None:
    runs = Runs(pd.DataFrame(), history([0.25, 0.5, 0.75, 1.0]), pd.DataFrame())
    params = small_params(epochs=3)
    assert accuracies.training_counts(params, runs, 8) == {"script-S-SGD": [6]}


def test_a_diverged_run_is_an_error() -> None:
    runs = Runs(pd.DataFrame(), history([0.25, 0.5]), pd.DataFrame())
    with pytest.raises(InputError, match="runs/script-S-SGD: a run diverged"):
        accuracies.training_counts(small_params(epochs=3), runs, 8)


def test_the_test_samples_that_are_right_are_counted() -> None:
    predictions = pd.DataFrame(
        {"model": "A", "seed": [0, 0, 1, 1], "split": ["test", "val", "test", "test"],
         "label": [1, 1, 2, 3], "predicted": [2, 1, 2, 3]}
    )  # fmt: skip
    runs = Runs(pd.DataFrame(), pd.DataFrame(), predictions)
    assert accuracies.heldout_counts(runs) == {"A": [0, 2]}


def test_what_differs_is_listed() -> None:
    same = accuracies.differences_table({"A": [1, 2]}, {"A": [1, 2]}, (0, 1))
    assert same.endswith("in 2 of 2 runs.\n")
    table = accuracies.differences_table({"A": [1, 2]}, {"A": [1, 3]}, (0, 7))
    sentence, _, header, _, row = table.splitlines()
    assert sentence.endswith("in 1 of 2 runs; these differ:")
    assert "library" in header.split("|")[3]
    assert [cell.strip() for cell in row.split("|")[1:5]] == ["A", "7", "2", "3"]
