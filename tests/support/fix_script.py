"""The script's incident, with a permanent fix: told by hand up to the end that is asked for."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

from holdfast.ledger.fold import fold
from holdfast.model import event as ev
from holdfast.model.case import Case
from holdfast.model.event import Event
from holdfast.model.evidence import Evidence
from holdfast.model.incident import IncidentOutcome, Milestone, Status
from holdfast.model.slo import SLO, RatioIndicator
from support.fix_story import FixEnding, FixTale
from surfaces.incident_script import INCIDENT, START, STORY, Timed, make_events

BEFORE: tuple[Timed, ...] = tuple(t for t in STORY if t[0] <= 19.0)
"""Up to the verified mitigation."""

RELEASED_AT, ENDED_AT = 738.6, 742.0

SLO_OF_LABELS = SLO(
    name="parcels-latency",
    service="parcels",
    kind="latency",
    indicator=RatioIndicator(bad_query="bad[$window]", total_query="all[$window]"),
    objective=0.95,
    threshold_seconds=0.3,
    period_seconds=7200,
)


class Script:
    """Collects what is told, each so many seconds after the script's start."""

    def __init__(self) -> None:
        self.timed: list[Timed] = list(BEFORE)

    def say(self, seconds: float, *payloads: ev.Payload) -> None:
        """Tell payloads."""
        self.timed += [(seconds, payload) for payload in payloads]

    def kept(self, seconds: float, *items: Evidence) -> None:
        """Keep evidence."""
        self.say(seconds, *(ev.EvidenceKept(evidence=item) for item in items))

    def case(self) -> Case:
        """The incident as told so far."""
        return fold(make_events(self.timed))


def fix_events(ending: FixEnding, *, until: float = ENDED_AT) -> list[Event]:
    """Return the whole incident with its fix, as far as it was told until then."""
    return make_events([t for t in _told(ending) if t[0] <= until], INCIDENT)


@cache
def _told(ending: FixEnding) -> tuple[Timed, ...]:
    script = Script()
    FixTale(script, script.case, START, SLO_OF_LABELS).tell(ending)
    fixed = ending == "released"
    if fixed:
        at = START + timedelta(seconds=RELEASED_AT)
        script.say(739.5, ev.MilestoneReached(milestone=Milestone(name="resolved", at=at)))
    outcome = IncidentOutcome.FIXED if fixed else IncidentOutcome.MITIGATED_ONLY
    ended = ev.StatusChanged(status=Status.LEARNING, outcome=outcome, reason="see the fix")
    script.say(740, ended)
    script.say(741, ev.ContractChecked(met=("a",), unmet=()))
    script.say(742, ev.StatusChanged(status=Status.CLOSED, reason="the contract holds"))
    return tuple(sorted(script.timed, key=lambda t: t[0]))  # looks and evidence, by their times
