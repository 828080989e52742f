"""The page's training: paused, stepped or at full speed, it comes to Python's bits."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.experiment.params import Train
from cnn_from_scratch.experiment.run import Run, train_run
from cnn_from_scratch.nn.architectures import SimpleCNN
from cnn_from_scratch.nn.optimizers import SGD, Adam
from page.study_json import dataset_json, model_json
from tests.browser.node import Node
from tests.experiment.studies import HOLDOUT, stripes

SMALL = stripes()
PLAIN = Train(epochs=12, batch_size=None, standardize=True)
MODELS = {
    "mine": (Model(SimpleCNN(), Adam(lr=0.05)), PLAIN),
    "stopped": (
        Model(SimpleCNN(activate_logits=False), SGD(lr=3.0)),
        replace(PLAIN, epochs=60, early_stopping=3, best_checkpoint=True, standardize=False),
    ),
}
STUDY: dict[str, Any] = {
    "dataset": dataset_json(SMALL),
    "seeds": [3, 4],
    "untrainable": None,
    "models": {name: model_json(model, HOLDOUT, train) for name, (model, train) in MODELS.items()},
}
# Time goes by 1 ms with every look at the clock; frames are kept until they are asked for.
BEGIN = """
let time = 0;
const waiting = [];
const later = (callback) => waiting.push(callback);
const clock = { now: () => time++, nextFrame: later, afterwards: later };
const frame = () => waiting.splice(0).forEach((callback) => callback());
const state = store({});
const trainer = new Trainer(study, state, clock);
"""


@pytest.fixture(scope="module", params=MODELS)
def trained(request: pytest.FixtureRequest) -> tuple[str, Run]:
    model, train = MODELS[request.param]
    return request.param, train_run(model, 3, SMALL, HOLDOUT, train)


@pytest.mark.parametrize(
    "how",
    [
        "while (!state.get().run.done) trainer.step();",
        "trainer.play(); while (waiting.length) frame();",
        "trainer.finish(); while (waiting.length) frame();",
        "trainer.play(); frame(); trainer.pause(); frame(); trainer.finish(); frame();",
        "trainer.play(); trainer.choose(name, 4); frame(); trainer.choose(name, 3);"
        "trainer.finish(); frame();",
    ],
)
def test_however_it_is_trained_it_is_python_s_run(
    node: Node, trained: tuple[str, Run], how: str
) -> None:
    name, theirs = trained
    code = f"""
        {BEGIN} trainer.choose(name, 3); {how}
        const {{ run, epoch, playing }} = state.get();
        const network = networkOf(study, name, run.snapshots[epoch]);
        return {{ ...run, network: null, epoch, playing, state: run.network.state(),
          seen: parametersDigest(network.state()) }};
    """
    ours = node(code, study=STUDY, name=name)
    assert ours["done"]
    assert not ours["playing"]
    assert [each["epoch"] for each in ours["history"]] == [*range(len(theirs.fit.history))]
    assert len(ours["snapshots"]) == len(ours["history"])
    assert ours["epoch"] == ours["checkpointEpoch"] == theirs.fit.checkpoint_epoch
    assert ours["state"].keys() == theirs.checkpoint.keys()
    for key, array in theirs.checkpoint.items():
        assert np.array_equal(ours["state"][key], array)
    assert ours["seen"] == ours["digest"]


def test_a_frame_trains_for_so_long_and_no_longer(node: Node) -> None:
    ours = node(
        f"""
        {BEGIN} trainer.choose("mine", 3); trainer.play();
        const trained = [];
        for (let i = 0; i < 2; i++) {{ frame(); trained.push(state.get().run.history.length - 1); }}
        return trained;
        """,
        study=STUDY,
    )
    assert ours == [8, 12]  # the clock is looked at after each epoch; then there are none left


def test_the_epoch_shown_follows_unless_an_earlier_one_is_looked_at(node: Node) -> None:
    ours = node(
        f"""
        {BEGIN} trainer.choose("mine", 3);
        trainer.step(); trainer.step();
        const seen = [state.get().epoch];
        state.set({{ epoch: 1 }});
        trainer.step();
        return [...seen, state.get().epoch, state.get().run.snapshots.length];
        """,
        study=STUDY,
    )
    assert ours == [2, 1, 4]


def test_a_study_to_look_at_has_the_recorded_parameters(
    node: Node, trained: tuple[str, Run]
) -> None:
    name, theirs = trained
    records = {"history": [], "checkpoint_epoch": theirs.fit.checkpoint_epoch}
    study = STUDY | {
        "untrainable": "it is too large",
        "parameters": {name: {"3": theirs.checkpoint}},
        "records": {name: {"3": records}},
    }
    ours = node(
        f"""
        {BEGIN} trainer.choose(name, 3); trainer.play(); frame();
        const {{ run, epoch, playing }} = state.get();
        const {{ test }} = run.samples;
        const count = test.targets.length;
        return {{ state: run.snapshots[epoch], count, playing, done: run.done }};
        """,
        study=study,
        name=name,
    )
    assert (ours["done"], ours["playing"], ours["count"]) == (True, False, 9)
    for key, array in theirs.checkpoint.items():
        assert np.array_equal(ours["state"][key], array)


def test_a_run_may_have_other_settings_than_the_study(node: Node) -> None:
    _, train = MODELS["mine"]
    changed = Model(SimpleCNN(activate_logits=False), SGD(lr=0.5))
    ours = node(
        f"""
        {BEGIN} trainer.choose("mine", 3, settings); trainer.finish(); frame();
        const {{ run, epoch, model }} = state.get();
        const seen = viewer()({{ model, run, epoch }});
        return {{ theta: run.network.theta, layers: seen.layers.length, seen: seen.theta }};
        """,
        study=STUDY,
        settings=model_json(changed, HOLDOUT, train),
    )
    theirs = train_run(changed, 3, SMALL, HOLDOUT, train)
    assert np.array_equal(ours["theta"], theirs.checkpoint["theta"])
    assert np.array_equal(ours["seen"], ours["theta"])
    assert ours["layers"] == 1 + len(changed.architecture.layers(3))  # the standardization first
