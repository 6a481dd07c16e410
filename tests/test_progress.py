"""Progress: a bar in a terminal, and off one a line now and then."""

import logging
from collections.abc import Iterator
from itertools import count
from types import SimpleNamespace

import pytest

from animl_kedro.progress import track


@pytest.fixture
def slow_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on by 20 seconds whenever somebody looks."""
    ticks = count(0, 20)
    monkeypatch.setattr("animl_kedro.progress.time", SimpleNamespace(monotonic=lambda: float(next(ticks))))


@pytest.fixture(params=["0", "1"], ids=["in a log", "in a terminal"])
def console(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", request.param)


@pytest.mark.usefixtures("console")
def test_track_gives_every_item_in_order() -> None:
    assert list(track(range(5), "counting", total=5)) == [0, 1, 2, 3, 4]
    assert list(track([], "counting", total=0)) == []


@pytest.mark.usefixtures("console")
def test_track_takes_an_item_when_it_is_asked_for() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(3):
            taken.append(item)
            yield item

    tracked = track(items(), "counting", total=3)
    assert taken == []
    next(tracked)
    assert taken == [0]


@pytest.mark.usefixtures("console")
def test_track_passes_an_error_of_the_items_on() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        list(track(items(), "counting", total=3))


def test_track_in_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")
    list(track(range(5), "counting sheep", total=5))
    output = capsys.readouterr()
    assert "counting sheep" in output.err
    assert "5/5" in output.err
    assert output.out == ""


@pytest.mark.usefixtures("slow_clock")
def test_track_off_a_terminal_writes_a_line_each_half_minute(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "0")
    with caplog.at_level(logging.INFO, logger="animl_kedro.progress"):
        list(track(range(5), "counting", total=5))
    assert caplog.messages == [
        "counting: 2 of 5, 0.1/s, about 60 s to go",
        "counting: 4 of 5, 0.1/s, about 20 s to go",
    ]
    assert capsys.readouterr().err == ""


def test_track_off_a_terminal_is_silent_about_short_work(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "0")
    with caplog.at_level(logging.INFO, logger="animl_kedro.progress"):
        list(track(range(5), "counting", total=5))
    assert caplog.messages == []
