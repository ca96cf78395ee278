"""Reads what runs now, through the deployers, as evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from holdfast.delivery.deployer import Deployer, DeploymentState
from holdfast.errors import HoldfastError
from holdfast.model.action import WorldState
from holdfast.model.base import utc_now
from holdfast.model.evidence import Cell, Evidence, EvidenceKind, Outcome, Table

_QUESTIONS_AT_ONCE = 8

COLUMNS = ("service", "version", "weight_percent", "in_progress")


def read_world(
    deployers: Mapping[str, Deployer], services: Iterable[str]
) -> tuple[WorldState, Evidence]:
    """Return what serves each service that has a deployer, and the evidence for it.

    `deployers` is by service. A service whose deployer does not answer is missing from the
    world, and the evidence then says `error`; without any deployer it says `no_data`.
    """
    asked_at = utc_now()
    wanted = [service for service in sorted(set(services)) if service in deployers]
    with ThreadPoolExecutor(_QUESTIONS_AT_ONCE) as pool:
        answers = list(pool.map(_ask, (deployers[service] for service in wanted), wanted))
    states = [answer for answer in answers if isinstance(answer, DeploymentState)]
    errors = [answer for answer in answers if isinstance(answer, str)]
    world = WorldState(versions={state.service: dict(state.weights) for state in states})
    evidence = Evidence.seal(
        kind=EvidenceKind.COMMAND,
        query=f"current({', '.join(wanted)})",
        source=", ".join(sorted({deployers[service].name for service in wanted})) or "no deployer",
        asked_at=asked_at,
        outcome=_outcome(wanted, errors),
        value=Table(columns=COLUMNS, rows=tuple(_rows(states))) if wanted else None,
        error="; ".join(errors),
    )
    return world, evidence


def _ask(deployer: Deployer, service: str) -> DeploymentState | str:
    """Return the state, or in words why there is none."""
    try:
        return deployer.current(service)
    except HoldfastError as error:
        return f"{service}: {error}"


def _outcome(wanted: list[str], errors: list[str]) -> Outcome:
    if errors:
        return Outcome.ERROR
    return Outcome.DATA if wanted else Outcome.NO_DATA


def _rows(states: Iterable[DeploymentState]) -> Iterable[tuple[Cell, ...]]:
    for state in states:
        for version, percent in sorted(state.weights.items()):
            yield (state.service, version, percent, state.in_progress)
