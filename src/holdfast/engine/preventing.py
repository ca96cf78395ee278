"""Prevention: a rule for the mechanism is derived, proven on what was recorded, put in force.

The rule's file is written before the ledger names it, and written the same again by whoever takes
the stage up after a crash; where no rule is proven, none of this incident is left in force.
"""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.engine.investigating import keep
from holdfast.engine.stage import Entries
from holdfast.engine.world import World
from holdfast.errors import LedgerError
from holdfast.learning.prevention.derive import derive_rule
from holdfast.learning.prevention.spans import trouble_span
from holdfast.learning.questions import Span
from holdfast.ledger.fold import fold
from holdfast.model.case import Case
from holdfast.model.event import Prevented
from holdfast.model.slo import SLO
from holdfast.reasoning.reasoner import Proposal
from holdfast.slo.rule_files import put_in_force, withdraw


def prevent(case: Case, proposal: Proposal, world: World) -> Iterator[Entries]:
    """Put a rule in force that would have told of the incident earlier, or say why there is none.

    Where no rule can be derived or proven that is an answer, not an error.
    """
    del proposal
    derived = derive_rule(
        case,
        world.config,
        world.toolbox.ask,
        others=_others(case, world),
        now=world.now(),
    )
    folder = world.config.data_folder
    if derived.prevention is not None:
        put_in_force(folder, case.incident_id, [derived.prevention.rule])
    else:
        withdraw(folder, case.incident_id)
    prevented = Prevented(prevention=derived.prevention, reason=derived.reason)
    yield [*keep(*derived.evidence), ("prevented", prevented)]


def _others(case: Case, world: World) -> Iterator[Span]:
    """Yield when other incidents may have moved signals; one that cannot be read is no reason to
    stop: from its first entry on nothing counts as healthy.
    """
    margin_seconds = _margin_seconds(world.config.slos)
    for incident_id in world.ledger.incident_ids():
        if incident_id == case.incident_id:
            continue
        try:
            other = fold(world.ledger.events(incident_id))
        except LedgerError:
            yield Span(0.0, case.opened_at.timestamp())
        else:
            yield trouble_span(other, margin_seconds=margin_seconds)


def _margin_seconds(slos: tuple[SLO, ...]) -> float:
    """Return how long before an onset trouble may have begun: the fastest tier's long window."""
    return min((tier.long_window_seconds for slo in slos for tier in slo.tiers), default=0.0)
