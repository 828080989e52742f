"""The progress of a run where standard error is no terminal: a few plain lines."""

import time

import pytest

from cnn_from_scratch.experiment.progress import progress
from cnn_from_scratch.nn.training import Epoch, Score


def lines_of_a_run(epochs: int, capsys: pytest.CaptureFixture[str], stop: int | None = None) -> str:
    with progress("S-Adam seed 0", epochs, 77) as on_epoch:
        for epoch in range((epochs if stop is None else stop) + 1):
            on_epoch(Epoch(epoch, Score(1.23456, 0.5), Score(2.0, 0.25)))
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err


def test_the_lines_of_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    scores = "train loss 1.235 nats, accuracy 50.0%, validation 25.0%"
    assert lines_of_a_run(300, capsys) == (
        f"S-Adam seed 0: epoch 100/300, {scores}\n"
        f"S-Adam seed 0: epoch 200/300, {scores}\n"
        f"S-Adam seed 0: epoch 300/300, {scores}\n"
    )


@pytest.mark.parametrize("epochs", [*range(1, 20), 97, 100, 299, 301, 1000])
def test_a_run_of_any_length_has_few_lines_and_the_last(
    epochs: int, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = lines_of_a_run(epochs, capsys).splitlines()
    assert len(lines) == min(epochs, 3)
    assert f"epoch {epochs}/{epochs}," in lines[-1]


def test_a_run_that_stops_early_has_fewer_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert lines_of_a_run(300, capsys, stop=0) == ""
    assert len(lines_of_a_run(300, capsys, stop=250).splitlines()) == 2


def test_a_long_run_tells_its_pace_and_speaks_each_minute(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with progress("LeNet seed 0", 300, 60_000) as on_epoch:
        for epoch in range(11):
            on_epoch(Epoch(epoch, Score(1.0, 0.5), Score(2.0, 0.25)))
            now += 40.0
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == [
        f"LeNet seed 0: epoch {epoch}/300" for epoch in (2, 4, 6, 8, 10)
    ]
    assert lines[-1].endswith(", 1,500 samples/s, 3:13:20 left")
