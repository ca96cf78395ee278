"""The embedded reasoner: deterministic, no key, no model, no knowledge of any particular system.

Each call reads the case anew: which hypotheses there are, what their answers say, what to ask
next, whether to act. Nothing is remembered between calls, no clock and no chance is consulted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from holdfast.diagnosis.board import Board, assess, changed
from holdfast.diagnosis.graph import uncatalogued
from holdfast.diagnosis.judge import Judged
from holdfast.diagnosis.scene import Scene, Settings, set_scene
from holdfast.diagnosis.signals import Gap
from holdfast.model.action import Action
from holdfast.model.case import Case
from holdfast.model.runbook import Runbook
from holdfast.model.service import Service
from holdfast.model.slo import SLO
from holdfast.reasoning import narrate
from holdfast.reasoning.mitigation import has_moved, is_relief, is_under_way, plan_action
from holdfast.reasoning.reasoner import Proposal


@dataclass(frozen=True)
class _Step:
    """What was decided; the proposal is rendered from it."""

    board: Board
    proposal: Proposal


class EmbeddedReasoner:
    """Implements `Reasoner`. `settings` are the team's constants, in seconds."""

    def __init__(
        self,
        services: Mapping[str, Service],
        slos: Iterable[SLO],
        *,
        settings: Settings,
        runbooks: Mapping[str, Runbook],
    ) -> None:
        self._services = services
        self._slos = {slo.name: slo for slo in slos}
        self._settings = settings
        self._runbooks = runbooks

    @property
    def name(self) -> str:
        """How the ledger names the actor."""
        return "embedded"

    def propose(self, case: Case) -> Proposal:
        """Return the next step. A pure function of the case and of what it was made with.

        `continue` with nothing in it = wait: for tests under way, for an action, for a person.
        """
        if case.triage is None:
            return Proposal(reason=narrate.NOT_TRIAGED)
        scene = set_scene(case, self._services, self._slos, self._settings)
        board = assess(case, scene)
        step = self._decide(case, scene, board)
        return narrate.render(_on_record(step, case), case)

    def _decide(self, case: Case, scene: Scene, board: Board) -> _Step:
        acted = bool(case.actions) and not _is_to_be_followed(case)
        ahead = board if acted else replace(board, mechanisms=_known(board, case))
        tests = ahead.wanted(with_mechanisms=acted)
        if tests or case.open_tests:
            return _Step(ahead, Proposal(tests=tests))
        action = self._next_action(case, scene, board)
        if isinstance(action, Action):
            return _Step(ahead, Proposal(action=action))
        gaps = (*self._blind_spots(case), *action)
        deeper = board.wanted(with_mechanisms=True)
        if deeper:
            return _Step(board, Proposal(tests=deeper))
        latest = case.latest_action
        if latest is not None and is_under_way(latest):
            return _Step(board, Proposal(reason=narrate.waiting_for(latest)))
        return _end(case, scene, board.settled(), gaps)

    def _next_action(self, case: Case, scene: Scene, board: Board) -> Action | tuple[Gap, ...]:
        """Return the action for a leading cause, or why none is proposed (now)."""
        latest = case.latest_action
        if board.recovered and latest is None:
            return ()
        if latest is not None and (is_under_way(latest) or not _is_to_be_followed(case)):
            return ()
        if board.is_quiet and latest is None:
            return (Gap(narrate.QUIET),)
        return plan_action(board, case, scene, self._runbooks)

    def _blind_spots(self, case: Case) -> tuple[str, ...]:
        names = uncatalogued(case.opened.service, self._services)
        return (
            *(case.triage.gaps if case.triage else ()),
            *(narrate.blind_spot(name) for name in names),
        )


def _end(case: Case, scene: Scene, board: Board, more_gaps: tuple[str, ...]) -> _Step:
    """Nothing is left to ask or to do: done, or a person is needed, with the gaps."""
    gaps = tuple(dict.fromkeys(gap for gap in (*board.gaps(), *more_gaps) if gap))
    if scene.effect is not None and not is_relief(scene.effect):
        return _Step(board, Proposal(next="done", reason=narrate.mitigated(board), gaps=gaps))
    if board.recovered and not case.actions:
        return _Step(board, Proposal(next="done", reason=narrate.recovered(board), gaps=gaps))
    reason = narrate.escalated(board, case.latest_action)
    return _Step(board, Proposal(next="escalate", reason=reason, gaps=gaps))


def _is_to_be_followed(case: Case) -> bool:
    """Whether the latest action did not help, helped in part, or met a world that had moved."""
    latest = case.latest_action
    if latest is None:
        return False
    in_vain = latest.verdict is not None and latest.verdict.effect == "not_seen"
    return in_vain or is_relief(latest) or has_moved(latest)


def _known(board: Board, case: Case) -> tuple[Judged, ...]:
    """Mechanisms wait until the action is under way, unless they are on record already."""
    return tuple(j for j in board.mechanisms if j.hypothesis.id in case.hypotheses)


def _on_record(step: _Step, case: Case) -> Proposal:
    """Add what the ledger does not hold yet: new hypotheses, and changed judgements."""
    new = [j.hypothesis for j in step.board.all if j.hypothesis.id not in case.hypotheses]
    judged = changed(step.board, case.hypotheses)
    return step.proposal.model_copy(
        update={
            "new_hypotheses": tuple(new),
            "judged": tuple((h, narrate.judgement(h, case)) for h in judged),
        }
    )
