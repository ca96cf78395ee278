"""The incidents as the terminal has heard of them: each event is folded once and told in lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from holdfast.ledger.fold import apply, fold
from holdfast.model.case import Case
from holdfast.model.event import Event
from holdfast.surfaces.cli.line import Line
from holdfast.surfaces.cli.render import render

Told = tuple[Event, list[Line]]
"""An event and what it says."""

History = Callable[[str], Sequence[Event]]
"""Returns all events of an incident: `Ledger.events`."""


@dataclass
class Chapter:
    """One incident: its case and the events that made it."""

    case: Case
    events: list[Event] = field(default_factory=list[Event])


class Story:
    """All incidents heard of. Not for several threads at once."""

    def __init__(self, history: History | None = None) -> None:
        self._history = history
        self._chapters: dict[str, Chapter] = {}

    @property
    def chapters(self) -> dict[str, Chapter]:
        """By incident id, in the order in which they were heard of."""
        return self._chapters

    def take(self, entry: Event) -> list[Told]:
        """Fold one event and tell it, behind what other processes appended before it.

        One that was heard already is not told again.
        """
        chapter = self._chapters.get(entry.incident_id)
        if chapter is None:
            return self._begin(entry)
        told: list[Told] = []
        for event in (*self._between(chapter.case.last_sequence, entry), entry):
            if event.sequence > chapter.case.last_sequence:
                told.append((event, render(event, chapter.case)))
                chapter.case = apply(chapter.case, event)
                chapter.events.append(event)
        return told

    def focus(self) -> Chapter | None:
        """Return the incident to look at: the last that is not concluded, else the last."""
        chapters = list(self._chapters.values())
        under_way = [chapter for chapter in chapters if not chapter.case.concluded]
        return (under_way or chapters or [None])[-1]

    def _between(self, known: int, entry: Event) -> list[Event]:
        """Return what another process appended in the meantime, an approval for example."""
        if entry.sequence <= known + 1 or self._history is None:
            return []
        history = self._history(entry.incident_id)
        return [event for event in history if known < event.sequence < entry.sequence]

    def _begin(self, entry: Event) -> list[Told]:
        """Start a chapter; of an incident that was opened earlier, the history is read.

        Of that only the opening is told: what the incident is about.
        """
        earlier: list[Event] = []
        if entry.sequence > 1 and self._history is not None:
            known = self._history(entry.incident_id)
            earlier = [event for event in known if event.sequence < entry.sequence]
        events = [*earlier, entry]
        self._chapters[entry.incident_id] = Chapter(fold(events), events)
        opening = [(event, render(event, None)) for event in earlier[:1]]
        return [*opening, (entry, render(entry, fold(earlier) if earlier else None))]
