"""The store tells its listeners what has changed, and nothing else."""

from tests.browser.node import Node


def test_listeners_are_told_of_changes_alone(node: Node) -> None:
    told = node("""
        const state = store({ model: "a", seed: 0 });
        const told = [];
        const end = state.subscribe((values, changed) => told.push([{ ...values }, changed]));
        state.set({ model: "a", seed: 1 });
        state.set({ model: "a" });
        end();
        state.set({ seed: 2 });
        return [told, state.get()];
    """)
    assert told == [[[{"model": "a", "seed": 1}, ["seed"]]], {"model": "a", "seed": 2}]


def test_a_listener_may_change_the_store(node: Node) -> None:
    ours = node("""
        const state = store({ epoch: 0, last: 0 });
        state.subscribe(({ epoch }) => state.set({ last: epoch }));
        state.set({ epoch: 7 });
        return state.get();
    """)
    assert ours == {"epoch": 7, "last": 7}
