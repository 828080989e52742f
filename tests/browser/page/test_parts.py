"""The parts of the page do in a browser what their texts promise."""

from pathlib import Path
from typing import Any

import pytest

from tests.browser.node import Node
from tests.browser.page.harness import evaluated, page_study
from tests.headless import needs_browser

pytestmark = [pytest.mark.release, needs_browser]


@pytest.fixture
def small(study: dict[str, Any]) -> dict[str, Any]:
    return page_study(study["study"], study["states"])


DRAWING = """
const root = document.querySelector("#draw");
const canvas = root.querySelector(".draw-pad");
const box = canvas.getBoundingClientRect();
const point = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type, {
  clientX: box.left + x * box.width, clientY: box.top + y * box.height, pointerId: 1, bubbles: true,
}));
canvas.setPointerCapture = () => {};
const key = (name, more = {}) => {
  canvas.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, ...more }));
};
const seen = () => ({
  verdict: root.querySelector(".draw-verdict").textContent,
  bars: [...root.querySelectorAll(".draw-bar-text")].map((bar) => bar.textContent),
});
const button = (text) => [...root.querySelectorAll("button")].find((b) => b.textContent === text);
"""


def test_a_digit_is_drawn_with_pointer_and_keys(tmp_path: Path, small: dict[str, Any]) -> None:
    told = evaluated(
        tmp_path / "page.html",
        small,
        DRAWING
        + """
        const empty = seen();
        point("pointerdown", 0.5, 0.1);
        point("pointermove", 0.5, 0.5);
        point("pointermove", 0.5, 0.9);
        point("pointerup", 0.5, 0.9);
        const drawn = seen();
        root.querySelector("select").value = "seeds";
        root.querySelector("select").dispatchEvent(new Event("change"));
        const ofAll = seen();
        await pause(1000);
        const said = root.querySelector("[role=status]").textContent;
        key("z", { ctrlKey: true });
        const undone = seen();
        key("ArrowUp");
        for (let i = 0; i < 3; i++) { key(" "); key("ArrowDown"); }
        const typed = seen();
        button("Undo").click();
        const less = seen();
        button("Clear").click();
        return { empty, drawn, ofAll, said, undone, typed, less, cleared: seen() };
        """,
    )
    for state in ("empty", "undone", "cleared"):
        assert told[state] == {
            "verdict": "Nothing drawn yet.",
            "bars": ["\N{EN DASH}"] * 3,
        }
    for state in ("drawn", "ofAll", "typed", "less"):
        percents = [float(text.removesuffix(" %")) for text in told[state]["bars"]]
        assert sum(percents) == pytest.approx(100, abs=0.2)
        best = max(range(3), key=percents.__getitem__)
        name = small["dataset"]["class_names"][best]
        assert told[state]["verdict"].startswith(f"{name}, with {told[state]['bars'][best]}")
    assert told["typed"] != told["less"]
    assert "of 3 networks agree" in told["ofAll"]["verdict"]
    assert told["said"] == f"It reads {told['ofAll']['verdict']}."


def test_settings_are_changed_and_trained(
    tmp_path: Path, small: dict[str, Any], node: Node
) -> None:
    told = evaluated(
        tmp_path / "page.html",
        small,
        """
        const root = document.querySelector("#settings");
        const text = (part) => root.querySelector(part).textContent;
        const seen = () => ({ notice: text("form ~ [role=status]"), command: text("code"),
          digest: text(".settings-digest"), problems: text(".settings-problems"),
          hidden: root.querySelector(".settings-command").hidden });
        const field = (label) => [...root.querySelectorAll("label")]
          .find((each) => each.textContent.startsWith(label)).querySelector("input, select");
        const enter = (label, value, type) => {
          field(label).value = value;
          field(label).dispatchEvent(new Event(type, { bubbles: true }));
        };
        const train = [...root.querySelectorAll("button")].find((b) => /Train/.test(b.textContent));
        const committed = seen();
        enter("Learning", "-1", "input");
        const wrong = { ...seen(), disabled: train.disabled };
        enter("Optimizer", "nag", "change");
        enter("Logits", "false", "change");
        enter("Learning", "0.25", "input");
        const changed = seen();
        train.click();
        return { committed, wrong, changed, trained: seen() };
        """,
    )
    assert told["committed"]["hidden"]
    assert "committed settings of S-SGD" in told["committed"]["notice"]
    assert told["wrong"]["problems"] == "lr: expected a number above 0, got -1"
    assert told["wrong"]["hidden"]
    assert told["wrong"]["disabled"]
    assert "no longer the committed one" in told["changed"]["notice"]
    assert told["changed"]["command"] == (
        "dvc exp run -S models.S-SGD.architecture.activate_logits=false"
        " -S models.S-SGD.optimizer.name=nag -S models.S-SGD.optimizer.lr=0.25"
    )
    model = small["models"]["S-SGD"]
    model = model | {
        "architecture": model["architecture"] | {"activate_logits": False},
        "optimizer": {"name": "nag", "lr": 0.25, "momentum": 0.9, "weight_decay": 0},
    }
    digest = node(
        "return parametersDigest(trainRun(study, 'S-SGD', 0).network.state())",
        study=small | {"models": {"S-SGD": model}},
    )
    assert told["trained"]["digest"] == f"The experiment's run of seed 0 has this digest: {digest}"


EXERCISE = """
const cards = [...document.querySelectorAll(".exercise")];
const card = cards.find((each) => each.querySelector("h3").textContent.includes(title));
const verdict = () => card.querySelector(".exercise-verdict").textContent;
const done = async () => { while (verdict().startsWith("Working")) await pause(10); };
const check = async () => {
  card.querySelector("[type=submit]").click();
  await done();
  return verdict();
};
const solve = async () => {
  [...card.querySelectorAll("button")].find((b) => /solution/.test(b.textContent)).click();
  await done();
  return card.querySelector(".exercise-solution").innerText;
};
"""


def test_exercises_are_checked_and_solved(tmp_path: Path, small: dict[str, Any]) -> None:
    told = evaluated(
        tmp_path / "page.html",
        small,
        f"""
        const title = "Count";
        {EXERCISE}
        const input = card.querySelector("input");
        const empty = await check();
        const solution = await solve();
        const counts = solution.match(/\\d+(?=\\.)/g);
        card.querySelectorAll("input").forEach((each, i) => (each.value = counts[i]));
        return {{ count: cards.length, empty, solution, right: await check() }};
        """,
    )
    assert told["count"] == 6
    assert told["empty"].startswith("✗ Not yet.")
    assert told["right"].startswith("✓ Right.")


def test_code_is_run_apart_from_the_page(tmp_path: Path, small: dict[str, Any]) -> None:
    """The page's policy allows no code from text, and an endless loop ends."""
    told = evaluated(
        tmp_path / "page.html",
        small,
        f"""
        const title = "backward";
        {EXERCISE}
        const box = card.querySelector("textarea");
        const verdicts = {{}};
        const start = box.value;
        verdicts.start = await check();
        verdicts.solution = await solve();
        box.value = verdicts.solution;
        verdicts.right = await check();
        box.value = "for (;;) {{}}";
        verdicts.endless = await check();
        box.value = "return ((";
        verdicts.broken = await check();
        box.value = "return document.title";
        verdicts.page = await check();
        box.value = "return () => 1";
        verdicts.odd = await check();
        return verdicts;
        """,
    )
    assert "finite differences give" in told["start"]
    assert told["right"].startswith("✓ Right.")
    assert "it takes too long: an endless loop?" in told["endless"]
    assert "SyntaxError" in told["broken"]
    assert "document is not defined" in told["page"]
    assert told["odd"].startswith("✗ Not yet. It does not run:")


def test_an_equation_follows_the_place(tmp_path: Path, small: dict[str, Any]) -> None:
    told = evaluated(
        tmp_path / "page.html",
        small,
        """
        const root = document.querySelector("#equations");
        const seen = async () => {
          await pause(100);
          return root.querySelector(".equation-numbers p").textContent;
        };
        const canvas = root.querySelector("canvas");
        const key = (name) => {
          canvas.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
        };
        const select = root.querySelector("select");
        const first = await seen();
        const layers = [...select.options].map(({ text }) => text);
        key("ArrowDown");
        const down = await seen();
        key("ArrowUp");
        const up = await seen();
        key("ArrowDown");
        key("ArrowRight"); // before anything is drawn
        const both = await seen();
        const { network, samples } = context.state.get().run;
        const outputs = network.forward(samples.train.x).outputs;
        const expected = outputs[0].data[0];
        const lines = [];
        for (let i = 0; i < layers.length; i++) {
          context.state.set({ layer: i });
          lines.push(await seen());
        }
        return { layers, first, down, up, both, expected, lines };
        """,
    )
    assert told["layers"][0] == "1. Conv2D"
    assert told["layers"][-1].endswith("Softmax and loss")
    assert told["first"].startswith("y[0,0,0] = ")
    assert told["first"] == told["up"]
    assert told["down"].startswith("y[0,1,0] = ")
    assert told["both"].startswith("y[0,1,1] = ")
    shown = told["first"].rpartition(" = ")[2].replace("\N{MINUS SIGN}", "-")
    assert float(shown) == pytest.approx(told["expected"], rel=1e-3)
    assert len(set(told["lines"])) == len(told["layers"])


def test_everything_has_a_name_and_fits_a_telephone(tmp_path: Path, small: dict[str, Any]) -> None:
    told = evaluated(
        tmp_path / "page.html",
        small,
        """
        main.style.width = "345px"; // of 375, with margins
        await pause(100);
        const fields = [...main.querySelectorAll("input, select, textarea, canvas, pre[tabindex]")];
        const named = (each) =>
          each.hasAttribute("aria-label") || each.closest("label")?.textContent.trim();
        const right = (each) => each.getBoundingClientRect().right;
        const wide = [...main.querySelectorAll("*")]
          .filter((each) => !each.closest("math") && each.checkVisibility())
          .filter((each) => right(each) > right(main) + 1);
        return {
          count: fields.length,
          unnamed: fields.filter((each) => !named(each)).map(({ outerHTML }) => outerHTML),
          wide: wide.map(({ outerHTML }) => outerHTML),
          live: main.querySelectorAll("[role=status], [role=alert], [aria-live]").length,
        };
        """,
    )
    assert told["count"] > 15
    assert told["unnamed"] == []
    assert told["wide"] == []
    assert told["live"] > 10
