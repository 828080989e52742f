"""A run in the browser is Python's, whatever is asked for: its history, network and predictions."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from cnn_from_scratch.experiment.dataset import Dataset
from cnn_from_scratch.experiment.models import Model
from cnn_from_scratch.experiment.params import Augmentation, Split, Train
from cnn_from_scratch.experiment.run import train_run
from cnn_from_scratch.nn.architectures import EnhancedCNN, LeNet, SimpleCNN, Stack, VGGSmall
from cnn_from_scratch.nn.layers import Dense, Flatten
from cnn_from_scratch.nn.optimizers import NAG, SGD, Adam, AdamW, Momentum
from cnn_from_scratch.nn.schedules import Cosine, StepDecay
from page.study_json import dataset_json, model_json
from tests.browser.node import Node, NodeError
from tests.experiment.studies import DIVERGING, HOLDOUT, RESUBSTITUTION, stripes
from tests.portability.digest import OTHER_MODEL, OTHER_TRAINING

RUN = """
const { fit, network, scores, predictions } = trainRun(study, "mine", 3);
return { ...fit, state: network.state(), scores, predictions };
"""

AUGMENTED = Augmentation(shift=1, rotation=15.0, noise=0.05, flip=True)
SMALL = stripes()
PLAIN = Train(epochs=12, batch_size=None)
SIMPLE = Model(SimpleCNN(), Adam(lr=0.05))
CASES: Mapping[str, tuple[Model, Dataset, Split, Train]] = {
    "plain": (SIMPLE, SMALL, HOLDOUT, PLAIN),
    "resubstitution": (SIMPLE, stripes(test=0), RESUBSTITUTION, PLAIN),
    "minibatches": (
        Model(SimpleCNN(), Momentum(), StepDecay(every=3, gamma=0.5, warmup_epochs=2)),
        SMALL,
        HOLDOUT,
        replace(PLAIN, batch_size=7),
    ),
    "augmented": (SIMPLE, SMALL, HOLDOUT, replace(PLAIN, augment=AUGMENTED)),
    "step by step": (
        Model(
            EnhancedCNN(batch_norm=True, dropout=0.2),
            NAG(),
            Cosine(0.1, warmup_epochs=2, by="step"),
        ),
        SMALL,
        HOLDOUT,
        replace(PLAIN, batch_size=5, standardize=True, augment=AUGMENTED),
    ),
    "stopped early": (
        Model(SimpleCNN(activate_logits=False), SGD(lr=3.0)),
        SMALL,
        HOLDOUT,
        replace(PLAIN, epochs=60, early_stopping=3, best_checkpoint=True),
    ),
    "diverging": (DIVERGING, SMALL, HOLDOUT, replace(PLAIN, epochs=60)),
    "diverging past the limit": (  # the losses of one layer are finite for long
        Model(Stack((Flatten(), Dense(3))), SGD(lr=1e10, weight_decay=1.0)),
        SMALL,
        HOLDOUT,
        replace(PLAIN, epochs=60),
    ),
    "in chunks": (Model(SimpleCNN(), SGD()), stripes(4000), HOLDOUT, Train(3, None)),
    "large minibatches": (SIMPLE, stripes(4000), HOLDOUT, Train(2, batch_size=2000)),
    "other layers": (OTHER_MODEL, SMALL, HOLDOUT, replace(OTHER_TRAINING, epochs=9)),
    "lenet": (
        Model(LeNet(3, 3), AdamW()),
        stripes(shape=(1, 8, 8)),
        HOLDOUT,
        replace(PLAIN, epochs=3),
    ),
    "vgg_small": (
        Model(VGGSmall(2), AdamW()),
        stripes(shape=(3, 8, 8)),
        HOLDOUT,
        Train(3, batch_size=8, standardize=True),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_it_has_the_same_bits(node: Node, name: str) -> None:
    model, dataset, split, train = CASES[name]
    study = {
        "dataset": dataset_json(dataset),
        "models": {"mine": model_json(model, split, train)},
    }
    ours, theirs = node(RUN, study=study), train_run(model, 3, dataset, split, train)
    history = [
        {"epoch": epoch, "train": of_train._asdict(), "val": of_val._asdict()}
        for epoch, of_train, of_val in theirs.fit.history
    ]
    assert ours["history"] == history
    assert ours["diverged"] == theirs.fit.diverged == name.startswith("diverging")
    assert ours["checkpointEpoch"] == theirs.fit.checkpoint_epoch
    assert ours["scores"] == {key: score._asdict() for key, score in theirs.scores.items()}
    assert ours["state"].keys() == theirs.checkpoint.keys()
    for key, array in theirs.checkpoint.items():
        assert np.array_equal(ours["state"][key], array)
    for key, predictions in theirs.predictions.items():
        assert dataset.names(np.array(ours["predictions"][key])) == predictions.predicted


def test_early_stopping_was_tried() -> None:
    model, dataset, split, train = CASES["stopped early"]
    fit = train_run(model, 3, dataset, split, train).fit
    assert len(fit.history) < 61
    assert fit.checkpoint_epoch < fit.history[-1].epoch


STUDY = {
    "dataset": dataset_json(SMALL),
    "models": {"mine": model_json(SIMPLE, HOLDOUT, PLAIN)},
}


def test_a_page_may_step_pause_and_look(node: Node) -> None:
    """Between two steps the network is the epoch's; going on gives the same as never to pause."""
    ours = node(
        """
        const { network, epochs } = startRun(study, "mine", 3);
        const seen = [];
        let step = epochs.next();
        while (!step.done) {
          seen.push([step.value, network.theta.slice()]);
          step = epochs.next();
        }
        const through = trainRun(study, "mine", 3);
        return { seen, history: through.fit.history, end: through.network.theta };
        """,
        study=STUDY,
    )
    assert [epoch for epoch, _ in ours["seen"]] == ours["history"]
    thetas = [theta.tolist() for _, theta in ours["seen"]]
    assert thetas[-1] == ours["end"].tolist()
    assert len({*map(tuple, thetas)}) == len(thetas) == 13


def test_an_unknown_model_is_refused(node: Node) -> None:
    with pytest.raises(NodeError, match="models: unknown other; known: mine"):
        node("return startRun(study, 'other', 0)", study=STUDY)


def test_a_network_without_a_logit_for_each_class_is_refused(node: Node) -> None:
    stack = {"name": "stack", "stack": [{"name": "flatten"}, {"name": "dense", "out_features": 2}]}
    study = STUDY | {
        "models": {"mine": model_json(SIMPLE, HOLDOUT, PLAIN) | {"architecture": stack}}
    }
    with pytest.raises(NodeError, match=r"expected 3 logits, the architecture gives \[2\]"):
        node("return startRun(study, 'mine', 0)", study=study)
