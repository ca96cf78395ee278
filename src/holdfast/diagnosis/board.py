"""All hypotheses of a case, judged together: rivals yield, mechanisms follow their causes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from holdfast.diagnosis.candidates import candidates, mechanisms
from holdfast.diagnosis.judge import Judged, judge
from holdfast.diagnosis.observe import Reading
from holdfast.diagnosis.scene import Scene
from holdfast.model.case import Case
from holdfast.model.hypothesis import Hypothesis, HypothesisStatus, Test

_OVER = "the symptom was over before its cause could be examined"
_CHANGED_TOO = "a change to {service} would look the same; what follows on undoing it would tell"
_IN_DOUBT = (HypothesisStatus.OPEN, HypothesisStatus.SUSPECTED)


@dataclass(frozen=True)
class Board:
    """What is believed now. `causes` are rivals; `others` are the symptom's state and claims."""

    causes: tuple[Judged, ...]
    others: tuple[Judged, ...]
    mechanisms: tuple[Judged, ...]
    not_asked: tuple[str, ...] = ()
    """Why mechanisms of which nothing can be asked here were not put forward."""

    @property
    def all(self) -> tuple[Judged, ...]:
        """Every hypothesis, in the order of its proposal."""
        return (*self.causes, *self.others, *self.mechanisms)

    @property
    def recovered(self) -> bool:
        """Whether the symptom is measured to be gone without an action."""
        state = self._state
        return state is not None and state.hypothesis.status is HypothesisStatus.SUPPORTED

    @property
    def is_quiet(self) -> bool:
        """Whether no trouble was measured at the moment of the comparison, after there was some.

        That is less than a recovery, which takes longer to show, and enough not to act.
        """
        return self._of_state("latest") == "supports"

    @property
    def others_were_met(self) -> bool:
        """Whether the target's other objectives were all measured to be met in healthy time."""
        return self._of_state("met_before") == "supports"

    def _of_state(self, group: str) -> Reading:
        answer = self._state.answer(group) if self._state else None
        return answer.reading if answer else "unknown"

    @property
    def _state(self) -> Judged | None:
        return next((j for j in self.others if j.pattern.scope == "state"), None)

    @property
    def ranked(self) -> tuple[Judged, ...]:
        """Causes that are not refuted, the likeliest first.

        Ties go to the larger own share of the excess, then to the id: never to chance.
        """
        left = [j for j in self.causes if j.hypothesis.status is not HypothesisStatus.REFUTED]
        return tuple(
            sorted(left, key=lambda j: (-j.hypothesis.confidence, -_share(j), j.hypothesis.id))
        )

    @property
    def leading(self) -> tuple[Judged, ...]:
        """The causes whose predictions hold, the likeliest first.

        Several act together where each has its own part of the trouble.
        """
        return tuple(j for j in self.ranked if j.hypothesis.status is HypothesisStatus.SUPPORTED)

    def doubts_about(self, cause: Judged) -> tuple[Judged, ...]:
        """Return the causes that are likelier than this one and not decided.

        One that only waits for the change to its own service is no doubt about another.
        """
        before = self.ranked[: self.ranked.index(cause)]
        return tuple(j for j in before if j.hypothesis.status in _IN_DOUBT and not j.yields)

    def wanted(self, *, with_mechanisms: bool) -> tuple[Test, ...]:
        """Tests to plan now, the cheapest first, in the order of the hypotheses otherwise."""
        judged = self.all if with_mechanisms else (*self.causes, *self.others)
        tests = [test for j in judged for test in j.wanted]
        return tuple(sorted(tests, key=lambda test: test.cost_seconds))

    def gaps(self) -> tuple[str, ...]:
        """What could not be asked of the hypotheses that are left, each once."""
        left = [j for j in self.all if j.hypothesis.status is not HypothesisStatus.REFUTED]
        return tuple(
            dict.fromkeys((*(g for j in left for g in j.hypothesis.gaps), *self.not_asked))
        )

    def settled(self) -> Board:
        """Return the board with what is still open called unresolved: nothing is left to ask."""
        return replace(
            self,
            causes=_settle(self.causes),
            others=_settle(self.others),
            mechanisms=_settle(self.mechanisms),
        )


def assess(case: Case, scene: Scene) -> Board:
    """Return the board of a case. Pure."""
    fresh = candidates(scene)
    judged = [judge(h, case, scene) for h in fresh]
    others = tuple(j for j in judged if not j.pattern.is_cause)
    board = Board(_yielding([j for j in judged if j.pattern.is_cause]), others, ())
    if board.recovered and not case.actions:
        board = replace(board, causes=tuple(_unexamined(j) for j in board.causes))
    found = [j for cause in board.causes for j in _below(cause, case, scene)]
    blind = [j for j in found if _cannot_be_asked(j)]
    return replace(
        board,
        mechanisms=tuple(j for j in found if j not in blind),
        not_asked=tuple(dict.fromkeys(gap for j in blind for gap in j.hypothesis.gaps)),
    )


def changed(board: Board, known: Mapping[str, Hypothesis]) -> tuple[Hypothesis, ...]:
    """Return the hypotheses on record that are now judged otherwise."""
    return tuple(
        j.hypothesis
        for j in board.all
        if j.hypothesis.id in known and known[j.hypothesis.id] != j.hypothesis
    )


def _yielding(causes: Sequence[Judged]) -> tuple[Judged, ...]:
    """A service is not called at fault by itself while a change to it may explain the same."""
    suspect = {
        j.hypothesis.service
        for j in causes
        if j.pattern.scope == "change"
        and j.hypothesis.status not in (HypothesisStatus.REFUTED, HypothesisStatus.UNRESOLVED)
        and not j.told_apart
    }
    return tuple(
        _yields(j)
        if j.pattern.scope in ("entry", "callee")
        and j.hypothesis.status is HypothesisStatus.SUPPORTED
        and j.hypothesis.service in suspect
        else j
        for j in causes
    )


def _yields(judged: Judged) -> Judged:
    why = _CHANGED_TOO.format(service=judged.hypothesis.service)
    waiting = _with_gap(_with_status(judged, HypothesisStatus.OPEN), why)
    return replace(waiting, yields=True)


def _cannot_be_asked(mechanism: Judged) -> bool:
    """Whether no question of a mechanism of a service by itself can be asked with its telemetry."""
    of_change = mechanism.hypothesis.change_id is not None
    return not of_change and all(answer.gap is not None for answer in mechanism.answers)


def _below(cause: Judged, case: Case, scene: Scene) -> tuple[Judged, ...]:
    believed = cause.hypothesis.status is HypothesisStatus.SUPPORTED
    fresh = mechanisms(cause.hypothesis, scene)
    if not believed and not any(h.id in case.hypotheses for h in fresh):
        return ()
    judged = tuple(judge(h, case, scene) for h in fresh)
    return judged if believed else tuple(_not_its_doing(j) for j in judged)


def _not_its_doing(judged: Judged) -> Judged:
    """What is measured of a mechanism stands; that it did the damage does not."""
    if judged.hypothesis.status is HypothesisStatus.REFUTED:
        return judged
    return replace(_with_status(judged, HypothesisStatus.UNRESOLVED), answers=())


def _unexamined(judged: Judged) -> Judged:
    return replace(_with_gap(_with_status(judged, HypothesisStatus.OPEN), _OVER), answers=())


def _with_gap(judged: Judged, gap: str) -> Judged:
    gaps = tuple(dict.fromkeys((*judged.hypothesis.gaps, gap)))
    return replace(judged, hypothesis=judged.hypothesis.model_copy(update={"gaps": gaps}))


def _settle(judged: Sequence[Judged]) -> tuple[Judged, ...]:
    return tuple(
        _with_status(j, HypothesisStatus.UNRESOLVED)
        if j.hypothesis.status is HypothesisStatus.OPEN
        else j
        for j in judged
    )


def _with_status(judged: Judged, status: HypothesisStatus) -> Judged:
    update = {"status": status}
    return replace(judged, hypothesis=judged.hypothesis.model_copy(update=update))


def _share(judged: Judged) -> float:
    answer = judged.answer("own_share")
    measured = answer.result.measured if answer and answer.result else None
    return measured or 0.0
