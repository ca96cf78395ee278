"""What changed in production, from every source that the configuration names.

A line that cannot be read is never dropped in silence: `read` returns it as a gap, and calling
the log raises SourceError naming file and line, if by its neighbours' times the lost change could
lie in the window that was asked for. A file is taken to be in the order of time, as an appended
log is. Events of another environment are left out, and `read` counts them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from holdfast.catalog.cdevents import CDEvent, parse_line, to_change
from holdfast.catalog.git_tags import read_tags
from holdfast.errors import SourceError, SourceUnavailable
from holdfast.model.change import Change, ChangeType
from holdfast.model.config import ChangesSettings, Config

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_FAR_AHEAD = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class LostLine:
    """A line that is no event; the change that it told lies between two times."""

    where: str
    problem: str
    after: datetime
    before: datetime
    unfinished: bool
    """The file's last line, without its end: most likely being written at this moment."""

    def __str__(self) -> str:
        state = "is not complete yet" if self.unfinished else "cannot be read as a CDEvent"
        return f"{self.where}: the line {state}: {self.problem}"


@dataclass(frozen=True)
class ChangesRead:
    """Changes in order of time, and what could not be read."""

    changes: tuple[Change, ...]
    gaps: tuple[str, ...]


class ChangeLog:
    """All changes of a configuration; nothing is kept, so each call sees what is new."""

    def __init__(self, config: Config) -> None:
        self._settings = config.changes
        self._environments = {config.environment, *(s.environment for s in config.services)}

    def __call__(self, start_unix: float, end_unix: float) -> tuple[Change, ...]:
        """Return the changes that took effect in the window (ends included), oldest first.

        Raises SourceError where a lost line could hide one of them, SourceUnavailable where a
        file or repository cannot be read.
        """
        read, lost = self._read(start_unix, end_unix)
        if lost:
            raise SourceError(
                "; ".join(str(line) for line in lost),
                hint="correct or remove the line: it may hide the change that matters",
            )
        return read.changes

    def read(self, start_unix: float, end_unix: float) -> ChangesRead:
        """Return what can be read, with every gap in words. Raises SourceUnavailable only."""
        read, lost = self._read(start_unix, end_unix)
        return ChangesRead(read.changes, (*read.gaps, *(str(line) for line in lost)))

    def _read(self, start_unix: float, end_unix: float) -> tuple[ChangesRead, list[LostLine]]:
        start = datetime.fromtimestamp(start_unix, UTC)
        end = datetime.fromtimestamp(end_unix, UTC)
        events: list[Change] = []
        gaps: list[str] = []
        lost: list[LostLine] = []
        for settings in self._of_kind("cdevents"):
            file = read_file(settings.path, self._environments, settings.service)
            events.extend(file.changes)
            gaps.extend(_foreign(settings.path, file.foreign))
            within = [line for line in file.lost if line.after <= end and line.before >= start]
            gaps.extend(str(line) for line in within if line.unfinished)
            lost.extend(line for line in within if not line.unfinished)
        tags = [
            change
            for settings in self._of_kind("git_tags")
            for change in read_tags(settings.path, settings.service or settings.path.name)
        ]
        merged = merge(events, tags)
        inside = tuple(change for change in merged if _overlaps(change, start, end))
        return ChangesRead(inside, tuple(gaps)), lost

    def _of_kind(self, kind: str) -> Iterator[ChangesSettings]:
        return (settings for settings in self._settings if settings.kind == kind)


def _overlaps(change: Change, start: datetime, end: datetime) -> bool:
    return change.at <= end and (change.finished_at or change.at) >= start


def merge(events: Iterable[Change], tags: Iterable[Change]) -> tuple[Change, ...]:
    """Return all changes by time; a tag of a version whose deployment is recorded is left out.

    A deployment that does not say what ran before gets the version of the one before it.
    """
    recorded = list(events)
    known = {(change.service, change.to_version) for change in recorded}
    alone = [tag for tag in tags if (tag.service, tag.to_version) not in known]
    in_order = sorted((*recorded, *alone), key=lambda change: (change.at, change.id))
    return tuple(_with_versions_before(in_order))


def _with_versions_before(changes: Sequence[Change]) -> Iterator[Change]:
    running: dict[str, str | None] = {}
    for change in changes:
        if change.type is ChangeType.DEPLOYMENT and change.predicate != "changed":
            before = running.get(change.service)
            running[change.service] = change.to_version
            if change.from_version is None and before is not None:
                yield change.model_copy(update={"from_version": before})
                continue
        yield change


# ---- one file of CDEvents --------------------------------------------------------------------


@dataclass(frozen=True)
class FileRead:
    """A file's changes, its lost lines, and how many events name another environment."""

    changes: tuple[Change, ...]
    lost: tuple[LostLine, ...]
    foreign: Mapping[str, int]


def read_file(path: Path, environments: set[str], service: str | None) -> FileRead:
    """Return what a file of CDEvents says; `service` keeps those of one service only.

    Events of one deployment, or one event that was delivered twice, are one change: as the last
    of them tells it.
    """
    lines = _lines(path)
    parsed = [_parse(text, f"{path}:{number}") for number, text in lines]
    complete = not lines or lines[-1][1].endswith("\n")
    found = [event for event in parsed if isinstance(event, CDEvent)]
    ours = [event for event in found if event.environment in {None, *environments}]
    told = ((event.key, to_change(event, f"CDEvents of {path}")) for event in ours)
    changes = {key: change for key, change in told if change is not None}
    return FileRead(
        changes=tuple(c for c in changes.values() if service in (None, c.service)),
        lost=tuple(_lost(parsed, complete)),
        foreign=Counter(e.environment or "" for e in found if e not in ours),
    )


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceUnavailable(
            f"the changes file {path} cannot be read: {error}",
            hint="correct `changes` in the configuration, or make the file readable",
        ) from error
    *whole, last = text.split("\n")  # not splitlines: JSON may hold other separators
    numbered = enumerate((*(f"{line}\n" for line in whole), last), start=1)
    return [(number, line) for number, line in numbered if line.strip()]


def _parse(text: str, where: str) -> CDEvent | tuple[str, str]:
    """The event, or where it should stand and what is wrong."""
    try:
        return parse_line(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        return where, f"{field}: {first['msg']}" if field else first["msg"]


def _lost(parsed: Sequence[CDEvent | tuple[str, str]], complete: bool) -> Iterator[LostLine]:
    for index, entry in enumerate(parsed):
        if isinstance(entry, CDEvent):
            continue
        before = (e for e in reversed(parsed[:index]) if isinstance(e, CDEvent))
        after = (e for e in parsed[index + 1 :] if isinstance(e, CDEvent))
        yield LostLine(
            where=entry[0],
            problem=entry[1],
            after=next((e.context.timestamp for e in before), _LONG_AGO),
            before=next((e.context.timestamp for e in after), _FAR_AHEAD),
            unfinished=index == len(parsed) - 1 and not complete,
        )


def _foreign(path: Path, counts: Mapping[str, int]) -> Iterator[str]:
    for environment, count in sorted(counts.items()):
        yield f"{path}: {count} events of the environment {environment!r} were left out"
