"""What is being done is told on a terminal at once, elsewhere now and then."""

from __future__ import annotations

import io
import time

import pytest

from holdfast.surfaces.cli.progress import progress_on


def test_in_a_pipe_short_work_says_nothing_and_long_work_a_line_every_ten_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    stream = io.StringIO()
    with progress_on(stream) as tell:
        tell("first")
        now = 111.0
        tell("second")
        tell("third")
        now = 122.0
        tell("fourth")
    assert stream.getvalue() == "second\nfourth\n"


def test_on_a_terminal_the_line_is_gone_at_the_end() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with progress_on(stream) as tell:
        tell("the files are checked")
        time.sleep(0.2)
    assert "the files are checked" in stream.getvalue()
