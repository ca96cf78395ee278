"""How events are shown: live in a terminal, plain lines in a pipe, or JSON."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self, TextIO

from rich.console import Console

from holdfast.model.base import utc_now
from holdfast.model.case import Case
from holdfast.model.event import Event
from holdfast.surfaces.cli.line import Line
from holdfast.surfaces.cli.live import LiveView
from holdfast.surfaces.cli.print_rows import print_summary
from holdfast.surfaces.cli.sli import SliReader
from holdfast.surfaces.cli.story import History, Story


class View(Protocol):
    """A `with` block during which events are shown."""

    @property
    def story(self) -> Story:
        """The incidents heard of. Read it when the block has ended."""
        ...

    def on_event(self, entry: Event) -> None:
        """Show an event. May be called by any thread; one that was shown already is skipped."""
        ...

    def say(self, label: str, text: str) -> None:
        """Show something that is no event: what a laboratory does, for example."""
        ...

    def warn(self, label: str, text: str) -> None:
        """Show something that is no event and must be heard; beside JSON, on standard error."""
        ...

    def expect(self, text: str, seconds: float | None = None) -> None:
        """Name what is awaited while no incident is under way, and for how long at most."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def open_view(
    stream: TextIO,
    *,
    as_json: bool = False,
    autonomy: str = "observe",
    read_sli: SliReader | None = None,
    history: History | None = None,
) -> View:
    """Return the view that suits the stream. `history` tells earlier events of an incident."""
    if as_json:
        return LineView(stream, as_json=True, history=history)
    console = Console(file=stream)
    if not console.is_terminal or console.is_dumb_terminal:
        return LineView(stream, as_json=False, history=history)
    return LiveView(console, autonomy=autonomy, read_sli=read_sli, history=history)


class LineView:
    """One event a line: text without colours, or the event as it stands in the ledger."""

    def __init__(self, stream: TextIO, *, as_json: bool, history: History | None = None) -> None:
        self._stream = stream
        self._as_json = as_json
        self._story = Story(history)
        self._lock = threading.Lock()
        self._gone = False

    @property
    def story(self) -> Story:
        """See `View.story`."""
        return self._story

    def on_event(self, entry: Event) -> None:
        """See `View.on_event`."""
        with self._lock:
            for event, lines in self._story.take(entry):
                self._write(event.model_dump_json() if self._as_json else plain(event, lines))

    def say(self, label: str, text: str) -> None:
        """See `View.say`."""
        if not self._as_json:
            with self._lock:
                self._write(f"{utc_now():%Y-%m-%dT%H:%M:%SZ} {label:<12}{text}")

    def warn(self, label: str, text: str) -> None:
        """See `View.warn`."""
        if self._as_json:
            print(f"holdfast: {label}: {text}", file=sys.stderr)
        else:
            self.say(label, text)

    def expect(self, text: str, seconds: float | None = None) -> None:
        """See `View.expect`."""
        bound = "" if seconds is None else f", {seconds:g} s"
        self.say("waiting", f"{text}{bound}")

    def _write(self, text: str) -> None:
        if self._gone:
            return
        try:
            print(text, file=self._stream, flush=True)
        except BrokenPipeError:  # the reader has gone: stop as a person would stop it
            self._gone = True
            signal.raise_signal(signal.SIGTERM)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None


def plain(entry: Event, lines: Sequence[Line]) -> str:
    """Return an event as one line: when, which incident, what kind, and all that it says."""
    said = " · ".join(line.flat for line in lines)
    return f"{entry.at:%Y-%m-%dT%H:%M:%SZ} {entry.incident_id} {lines[0].label:<12}{said}"


def conclude(
    stream: TextIO, case: Case, events: Sequence[Event], now: datetime | None = None
) -> None:
    """Write the summary of an incident."""
    print_summary(Console(file=stream, highlight=False), case, events, now or utc_now())
