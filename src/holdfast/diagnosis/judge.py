"""Judging one hypothesis by its answers alone: status, confidence, supports, gaps.

Decisive contradictions refute; what supports raises confidence; what is unknown leaves it open
with the gap named. Pure, and blind to words: only roles, readings and figures count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.diagnosis.ask import plan_test
from holdfast.diagnosis.candidates import PATTERNS
from holdfast.diagnosis.code import NoPython, read_diff
from holdfast.diagnosis.identity import id_of_test
from holdfast.diagnosis.observe import Reading
from holdfast.diagnosis.patterns import Pattern
from holdfast.diagnosis.question import Ask, Part, Question
from holdfast.diagnosis.scene import Scene
from holdfast.diagnosis.signals import Gap, subject_of
from holdfast.diagnosis.weigh import confidence
from holdfast.model.case import Case
from holdfast.model.evidence import Text
from holdfast.model.hypothesis import CodeSpot, Hypothesis, HypothesisStatus, Test, TestResult

_EFFECT_STAGE = "after_own"


@dataclass(frozen=True)
class Answer:
    """One question of a hypothesis: not asked yet (`wanted`), waiting, a gap, or answered."""

    question: Question
    test: Test | None = None
    wanted: Test | None = None
    gap: Gap | None = None
    result: TestResult | None = None

    @property
    def reading(self) -> Reading:
        """How the answer reads; unknown while there is none."""
        return "unknown" if self.result is None else self.result.reading

    @property
    def settled(self) -> bool:
        """Whether no answer is on its way any more."""
        return self.result is not None or self.gap is not None


@dataclass(frozen=True)
class Judged:
    """A hypothesis as judged by its own answers, and the tests that it still wants."""

    hypothesis: Hypothesis
    pattern: Pattern
    answers: tuple[Answer, ...]
    yields: bool = False
    """It is left open only because a change to its service would look the same."""

    @property
    def wanted(self) -> tuple[Test, ...]:
        """Tests to plan now; a refuted hypothesis wants none."""
        if self.hypothesis.status is HypothesisStatus.REFUTED:
            return ()
        return tuple(answer.wanted for answer in self.answers if answer.wanted is not None)

    @property
    def told_apart(self) -> bool:
        """Whether a measurement that tells it from its rivals speaks against it."""
        return any(
            a.question.part == "discriminator" and a.reading == "contradicts" for a in self.answers
        )

    def answer(self, group: str) -> Answer | None:
        """Return the answer that speaks for a group."""
        return _speaker([a for a in self.answers if a.question.group == group])


def judge(fresh: Hypothesis, case: Case, scene: Scene) -> Judged:
    """Return what is believed of a hypothesis now. `fresh` is as candidates.py proposes it."""
    pattern = PATTERNS[fresh.mechanism]
    answers = _answers(fresh, pattern, case, scene)
    in_vain = acted_in_vain(fresh, case)
    spoken = _by_group(answers)
    weighed: list[tuple[Question, Reading]] = [
        (answer.question, answer.reading) for answer in spoken
    ]
    if in_vain:
        weighed += _against(pattern)
    status = _status(pattern, spoken)
    if in_vain and status is not HypothesisStatus.REFUTED:
        status = HypothesisStatus.UNRESOLVED
    judged = fresh.model_copy(
        update={
            "status": status,
            "confidence": confidence(fresh.confidence, weighed),
            "supports": _ids(answers, "supports"),
            "contradicts": _ids(answers, "contradicts"),
            "gaps": (*_gaps(spoken, in_vain=in_vain), *_left(spoken, fresh, scene)),
            "code": _spots(answers, case),
        }
    )
    return Judged(judged, pattern, answers)


def _against(pattern: Pattern) -> list[tuple[Question, Reading]]:
    """The action's verdict counts as the answer to whether it would help."""
    return [(q, "contradicts") for q in pattern.questions if q.stage == _EFFECT_STAGE]


def acted_in_vain(hypothesis: Hypothesis, case: Case) -> bool:
    """Whether an action was taken on it, and its expected effect did not show."""
    return any(
        item.action.hypothesis_id == hypothesis.id
        and item.verdict is not None
        and item.verdict.effect == "not_seen"
        for item in case.actions.values()
    )


# ---- answers ---------------------------------------------------------------------------------


def _answers(fresh: Hypothesis, pattern: Pattern, case: Case, scene: Scene) -> tuple[Answer, ...]:
    change = scene.changes.get(fresh.change_id or "")
    asked = [q for q in pattern.questions if q.suits(scene.slo, change)]
    answers = [_answer(q, fresh, asked, case, scene) for q in asked if q.stage != "fallback"]
    found = [answer for answer in answers if answer is not None]
    for question in asked:
        if question.stage == "fallback" and _is_needed(question, found):
            fallback = _answer(question, fresh, asked, case, scene)
            found += [] if fallback is None else [fallback]
    return tuple(found)


def _answer(
    question: Question, fresh: Hypothesis, asked: Sequence[Question], case: Case, scene: Scene
) -> Answer | None:
    known = case.tests.get(id_of_test(fresh, question.role))
    if known is not None:
        return Answer(question, test=known, result=case.results.get(known.id))
    if question.stage in ("after_own", "after_other") and not _is_after(question, fresh, scene):
        return None
    alternatives = [q for q in asked if q.group == question.group and q.stage == question.stage]
    planned = plan_test(
        question, fresh, scene, decisive=question.decisive and len(alternatives) == 1
    )
    if isinstance(planned, Gap):
        return Answer(question, gap=planned)
    return Answer(question, wanted=planned)


def _is_after(question: Question, fresh: Hypothesis, scene: Scene) -> bool:
    if scene.effect is None:
        return False
    own = scene.effect_of(fresh.id) is not None
    return own == (question.stage == "after_own")


def _is_needed(question: Question, answers: Sequence[Answer]) -> bool:
    group = [a for a in answers if a.question.group == question.group]
    return all(a.settled and a.reading == "unknown" for a in group)


def _by_group(answers: Sequence[Answer]) -> list[Answer]:
    groups = dict.fromkeys(answer.question.group for answer in answers)
    spoken = [_speaker([a for a in answers if a.question.group == g]) for g in groups]
    return [answer for answer in spoken if answer is not None]


def _speaker(group: Sequence[Answer]) -> Answer | None:
    """Return who speaks for the group: one that supports, else one that contradicts.

    While an answer is on its way nothing contradicts yet: it may still support.
    """
    for answer in group:
        if answer.reading == "supports":
            return answer
    waiting = [answer for answer in group if not answer.settled]
    contradicting = [answer for answer in group if answer.reading == "contradicts"]
    return next(iter([*waiting, *contradicting, *group]), None)


# ---- verdicts --------------------------------------------------------------------------------


def _status(pattern: Pattern, spoken: Sequence[Answer]) -> HypothesisStatus:
    if any(a.question.decisive and a.reading == "contradicts" for a in spoken):
        return HypothesisStatus.REFUTED
    if pattern.scope == "mechanism":
        return _mechanism_status(spoken)
    if not _cause_holds(spoken):
        return HypothesisStatus.OPEN
    return HypothesisStatus.SUPPORTED if _is_proven(spoken) else pattern.best


def _cause_holds(spoken: Sequence[Answer]) -> bool:
    required = _readings(spoken, "required")
    contradicted = "contradicts" in _readings(spoken, "discriminator")
    return bool(required) and set(required) == {"supports"} and not contradicted


def _is_proven(spoken: Sequence[Answer]) -> bool:
    """Whether something measured goes beyond what any other change at that time would show."""
    proofs = _readings(spoken, "proof")
    return "supports" in proofs and "contradicts" not in proofs


def _mechanism_status(spoken: Sequence[Answer]) -> HypothesisStatus:
    """Measured = a measure supports. Told apart = no look-alike is left, or the code shows it.

    Code alone, or a measure that a look-alike would show too, makes it suspected.
    """
    required = _readings(spoken, "required")
    measured = "supports" in _readings(spoken, "measure") and set(required) <= {"supports"}
    in_code = "supports" in (*_readings(spoken, "code"), *required)
    code_denies = "contradicts" in _readings(spoken, "code")
    apart = set(_readings(spoken, "discriminator")) <= {"supports"}
    if measured and (apart or in_code):
        return HypothesisStatus.SUPPORTED
    if in_code or (measured and not code_denies):
        return HypothesisStatus.SUSPECTED
    return HypothesisStatus.OPEN


def _readings(spoken: Sequence[Answer], part: Part) -> tuple[Reading, ...]:
    return tuple(a.reading for a in spoken if a.question.part == part)


def _ids(answers: Sequence[Answer], reading: Reading) -> tuple[str, ...]:
    return tuple(a.result.test_id for a in answers if a.result and a.result.reading == reading)


def _gaps(spoken: Sequence[Answer], *, in_vain: bool) -> tuple[str, ...]:
    found = [str(a.gap) if a.gap else _unanswered(a) for a in spoken if _is_gap(a)]
    if in_vain:
        found.append("damage that outlives what caused it was not looked for")
    return tuple(dict.fromkeys(found))


def _left(spoken: Sequence[Answer], fresh: Hypothesis, scene: Scene) -> tuple[str, ...]:
    words = subject_of(fresh, scene).words
    told = [a.question.leaves for a in spoken if a.reading == "contradicts" and a.question.leaves]
    return tuple(text.format(**words) for text in told)


def _is_gap(answer: Answer) -> bool:
    return answer.settled and answer.reading == "unknown" and not answer.question.optional


def _unanswered(answer: Answer) -> str:
    asked = answer.test.question if answer.test else answer.question.text
    why = answer.result.note if answer.result and answer.result.note else "no data"
    return f"{asked} Unanswered: {why}"


def _spots(answers: Sequence[Answer], case: Case) -> tuple[CodeSpot, ...]:
    spots: list[CodeSpot] = []
    for answer in answers:
        if answer.question.ask is Ask.CODE and answer.result and answer.reading == "supports":
            spots += _read_spots(answer.question.shape, answer.result, case)
    return tuple(spots)


def _read_spots(shape: str, result: TestResult, case: Case) -> list[CodeSpot]:
    texts = [case.evidence[i].value for i in result.evidence_ids if i in case.evidence]
    found: list[CodeSpot] = []
    for text in texts:
        if isinstance(text, Text):
            try:
                found += [f.spot for f in read_diff(text.text) if f.shape == shape]
            except NoPython:
                continue
    return found
