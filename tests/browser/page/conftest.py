"""A small study as the page has it: two models, three seeds, sixty epochs."""

from dataclasses import replace
from typing import Any

import pytest

from cnn_from_scratch.experiment.params import Params
from page.study_json import study_json
from tests.browser.experiment.test_study import PARAMS, dataset
from tests.browser.node import Node

NAMES = ("S-SGD", "E-Adam")
SEEDS = (0, 1, 2)
EPOCHS = 60

# What the page gives its parts. `states` are of the recorded networks, by model and seed.
CONTEXT = """
const networkOf = ({ models, dataset }, name, parameters) => {
  const network = buildNetwork(resolveModel(models[name]), 0, dataset);
  network.restore(parameters);
  return network;
};
const library = {
  startRun, softmax, softmaxCrossEntropy, parametersDigest, sampleOf, batchOf, networkOf,
};
const context = { study: { ...study, parameters: states }, library };
const rest = async () => {};
"""

TRAINED = """
const ofEach = (keys, f) => Object.fromEntries(keys.map((key) => [key, f(key)]));
const ofSeed = (name, seed) => trainRun(study, name, seed).network.state();
return ofEach(Object.keys(study.models), (name) =>
  ofEach(study.seeds, (seed) => ofSeed(name, seed)));
"""


def small_params() -> Params:
    """Return the study's parameters, cut down; with so few epochs, S-SGD learns faster."""
    train = replace(PARAMS.train, epochs=EPOCHS)
    models = {name: replace(PARAMS.models[name], train=train) for name in NAMES}
    models["S-SGD"] = replace(models["S-SGD"], optimizer={"name": "sgd", "lr": 8.0})
    return replace(PARAMS, models=models, seeds=SEEDS)


@pytest.fixture(scope="session")
def study(node: Node) -> dict[str, Any]:
    """Return {study, states}, the values that CONTEXT takes."""
    small = study_json(small_params(), dataset())
    return {"study": small, "states": node(TRAINED, study=small)}
