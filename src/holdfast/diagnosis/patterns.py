"""The library of causes, as data: what each predicts, and which measurements tell it apart.

To add a pattern, write one here: candidates.py proposes it, ask.py plans its tests, judge.py
weighs them. Nothing else knows a pattern by name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from holdfast.diagnosis.pool import POOL_FULL, POOL_ROSE
from holdfast.diagnosis.question import Ask, Question
from holdfast.diagnosis.versions import AT_FIRST, LATENCY, RISE, SPLIT
from holdfast.model.change import ChangeType
from holdfast.model.hypothesis import HypothesisStatus
from holdfast.model.service import Signal

Scope = Literal["change", "entry", "callee", "graph", "state", "claim", "mechanism"]
"""What it is proposed for: each recent change; the service that shows the symptom; each service
that it calls; once for the call graph; the state of the symptom; a claim in a person's sentence;
or, as a mechanism, below a cause that is believed."""

MAIN_SHARE = 1 / 3
"""A cause explains at least a third of the excess: up to three causes may act together."""


@dataclass(frozen=True)
class Pattern:
    """A kind of cause. `statement` is filled in with `{service}`, `{old}`, `{new}`, `{summary}`."""

    id: str
    scope: Scope
    statement: str
    predicts: tuple[str, ...]
    questions: tuple[Question, ...]
    change_types: tuple[ChangeType, ...] = ()
    """Changes that it is proposed for, or, as a mechanism, below; none = of any type."""
    slo_kind: Literal["latency", "availability"] | None = None
    parents: tuple[Scope, ...] = ()
    """For a mechanism: below causes of these scopes."""
    runbook_id: str | None = None
    """The runbook that mitigates it."""
    best: HypothesisStatus = HypothesisStatus.SUPPORTED
    """The most that can be said of it where its required questions support and no proof does."""

    @property
    def is_cause(self) -> bool:
        """Whether it is a rival of the other causes."""
        return self.scope not in ("state", "claim", "mechanism")


_OWN_TEXT = "How much of the added trouble is {service}'s own, after its callees' share?"


def _own_share(*, stage: Literal["first", "fallback"], bad: bool) -> tuple[Question, ...]:
    kinds: tuple[tuple[Literal["latency", "availability"], tuple[Signal, ...]], ...] = (
        ("latency", (Signal.SLOW_RATIO,) if bad else LATENCY),
        ("availability", (Signal.ERROR_RATIO,)),
    )
    return tuple(
        Question(
            group="own_share",
            variant="bad_requests" if bad else "",
            ask=Ask.OWN_SHARE,
            text=_OWN_TEXT,
            part="required",
            signals=signals,
            at_least=MAIN_SHARE,
            unit="of the symptom's excess",
            decisive=True,
            sensitivity=0.8,
            false_alarm=0.05,  # 0.042 on normal windows, traversal on PetShop
            stage=stage,
            slo_kind=kind,
        )
        for kind, signals in kinds
        if kind == "latency" or not bad
    )


_OWN_SHARE = (
    *_own_share(stage="first", bad=False),
    *_own_share(stage="fallback", bad=True),
)

_ORDERING = Question(
    group="ordering",
    ask=Ask.ORDERING,
    text="Did the symptom begin after the change, and not long after?",
    part="required",
    unit="Unix seconds",
    decisive=True,
    sensitivity=0.95,
    false_alarm=0.2,
)

_SERVING = Question(
    group="serving",
    ask=Ask.NOW,
    text="Does {new} of {service} receive requests?",
    part="weight",
    signals=(Signal.REQUEST_RATE,),
    at_least=0.01,
    unit="requests/s",
    needs_versions=True,
    sensitivity=0.99,
    false_alarm=0.8,
)


_EFFECT = Question(
    group="effect",
    ask=Ask.AFTER_ACTION,
    text="Is the objective met again now that {new} of {service} is gone?",
    part="weight",
    sensitivity=0.98,
    false_alarm=0.1,
    stage="after_own",
)

_RELIEF = replace(
    _EFFECT, text="Is the objective met again now that what depends on {service} is relieved of it?"
)

_PERSISTS = Question(
    group="persists",
    ask=Ask.AFTER_ACTION,
    text="Does the trouble go on after the action took effect?",
    part="weight",
    decisive=True,
    sensitivity=0.95,
    false_alarm=0.1,
    stage="after_other",
)

_STEADY_TRAFFIC = Question(
    group="steady_traffic",
    ask=Ask.NOW_OVER_BEFORE,
    text="Is {service} asked no more often than before?",
    part="required",
    signals=(Signal.REQUEST_RATE,),
    at_most=RISE,
    unit="times",
    decisive=True,
    sensitivity=0.9,
    false_alarm=0.6,
)

_SPLIT_PROOF = tuple(replace(q, part="proof") for q in SPLIT if q.group == "split")
"""That a change came just before is a suspicion; that only what was changed is affected proves it.

Under one version there is nothing to split by, which is said as a gap.
"""

_GOVERNED = tuple(
    replace(question, part="proof", setting_words=("pool", "connections", "max_conn"))
    for question in (POOL_FULL, POOL_ROSE)
)
"""A limit that was lowered, and is reached now where it was not before, is what the change did."""

_BY_ITSELF = (*_OWN_SHARE, _STEADY_TRAFFIC, _RELIEF, _PERSISTS)
_SERVICE_PREDICTS = (
    "most of the added trouble is its own, not its callees'",
    "it is asked no more often than before",
    "the trouble goes on whatever version of another service serves",
)

CAUSES: tuple[Pattern, ...] = (
    Pattern(
        id="bad_release",
        scope="change",
        change_types=(ChangeType.DEPLOYMENT,),
        statement="The release {new} of {service} broke it; {old} was well.",
        predicts=(
            "the symptom begins after the release, and not long after",
            "most of the added trouble is the service's own, not its callees'",
            "only the new version is affected, and it is from its first requests on",
            "the objective is met again once the version before serves",
        ),
        questions=(_ORDERING, *_OWN_SHARE, *SPLIT, *AT_FIRST, _SERVING, _EFFECT, _PERSISTS),
        runbook_id="rollback-release",
    ),
    Pattern(
        id="bad_config",
        scope="change",
        change_types=(ChangeType.CONFIG, ChangeType.FLAG, ChangeType.INFRASTRUCTURE),
        statement="A change to {service} that is no release broke it: {summary}.",
        predicts=(
            "the symptom begins after the change, and not long after",
            "most of the added trouble is the service's own, not its callees'",
            "what the setting governs is used up, or only the changed version is affected",
        ),
        questions=(
            _ORDERING,
            *_OWN_SHARE,
            *_SPLIT_PROOF,
            *_GOVERNED,
            _EFFECT,
            _PERSISTS,
        ),
        runbook_id="revert-setting",
        best=HypothesisStatus.SUSPECTED,
    ),
    Pattern(
        id="slow_service",
        scope="entry",
        slo_kind="latency",
        statement="{service} became slow by itself.",
        predicts=_SERVICE_PREDICTS,
        questions=_BY_ITSELF,
    ),
    Pattern(
        id="slow_dependency",
        scope="callee",
        slo_kind="latency",
        statement="{service}, which is called, became slow by itself.",
        predicts=_SERVICE_PREDICTS,
        questions=_BY_ITSELF,
    ),
    Pattern(
        id="failing_service",
        scope="entry",
        slo_kind="availability",
        statement="{service} began to fail by itself.",
        predicts=_SERVICE_PREDICTS,
        questions=_BY_ITSELF,
    ),
    Pattern(
        id="failing_dependency",
        scope="callee",
        slo_kind="availability",
        statement="{service}, which is called, began to fail by itself.",
        predicts=_SERVICE_PREDICTS,
        questions=_BY_ITSELF,
    ),
    Pattern(
        id="traffic_surge",
        scope="graph",
        statement="More requests arrive at {service} than it can serve.",
        predicts=("requests arrive clearly faster than before",),
        questions=(
            Question(
                group="traffic",
                ask=Ask.NOW_OVER_BEFORE,
                text="Do requests arrive at {service} clearly faster than before?",
                part="required",
                signals=(Signal.REQUEST_RATE,),
                at_least=RISE,
                unit="times",
                decisive=True,
                sensitivity=0.95,
                false_alarm=0.05,
            ),
            _PERSISTS,
        ),
    ),
    Pattern(
        id="host_saturation",
        scope="graph",
        slo_kind="latency",
        statement="What {service} and its callees run on is saturated: all of them slow down.",
        predicts=(
            "no single service keeps most of the added latency for itself",
            "nor do two services, as two causes at once would",
            "all services together use clearly more CPU",
        ),
        questions=(
            Question(
                group="spread",
                ask=Ask.LARGEST_SHARE,
                text="Is the added latency spread over services, rather than one service's own?",
                part="required",
                signals=LATENCY,
                at_most=0.5,
                unit="of the added latency",
                decisive=True,
                sensitivity=0.8,
                false_alarm=0.1,
            ),
            Question(
                group="beyond_two",
                ask=Ask.TWO_LARGEST,
                text="Is the added latency spread over more than two services?",
                part="required",
                signals=LATENCY,
                at_most=0.85,
                unit="of the added latency",
                decisive=True,  # two causes at once are no host: each keeps its own part
                sensitivity=0.8,
                false_alarm=0.1,
            ),
            Question(
                group="cpu_total",
                ask=Ask.CPU_TOTAL,
                text="Do all services together use clearly more CPU than before?",
                part="required",
                at_least=RISE,
                unit="times",
                sensitivity=0.7,
                false_alarm=0.3,
            ),
            _PERSISTS,
        ),
    ),
)

RECOVERED = Pattern(
    id="recovered",
    scope="state",
    statement="The objective of {service} is met again without an action.",
    predicts=("bad requests have stayed within the budget for the time that recovery asks",),
    questions=(
        Question(
            group="quiet",
            ask=Ask.WORST_OF_HOLD,
            text="Have bad requests of {service} stayed within the budget for the hold time?",
            part="required",
            at_most=1.0,
            unit="budgets",
            decisive=True,
            sensitivity=0.95,
            false_alarm=0.02,
        ),
        Question(
            group="latest",
            ask=Ask.LATEST,
            text="Have bad requests of {service} been within the budget for a moment?",
            part="weight",
            at_most=1.0,
            unit="budgets",
            optional=True,
            sensitivity=0.95,
            false_alarm=0.1,
        ),
        Question(
            group="met_before",
            ask=Ask.MET_BEFORE,
            text="Were the other objectives of {service} met before it began?",
            part="weight",
            at_most=1.0,
            unit="times the allowed rate",
            optional=True,  # asked where there are others; it says what an action must restore
            sensitivity=0.5,
            false_alarm=0.45,
        ),
    ),
)

CLAIM = Pattern(
    id="claim",
    scope="claim",
    statement="As told: {summary}",
    predicts=("the claimed quantity is measured within a factor of two",),
    questions=(
        Question(
            group="claim",
            ask=Ask.CLAIM,
            text="Is what was told seen in the metrics of {service}?",
            part="required",
            decisive=True,
            sensitivity=0.8,
            false_alarm=0.2,
        ),
    ),
)
