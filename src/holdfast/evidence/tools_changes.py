"""Read tools about what was changed: deployments, other changes, and a release's diff."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from holdfast.errors import InputError, NotFound, SourceUnavailable
from holdfast.evidence.context import Span, ToolContext, look_back, seal
from holdfast.evidence.gitdiff import GitRepository
from holdfast.evidence.redact import Redactor
from holdfast.model.change import Change, ChangeType
from holdfast.model.evidence import Cell, Evidence, EvidenceKind, Table, Text
from holdfast.model.hypothesis import Argument

CHANGE_COLUMNS = (
    *("id", "type", "service", "at", "finished_at", "predicate"),
    *("from_version", "to_version", "summary", "source", "actor"),
)
SETTING_COLUMNS = (*CHANGE_COLUMNS, "setting", "from_value", "to_value")
"""The columns where one of the changes is of a setting."""


class ChangeTools:
    """The tools' functions over one context.

    An empty table is data: the log of changes was read and holds none. Where no log is configured
    the answer is an error.
    """

    def __init__(self, context: ToolContext) -> None:
        self._context = context

    def get_recent_deployments(
        self,
        services: Sequence[str] | str = (),
        lookback_minutes: float = 60.0,
        until: float | None = None,
    ) -> Evidence:
        """List deployments that began within the window; without `services`, those of all."""
        wanted = _several(services)
        for name in wanted:
            self._context.service(name)
        span = look_back(self._context, lookback_minutes, until)
        found = [
            change
            for change in self._read(span)
            if change.type is ChangeType.DEPLOYMENT and (not services or change.service in services)
        ]
        asked: dict[str, Argument] = {
            "services": wanted,
            "lookback_minutes": lookback_minutes,
        }
        return self._sealed("get_recent_deployments", asked, span, found)

    def get_recent_changes(
        self,
        types: Sequence[str] | str = (),
        lookback_minutes: float = 60.0,
        until: float | None = None,
    ) -> Evidence:
        """List changes that began within the window; without `types`, those of all types.

        Types: deployment, config, flag, infrastructure, traffic.
        """
        names = _several(types)
        wanted = {_type_of(name) for name in names} or set(ChangeType)
        span = look_back(self._context, lookback_minutes, until)
        found = [change for change in self._read(span) if change.type in wanted]
        asked: dict[str, Argument] = {"types": names, "lookback_minutes": lookback_minutes}
        return self._sealed("get_recent_changes", asked, span, found)

    def get_deployment_diff(
        self, service: str, from_version: str, to_version: str, context_lines: int = 20
    ) -> Evidence:
        """Show the commits and the unified diff between two versions of a service's repository.

        The first lines are the commits, `commit HASH TIME SUBJECT`; secrets are taken out.
        """
        repository = self._repository(service)
        commits = repository.commits(from_version, to_version)
        diff = repository.diff(from_version, to_version, context_lines=context_lines)
        head = "".join(f"commit {commit}\n" for commit in commits)
        return seal(
            self._context,
            "get_deployment_diff",
            {
                "service": service,
                "from_version": from_version,
                "to_version": to_version,
                "context_lines": context_lines,
            },
            kind=EvidenceKind.DIFF,
            source=repository.name,
            value=Text(text=f"{head}\n{diff}"),
        )

    def _repository(self, service: str) -> GitRepository:
        path = self._context.service(service).repository
        if path is None:
            raise NotFound(
                f"{service} has no repository", hint="services[].repository in holdfast.yaml"
            )
        return GitRepository(
            self._context.base_folder / Path(path).expanduser(),
            self._context.redactor,
            timeout_seconds=self._context.git_timeout_seconds,
        )

    def _read(self, span: Span) -> Sequence[Change]:
        if self._context.changes is None:
            raise SourceUnavailable(
                "no source of changes is configured", hint="add `changes:` to holdfast.yaml"
            )
        return sorted(self._context.changes(span.start, span.end), key=lambda c: (c.at, c.id))

    def _sealed(
        self, tool: str, asked: dict[str, Argument], span: Span, found: Sequence[Change]
    ) -> Evidence:
        return seal(
            self._context,
            tool,
            asked,
            kind=EvidenceKind.CHANGE,
            source="changes",
            value=change_table(found),
            span=span,
        )


def _several(names: Sequence[str] | str) -> tuple[str, ...]:
    """Return names as a tuple; one alone may be given as it is."""
    return (names,) if isinstance(names, str) else tuple(names)


def change_table(changes: Sequence[Change]) -> Table:
    """Return changes as rows of `CHANGE_COLUMNS`, or of `SETTING_COLUMNS`; times are RFC 3339."""
    told = tuple(changes)
    if not any(change.setting for change in told):
        return Table(columns=CHANGE_COLUMNS, rows=tuple(_row(change) for change in told))
    rows = tuple((*_row(c), *_setting(c)) for c in told)
    return Table(columns=SETTING_COLUMNS, rows=rows)


def _setting(c: Change) -> tuple[str, str | None, str | None]:
    """Return what was set, and from what to what; a value that looks like a secret is left out."""
    return c.setting, _public(c.setting, c.from_value), _public(c.setting, c.to_value)


def _public(key: str, value: str | None) -> str | None:
    line = f"{key}={value}"
    return value if Redactor().text(line) == line else None


def _row(c: Change) -> tuple[Cell, ...]:
    return (
        *(c.id, c.type.value, c.service, _iso(c.at), _iso(c.finished_at), c.predicate),
        *(c.from_version, c.to_version, c.summary, c.source, c.actor),
    )


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _type_of(name: str) -> ChangeType:
    try:
        return ChangeType(name)
    except ValueError:
        known = ", ".join(kind.value for kind in ChangeType)
        raise InputError(f"{name!r} is no type of change", hint=f"known: {known}") from None
