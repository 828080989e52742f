"""One line about all runs, on a terminal and elsewhere."""

import sys

import pytest

from engine import progress as module
from engine.progress import progress


def test_elsewhere_it_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with progress(4, 2) as shown:
        shown.done()
        shown.show(3)  # too soon for a line
        monkeypatch.setattr(module, "EVERY", 0.0)
        shown.begun -= 3599
        shown.done(failed=True)
        shown.show(2)
        shown.done()
        shown.done()
    assert capsys.readouterr() == (
        "training: 1 of 4 runs done, 2 restored, 2 running, 1 failed, 59:59 left\n"
        "training: 3 of 4 runs done, 2 restored, 0 running, 1 failed\n",
        "",
    )


def test_it_ends_with_what_came_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(0, 2):
        pass
    assert (
        capsys.readouterr().out == "training: 0 of 0 runs done, 2 restored, 0 running, 0 failed\n"
    )


def test_where_there_is_nothing_to_do_it_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(0, 0):
        pass
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_it_is_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress(2, 1) as shown:
        shown.done()
        shown.show(1)
        shown.done(failed=True)
    out, shows = capsys.readouterr()
    assert out == ""
    assert "1/2" in shows
    assert "1 restored, 1 running, 0 failed" in shows
    assert "1 restored, 0 running, 1 failed" in shows.split("\r")[-1]
