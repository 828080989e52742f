"""The page as Chromium shows it: trained there, by mouse and keyboard, and nothing leaves it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from explain import html_page
from page.explained import parameters, preparation
from page.params_json import params_json
from page.study_json import parameters_digest
from tests.browser.experiment.test_study import record, study
from tests.browser.page.chromium import Tab, opened
from tests.headless import needs_browser
from tests.workflow.project import ROOT

pytestmark = [pytest.mark.release, needs_browser]

NAMES = ("S-SGD", "E-Adam")
WRONG = 64 * "0"


def checkpoint(name: str) -> bytes:
    return record(name, 0)["checkpoint.npz"]


@pytest.fixture(scope="module")
def shown() -> dict[str, Any]:
    """Return two of the study's models with one seed, as the page holds them."""
    return study() | {
        "seeds": [0],
        "models": {name: study()["models"][name] for name in NAMES},
        "untrainable": None,
        "digests": {name: {0: parameters_digest(checkpoint(name))} for name in NAMES},
        "parameters": {name: {0: parameters(checkpoint(name))} for name in NAMES},
        "preparation": {name: preparation(checkpoint(name)) for name in NAMES},
        "params": params_json(ROOT / "params.yaml"),
    }


@pytest.fixture
def tab(shown: dict[str, Any], tmp_path: Path) -> Iterator[Tab]:
    with tab_of(shown, tmp_path) as opened_tab:
        yield opened_tab
        assert opened_tab.problems == []


def tab_of(study: dict[str, Any], folder: Path) -> Any:
    page = folder / "explain.html"
    page.write_text(html_page(study, "The study"), encoding="utf-8")
    return opened(page, folder / "profile")


def result(tab: Tab) -> str:
    """Return what is said of a run, once it is done."""
    tab.wait_for("document.querySelector('#result').textContent")
    return str(tab.evaluate("document.querySelector('#result').textContent"))


def choose(tab: Tab, label: str, value: str) -> None:
    tab.evaluate(f"""{{
        const labels = [...document.querySelectorAll("label")];
        const select = labels.find((each) => each.textContent.startsWith({label!r})).control;
        select.value = {value!r};
        select.dispatchEvent(new Event("change"));
    }}""")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", ["Train", "To the end"])
def test_it_trains_to_the_recorded_bits(
    tab: Tab, shown: dict[str, Any], name: str, how: str
) -> None:
    choose(tab, "Model", name)
    assert tab.evaluate("document.querySelector('#result').textContent") == ""
    tab.press(how)
    said = result(tab)
    assert said.startswith("\u2713 Trained to the same bits as the recorded run.")
    assert said.endswith(shown["digests"][name][0])


def test_other_bits_get_a_cross_and_both_digests(shown: dict[str, Any], tmp_path: Path) -> None:
    ours = shown["digests"]["S-SGD"][0]
    with tab_of(shown | {"digests": {"S-SGD": {0: WRONG}}}, tmp_path) as tab:
        tab.press("To the end")
        said = result(tab)
    assert said.startswith("\u2717 Not the bits of the recorded run.")
    assert re.findall("[0-9a-f]{64}", said) == [ours, WRONG]


def test_what_it_cannot_train_it_shows(shown: dict[str, Any], tmp_path: Path) -> None:
    records = {"S-SGD": {0: {"history": [], "checkpoint_epoch": 0}}}
    epochs = [
        {"epoch": i, **{part: {"loss": 1.0, "accuracy": 0.5} for part in ("train", "val")}}
        for i in range(301)
    ]
    records["S-SGD"][0] = {"history": epochs, "checkpoint_epoch": 300}
    only = {"models": {"S-SGD": shown["models"]["S-SGD"]}, "records": records}
    with tab_of(shown | only | {"untrainable": "its numerics are native"}, tmp_path) as tab:
        said = result(tab)
        buttons = tab.evaluate(
            "[...document.querySelectorAll('button')].filter((b) => b.checkVisibility())"
            ".map((b) => b.textContent)"
        )
        assert tab.problems == []
    assert "its numerics are native" in said
    assert said.endswith(shown["digests"]["S-SGD"][0])
    assert not {"Train", "One epoch", "To the end"} & {*buttons}


def test_no_request_can_leave_it(shown: dict[str, Any], tmp_path: Path) -> None:
    with tab_of(shown, tmp_path) as tab:
        tab.evaluate(
            "window.refused = 0; addEventListener('securitypolicyviolation', () => refused++)"
        )
        for made in ("fetch('https://example.org/')", "import('https://example.org/a.js')"):
            assert tab.evaluate(f"{made}.then(() => 'left', (error) => error.name)") == "TypeError"
        tab.evaluate("{ new Image().src = 'https://example.org/a.png'; }")
        tab.wait_for("refused === 3")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 800, 1400])
def test_nothing_is_wider_than_the_window(tab: Tab, width: int, scheme: str) -> None:
    tab.look(width, scheme)
    for name in NAMES:
        choose(tab, "Model", name)
        tab.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))")
        assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_it_is_used_by_keyboard(tab: Tab) -> None:
    """From the skip link to Train, then from a layer's heading into its pictures."""
    tab.key("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    tab.key("Enter")
    for _ in range(3):
        tab.key("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Train"
    tab.key("Enter")
    assert "same bits" in result(tab)
    tab.evaluate("document.querySelector('.card button').focus()")
    tab.key("Enter")
    tab.wait_for("document.querySelector('.card.open')")
    for _ in range(3):
        tab.key("Tab")  # past W and b
    tab.key("ArrowRight")
    tab.key("ArrowDown")
    said = tab.evaluate("document.activeElement.closest('.card').querySelector('output').value")
    assert re.fullmatch(r"y\[0,1,1\] = \u2212?\d\.\d+", said)


def test_every_control_and_picture_has_a_name(tab: Tab) -> None:
    nameless = tab.evaluate("""
        [...document.querySelectorAll("button, input, select, canvas, svg, section, [role]")]
          .filter((each) => !each.closest("[hidden], [aria-hidden]"))
          .filter((each) => !["status", "alert"].includes(each.getAttribute("role")))
          .filter((each) => !(each.ariaLabel || each.labels?.length || each.textContent.trim()))
          .map((each) => each.outerHTML.slice(0, 80))
    """)
    assert nameless == []


def test_free_logits_are_trained_beside(tab: Tab) -> None:
    choose(tab, "Model", "E-Adam")
    tab.press("To the end")
    tab.wait_for("document.querySelectorAll('#logits .dead').length === 2")
    tab.press("Train the same run with free logits")
    tab.wait_for("document.querySelector('#logits').textContent.includes('free logits, epoch 300')")
    assert tab.evaluate("document.querySelectorAll('#logits > div:last-child .dead').length") == 0


def test_other_settings_are_trained_and_compared_with_nothing(tab: Tab) -> None:
    tab.evaluate("""{
        const labels = [...document.querySelectorAll("#settings label")];
        const { control } = labels.find((each) => each.textContent.startsWith("Learning rate"));
        control.value = 0.5;
        control.dispatchEvent(new Event("input", { bubbles: true }));
    }""")
    tab.press("Train again")
    said = result(tab)
    assert said.startswith("Trained by other settings: no recorded run has these.")
    tab.press("Start again")
    tab.press("To the end")
    assert result(tab).startswith("\u2713")
