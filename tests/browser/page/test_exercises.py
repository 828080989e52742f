"""The exercises' checks accept what is right of the study at hand, and nothing else."""

import re
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch.arithmetic.arrays import Array
from cnn_from_scratch.experiment.dataset import Indices
from cnn_from_scratch.experiment.models import resolve_models
from cnn_from_scratch.experiment.run import Run, build_network, train_run
from cnn_from_scratch.experiment.splits import run_split
from cnn_from_scratch.nn.numerics import PORTABLE, using
from cnn_from_scratch.nn.optimizers import SGD
from cnn_from_scratch.nn.training import predict
from tests.browser.experiment.test_study import dataset
from tests.browser.node import Node
from tests.browser.page.conftest import CONTEXT, SEEDS, small_params

SMALL = small_params()
MODELS = resolve_models(SMALL)
SPLIT = SMALL.models["S-SGD"].split  # and of all others
EVERY = ("counting", "lossFloor", "failingRate", "deadLogit", "hardest", "backward")

CHECK = (
    CONTEXT
    + """
const exercise = { counting, lossFloor, failingRate, deadLogit, hardest, backward }[name];
const facts = exercise.facts(context);
const answersOf = async (code, names, cases) => {
  const solve = new Function(...names, code);
  return cases.map((values) => solve(...structuredClone(values)));
};
return exercise[method](...(method === "check" ? [answer] : []), facts, {
  rest, answersOf, seed: 1, answer,
});
"""
)
SHOW = (
    CONTEXT
    + """
const exercises = { counting, lossFloor, failingRate, deadLogit, hardest, backward };
return Object.entries(exercises)
  .map(([name, exercise]) => [name, exercise, exercise.facts(context)])
  .filter(([, , facts]) => facts !== null)
  .map(([name, exercise, facts]) => [name, exercise.question(facts), exercise.fields(facts)]);
"""
)


@cache
def trained(name: str, seed: int, epochs: int) -> Run:
    """Return the run of Python's that ends after so many epochs."""
    train = replace(SMALL.train, epochs=epochs)
    return train_run(MODELS[name], seed, dataset(), SPLIT, train)


def checked(node: Node, study: dict[str, Any], exercise: str, **answer: str) -> tuple[bool, str]:
    """Return whether the answer is right, and what is said to it."""
    found = node(CHECK, method="check", name=exercise, answer=answer, **study)
    return found["right"], found["text"]


def is_right(node: Node, study: dict[str, Any], exercise: str, **answer: str) -> bool:
    return checked(node, study, exercise, **answer)[0]


def solution_of(node: Node, study: dict[str, Any], exercise: str, **answer: str) -> list[str]:
    lines: list[str] = node(CHECK, method="solve", name=exercise, answer=answer, **study)
    return lines


def test_all_apply_to_this_study_and_ask_something(node: Node, study: dict[str, Any]) -> None:
    shown = node(SHOW, **study)
    assert [name for name, _, _ in shown] == list(EVERY)
    for _, question, fields in shown:
        assert question
        assert fields
        assert all(field["label"] for field in fields)


def test_parameters_are_counted(node: Node, study: dict[str, Any]) -> None:
    counts = [len(trained(name, 0, 1).checkpoint["theta"]) for name in ("S-SGD", "E-Adam")]
    right = {f"count{i}": str(count) for i, count in enumerate(counts)}
    assert is_right(node, study, "counting", **right)
    for i, count in enumerate(counts):
        assert not is_right(node, study, "counting", **(right | {f"count{i}": str(count + 1)}))
        assert not is_right(node, study, "counting", **(right | {f"count{i}": ""}))
    solution = solution_of(node, study, "counting")
    for line, count in zip(solution, counts, strict=True):
        sum_text, total = line.partition(": ")[2].rstrip(".").split(" = ")
        assert int(total) == count == sum(map(int, re.findall(r"(\d+) in", sum_text)))


def test_the_loss_has_a_floor(node: Node, study: dict[str, Any]) -> None:
    best = np.array([1.0, 0.0, 0.0])
    floor = -np.log(np.exp(best[0]) / np.exp(best).sum())
    assert is_right(node, study, "lossFloor", floor=f"{floor:.2f}")
    for wrong in (f"{floor + 0.02:.2f}", f"{floor - 0.02:.2f}", "", "0"):
        assert not is_right(node, study, "lossFloor", floor=wrong)
    solution = solution_of(node, study, "lossFloor")
    assert f"= {floor:.4f}" in solution[0]
    lowest = min(trained("S-SGD", seed, 60).fit.history[-1].train.loss for seed in SEEDS)
    assert f"is {lowest:.4f}" in solution[1]


def test_a_rate_fails_while_half_of_it_learns(node: Node, study: dict[str, Any]) -> None:
    solution = solution_of(node, study, "failingRate")
    found = float(re.search(r"With ([\d.]+) it fails", solution[0])[1])  # type: ignore[index]
    assert found in [8.0 * 2**i for i in range(1, 8)]
    assert is_right(node, study, "failingRate", lr=str(found))
    assert not is_right(node, study, "failingRate", lr=str(found / 2))
    assert not is_right(node, study, "failingRate", lr=str(found * 4))
    for nothing in ("", "0", "-1"):
        assert not is_right(node, study, "failingRate", lr=nothing)
    for lr, fails in ((found, True), (found / 2, False)):
        model = replace(MODELS["S-SGD"], optimizer=SGD(lr=lr))
        history = train_run(model, 0, dataset(), SPLIT, SMALL.train).fit.history
        assert (history[-1].train.loss >= 0.99 * np.log(3)) == fails


def dead_labels(name: str, seed: int, epoch: int) -> Array:
    training, _ = run_split(dataset(), SPLIT, seed)
    with using(PORTABLE):
        network = build_network(MODELS[name], seed, dataset())
        if epoch:
            network.restore(trained(name, seed, epoch).checkpoint)
        logits = predict(network, dataset().pixels[:][training])
    return np.asarray((logits == 0.0).all(axis=0))


def test_a_logit_dies(node: Node, study: dict[str, Any]) -> None:
    solution = solution_of(node, study, "deadLogit", model="E-Adam")
    deaths = [
        re.fullmatch(r"E-Adam, seed (\d+): label (\S+), epoch (\d+)\.", line) for line in solution
    ]
    assert deaths
    for death in deaths:
        assert death
        seed, label, epoch = int(death[1]), dataset().class_names.index(death[2]), int(death[3])
        right = {"model": "E-Adam", "seed": death[1], "label": str(label), "epoch": death[3]}
        assert is_right(node, study, "deadLogit", **right)
        for wrong in (f"{epoch - 1}", f"{epoch + 1}", ""):
            assert not is_right(node, study, "deadLogit", **(right | {"epoch": wrong}))
        for at in (epoch, 60):
            assert dead_labels("E-Adam", seed, at)[label]
        if epoch:
            assert not dead_labels("E-Adam", seed, epoch - 1)[label]
    ended = sum(int(dead_labels("E-Adam", seed, 60).sum()) for seed in SEEDS)
    assert len(deaths) == ended
    for other in ("1", "77", ""):
        answer = {"model": "E-Adam", "seed": other, "label": "0", "epoch": "0"}
        assert not is_right(node, study, "deadLogit", **answer)


def wrong_for_all(name: str) -> Indices:
    predictions = [trained(name, seed, 60).predictions["test"] for seed in SEEDS]
    missed = [np.array(each.predicted) != np.array(each.labels) for each in predictions]
    return np.flatnonzero(np.all(missed, axis=0))


def test_the_hardest_samples(node: Node, study: dict[str, Any]) -> None:
    wrong = {name: wrong_for_all(name) for name in ("S-SGD", "E-Adam")}
    places = [str(i + 1) for i in min((p for p in wrong.values() if len(p)), key=len)]
    assert is_right(node, study, "hardest", places=", ".join(places))
    assert is_right(node, study, "hardest", places=" ".join(reversed(places)))
    assert not is_right(node, study, "hardest", places="")
    assert not is_right(node, study, "hardest", places=", ".join(places[1:]))
    extra = next(str(i) for i in range(1000) if str(i) not in places)
    assert not is_right(node, study, "hardest", places=", ".join([*places, extra]))
    assert len(solution_of(node, study, "hardest")) == len(places)


WRONG = {
    "relu": [
        "return x.map((xa, a) => dy[a])",
        "return x.map((xa) => (xa > 0 ? 1 : 0))",
        "return [dy[0]]",
        "",
        "return x.map(() => NaN)",
        "return x.map((xa, a) => (xa > 0 ? dy[a] : 1e-4))",
        "return x.map(() => 'dx')",
    ],
    "maxPool": [
        "return x",
        "return dy",
        "return x.map((row, p) => row.map((_, q) => dy[p >> 1][q >> 1] / 4))",
        "return x.map((row, p) => row.map((_, q) => dy[p >> 1][q >> 1]))",
    ],
    "loss": [
        "const e = z.map(Math.exp), t = e.reduce((a, b) => a + b); return e.map((v) => v / t)",
        "return z.map((_, k) => (k === target ? -dl : 0))",
        "const e = z.map(Math.exp), t = e.reduce((a, b) => a + b);"
        "return e.map((v, k) => v / t - (k === target ? 1 : 0))",  # without dl
    ],
}


@pytest.mark.parametrize("task", WRONG)
def test_a_backward_pass_is_checked(node: Node, study: dict[str, Any], task: str) -> None:
    solution = solution_of(node, study, "backward", task=task)[0]
    assert is_right(node, study, "backward", task=task, code=solution)
    for code in WRONG[task]:
        right, text = checked(node, study, "backward", task=task, code=code)
        assert not right
        assert "expected" in text or "finite differences give" in text
    code = "return nothing"
    told = checked(node, study, "backward", task=task, code=code)
    assert told == (False, "It does not run: nothing is not defined.")


def test_exercises_that_do_not_apply_are_left_out(node: Node, study: dict[str, Any]) -> None:
    """No squeezed logits, no plain gradient descent, and a study that cannot be trained."""
    models = study["study"]["models"]
    free = {
        name: model
        | {"architecture": model["architecture"] | {"activate_logits": False}}
        | {"optimizer": {"name": "adam", "lr": 0.01}}
        for name, model in models.items()
    }
    shown = node(SHOW, **(study | {"study": study["study"] | {"models": free}}))
    assert [name for name, _, _ in shown] == ["counting", "hardest", "backward"]
    untrainable = study | {"study": study["study"] | {"untrainable": "too large"}}
    shown = node(SHOW, **untrainable)
    assert [name for name, _, _ in shown] == ["counting", "lossFloor", "hardest", "backward"]
