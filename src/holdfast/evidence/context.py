"""What the read tools need of a team's world, and what their answers have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from holdfast.errors import InputError, NotFound
from holdfast.evidence.ask import Asker, window_of
from holdfast.evidence.redact import Redactor
from holdfast.evidence.source import MetricsSource
from holdfast.model.base import utc_now
from holdfast.model.change import Change
from holdfast.model.evidence import Evidence, EvidenceKind, Outcome, Table, Text, Window
from holdfast.model.hypothesis import Argument
from holdfast.model.service import Service

ChangeReader = Callable[[float, float], Sequence[Change]]
"""Returns the changes that began within a window of Unix seconds, both ends included."""


@dataclass(frozen=True)
class ToolContext:
    """`changes` is None where no source of changes is configured."""

    source: MetricsSource
    services: Mapping[str, Service] = field(default_factory=dict[str, Service])
    changes: ChangeReader | None = None
    redactor: Redactor = field(default_factory=Redactor)
    clock: Callable[[], datetime] = utc_now
    git_timeout_seconds: float = 20.0
    base_folder: Path = Path()
    """What relative paths of repositories and logs are relative to."""

    @property
    def asker(self) -> Asker:
        """What asks the metrics source."""
        return Asker(self.source, self.clock)

    def service(self, name: str) -> Service:
        """Return a service of the catalog, or raise NotFound."""
        if name not in self.services:
            known = ", ".join(sorted(self.services)) or "none"
            raise NotFound(f"there is no service {name}", hint=f"known: {known}")
        return self.services[name]


@dataclass(frozen=True)
class Span:
    """A window that a question looks back over, in Unix seconds."""

    start: float
    end: float

    @property
    def window(self) -> Window:
        """The window as evidence names it."""
        return window_of(self.start, self.end)


def look_back(context: ToolContext, lookback_minutes: float, until: float | None) -> Span:
    """Return the window of that length which ends at `until`; None is now."""
    if not lookback_minutes > 0:
        raise InputError(f"lookback_minutes is {lookback_minutes:g}; it must be above 0")
    end = context.clock().timestamp() if until is None else float(until)
    return Span(end - lookback_minutes * 60, end)


def seal(
    context: ToolContext,
    tool: str,
    arguments: Mapping[str, Argument],
    *,
    kind: EvidenceKind,
    source: str,
    value: Table | Text | None,
    outcome: Outcome = Outcome.DATA,
    span: Span | None = None,
    error: str = "",
) -> Evidence:
    """Return evidence whose query is the call, with `until` pinned, so that it can be repeated."""
    pinned = dict(arguments)
    if span is not None:
        pinned["until"] = span.end
    asked = ", ".join(f"{name}={given!r}" for name, given in pinned.items())
    return Evidence.seal(
        kind=kind,
        query=f"{tool}({asked})",
        source=source,
        asked_at=context.clock(),
        outcome=outcome,
        value=value,
        window=span.window if span else None,
        error=error,
    )
