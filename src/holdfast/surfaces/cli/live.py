"""The live view: reasoning scrolls by above, the incident's state stands below.

Events come from any thread. One thread draws; another asks the objectives' recent past, so that
a slow source holds nothing up.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from holdfast.errors import HoldfastError
from holdfast.model.base import utc_now
from holdfast.model.event import Event
from holdfast.surfaces.cli.frame import Expected, Scene, frame
from holdfast.surfaces.cli.line import Line, Tone
from holdfast.surfaces.cli.phases import detected_at
from holdfast.surfaces.cli.sli import SliReader, SliTrack
from holdfast.surfaces.cli.story import History, Story
from holdfast.surfaces.cli.styles import since, styled

_DRAW_SECONDS = 0.2
_SLI_SECONDS = 1.0


class LiveView:
    """A `with` block during which events are shown as they come. See `views.open_view`."""

    def __init__(
        self,
        console: Console,
        *,
        autonomy: str,
        read_sli: SliReader | None = None,
        history: History | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._console = console
        self._autonomy = autonomy
        self._read_sli = read_sli
        self._clock = clock
        self._story = Story(history)
        self._events: queue.SimpleQueue[Event | Line] = queue.SimpleQueue()
        self._tracks: tuple[SliTrack, ...] = ()
        self._sli_problem = ""
        self._passing = ""
        self._expected: Expected | None = None
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._draw, name="live view", daemon=True)]
        if read_sli is not None:
            asker = threading.Thread(target=self._ask_sli, name="live objectives", daemon=True)
            self._threads.append(asker)
        self._live = Live(
            console=console, auto_refresh=False, transient=True, redirect_stderr=False
        )

    @property
    def story(self) -> Story:
        """What was told. Read it when the `with` block has ended."""
        return self._story

    def on_event(self, entry: Event) -> None:
        """Take an event, from any thread."""
        self._events.put(entry)

    def say(self, label: str, text: str) -> None:
        """See `View.say`."""
        self._events.put(Line(label, text, Tone.DIM))

    def warn(self, label: str, text: str) -> None:
        """See `View.warn`."""
        self._events.put(Line(label, text, Tone.WARN))

    def expect(self, text: str, seconds: float | None = None) -> None:
        """See `View.expect`."""
        self._expected = Expected(text, self._clock(), seconds)

    def __enter__(self) -> Self:
        self._live.start()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._threads[0].join()
        self._live.stop()

    def _draw(self) -> None:
        while not self._stopping.wait(_DRAW_SECONDS):
            self._draw_once()
        self._draw_once()

    def _draw_once(self) -> None:
        width = self._console.width
        rows: list[Text] = []
        while not self._events.empty():
            rows += self._told(self._events.get(), width)
        with self._console:  # one write to the terminal: nothing flickers
            if rows:
                self._console.print(*rows, sep="\n", soft_wrap=True)
            rows = frame(self._scene(), width, self._console.height)
            self._live.update(Group(*rows), refresh=True)

    def _told(self, entry: Event | Line, width: int) -> list[Text]:
        if isinstance(entry, Line):
            return styled(entry, f"{self._clock():%H:%M}", width)
        told = self._story.take(entry)
        began = detected_at(self._story.chapters[entry.incident_id].case)
        return [row for event, lines in told for row in self._rows(event, lines, began, width)]

    def _rows(
        self, event: Event, lines: Sequence[Line], began: datetime, width: int
    ) -> Iterator[Text]:
        for line in lines:
            if line.routine:
                self._passing = line.flat
            else:
                yield from styled(line, since(began, event.at), width)

    def _scene(self) -> Scene:
        focus = self._story.focus()
        open_count = sum(not c.case.concluded for c in self._story.chapters.values())
        return Scene(
            now=self._clock(),
            autonomy=self._autonomy,
            chapter=focus,
            tracks=self._tracks,
            sli_problem=self._sli_problem,
            passing=self._passing,
            others=max(0, open_count - 1),
            expected=self._expected,
        )

    def _ask_sli(self) -> None:
        assert self._read_sli is not None
        while not self._stopping.is_set():
            try:
                self._tracks, self._sli_problem = self._read_sli(), ""
            except HoldfastError as error:
                self._sli_problem = str(error)
            except RuntimeError:
                if not self._stopping.is_set():  # else the source was closed while it was asked
                    raise
            self._stopping.wait(_SLI_SECONDS)
