"""The incidents as the terminal has heard of them: each event is folded once and told in lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from holdfast.ledger.fold import apply, fold
from holdfast.model.case import Case
from holdfast.model.event import Event
from holdfast.surfaces.cli.line import Line
from holdfast.surfaces.cli.render import render

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

    def take(self, entry: Event) -> list[Line]:
        """Fold one event and return its lines; one that was heard already has none."""
        chapter = self._chapters.get(entry.incident_id)
        if chapter is None:
            return self._begin(entry)
        lines: list[Line] = []
        for event in (*self._between(chapter.case.last_sequence, entry), entry):
            if event.sequence > chapter.case.last_sequence:
                lines += render(event, chapter.case)
                chapter.case = apply(chapter.case, event)
                chapter.events.append(event)
        return lines

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

    def _begin(self, entry: Event) -> list[Line]:
        """Start a chapter; of an incident that was opened earlier, the history is read."""
        earlier: list[Event] = []
        if entry.sequence > 1 and self._history is not None:
            known = self._history(entry.incident_id)
            earlier = [event for event in known if event.sequence < entry.sequence]
        case = fold(earlier) if earlier else None
        lines = render(entry, case)
        events = [*earlier, entry]
        self._chapters[entry.incident_id] = Chapter(fold(events), events)
        return lines
