"""The networks that the page looks at are the run's, at the epoch that is shown."""

import numpy as np

from tests.browser.node import Node
from tests.browser.page.test_trainer import BEGIN, STUDY


def test_it_shows_the_epoch_that_is_asked_for_and_training_goes_on(node: Node) -> None:
    ours = node(
        f"""
        {BEGIN} trainer.choose("mine", 3);
        const shown = viewer();
        trainer.step(); trainer.step();
        const {{ model, run }} = state.get();
        const thetas = [0, 1, 2, 0].map((epoch) => shown({{ model, run, epoch }}).theta.slice());
        trainer.finish(); frame();
        return {{ thetas, snapshots: run.snapshots.map(({{ theta }}) => theta),
          end: run.network.theta, again: trainRun(study, "mine", 3).network.theta }};
        """,
        study=STUDY,
    )
    for theta, epoch in zip(ours["thetas"], [0, 1, 2, 0], strict=True):
        assert np.array_equal(theta, ours["snapshots"][epoch])
    assert len({theta.tobytes() for theta in ours["thetas"]}) == 3
    assert np.array_equal(ours["end"], ours["again"])


def test_weights_and_gradients_are_told_by_their_names(node: Node) -> None:
    """Also of a layer that keeps running statistics, which nothing is differentiated by."""
    ours = node("""
        const layers = [
          new Conv2D({ outChannels: 2, kernelSize: 2 }), new BatchNorm(), new Flatten(),
          new Dense({ outFeatures: 3 }),
        ];
        const network = new Sequential(layers, [1, 3, 3], (i) => new RandomState(0, [1, i]));
        const x = batchOf([1, 3, 3], [[1, 2, 3, 4, 5, 6, 7, 8, 9]]);
        const pass = passOf(network, { x, targets: [1] });
        const pairs = (i, theta) =>
          weightsOf(network, i, theta).map(({ name, numbers }) => [name, numbers]);
        const named = (theta) => layers.map((_, i) => Object.fromEntries(pairs(i, theta)));
        return { weights: named(), params: network.params, gradients: named(pass.dtheta),
          dtheta: pass.dtheta };
    """)
    assert [[*weights] for weights in ours["weights"]] == [
        ["W", "b"],
        ["gamma", "beta"],
        [],
        ["W", "b"],
    ]
    for weights, params in zip(ours["weights"], ours["params"], strict=True):
        for name, numbers in weights.items():
            assert np.array_equal(numbers, params[name])
    gradients = [each for layer in ours["gradients"] for each in layer.values()]
    assert np.array_equal(np.concatenate(gradients), ours["dtheta"])
    assert [len(each) for each in gradients] == [8, 2, 2, 2, 24, 3]


def test_the_batch_s_gradient_is_that_of_the_next_update(node: Node) -> None:
    ours = node(
        """
        const { network, samples } = startRun(study, "stopped", 3);
        const { loss, dtheta } = passOf(network, samples.train);
        return { loss, dtheta, gradient: gradient(network, samples.train),
          scored: evaluate(network, samples.train).loss };
        """,
        study=STUDY,
    )
    assert ours["loss"] == ours["scored"]
    assert np.array_equal(ours["dtheta"], ours["gradient"])
