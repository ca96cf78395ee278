"""Reads what runs now and which settings are in force, as evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from holdfast.delivery.deployer import Deployer, DeploymentState
from holdfast.delivery.settings import Settings
from holdfast.errors import HoldfastError
from holdfast.evidence.redact import MARK, Redactor
from holdfast.model.action import WorldState
from holdfast.model.base import utc_now
from holdfast.model.evidence import Cell, Evidence, EvidenceKind, Outcome, Table

_QUESTIONS_AT_ONCE = 8

COLUMNS = ("service", "version", "weight_percent", "in_progress")
SETTING_COLUMNS = (*COLUMNS, "setting", "value")
"""The columns where settings were read as well: a row is of a version, or of a setting."""


def read_world(
    deployers: Mapping[str, Deployer],
    services: Iterable[str],
    *,
    settings: Mapping[str, Settings] | None = None,
) -> tuple[WorldState, Evidence]:
    """Return what serves each service that has a deployer, and the evidence for it.

    `deployers` and `settings` are by service. A service whose deployer does not answer is missing
    from `versions`, one whose settings cannot be read from `settings`; the evidence then says
    `error`. Without anything to ask it says `no_data`.
    """
    asked_at = utc_now()
    known = sorted(set(services))
    wanted = [service for service in known if service in deployers]
    tuned = [service for service in known if service in (settings or {})]
    with ThreadPoolExecutor(_QUESTIONS_AT_ONCE) as pool:
        asked = [pool.submit(_ask, deployers[service], service) for service in wanted]
        read = [pool.submit(_settings, (settings or {})[service], service) for service in tuned]
        answers = [each.result() for each in asked]
        values = [each.result() for each in read]
    states = [answer for answer in answers if isinstance(answer, DeploymentState)]
    in_force = {s: v for s, v in zip(tuned, values, strict=True) if not isinstance(v, str)}
    errors = [answer for answer in (*answers, *values) if isinstance(answer, str)]
    world = WorldState(
        versions={state.service: dict(state.weights) for state in states}, settings=in_force
    )
    names = {deployers[s].name for s in wanted} | {(settings or {})[s].name for s in tuned}
    evidence = Evidence.seal(
        kind=EvidenceKind.COMMAND,
        query=f"current({', '.join(dict.fromkeys((*wanted, *tuned)))})",
        source=", ".join(sorted(names)) or "no deployer",
        asked_at=asked_at,
        outcome=_outcome(wanted + tuned, errors),
        value=_table(states, in_force, with_settings=bool(tuned)) if wanted or tuned else None,
        error="; ".join(errors),
    )
    return world, evidence


def _ask(deployer: Deployer, service: str) -> DeploymentState | str:
    """Return the state, or in words why there is none."""
    try:
        return deployer.current(service)
    except HoldfastError as error:
        return f"{service}: {error}"


def _settings(settings: Settings, service: str) -> dict[str, str] | str:
    """Return key → value, or in words why there is none."""
    try:
        return dict(settings.current(service))
    except HoldfastError as error:
        return f"settings of {service}: {error}"


def _table(
    states: Iterable[DeploymentState],
    in_force: Mapping[str, Mapping[str, str]],
    *,
    with_settings: bool,
) -> Table:
    rows = list(_rows(states))
    if not with_settings:
        return Table(columns=COLUMNS, rows=tuple(rows))
    padded = [(*row, None, None) for row in rows]
    padded += [
        (service, None, None, None, key, _shown(key, value))
        for service, settings in sorted(in_force.items())
        for key, value in sorted(settings.items())
    ]
    return Table(columns=SETTING_COLUMNS, rows=tuple(padded))


def _shown(key: str, value: str) -> str:
    """Return a value as evidence may carry it: what looks like a secret is taken out."""
    line = f"{key}={value}"
    return value if Redactor().text(line) == line else MARK


def _outcome(wanted: list[str], errors: list[str]) -> Outcome:
    if errors:
        return Outcome.ERROR
    return Outcome.DATA if wanted else Outcome.NO_DATA


def _rows(states: Iterable[DeploymentState]) -> Iterable[tuple[Cell, ...]]:
    for state in states:
        for version, percent in sorted(state.weights.items()):
            yield (state.service, version, percent, state.in_progress)
