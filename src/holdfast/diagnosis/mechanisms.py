"""How a release or a service does its damage, as data: asked below a cause that is believed.

Ratios per request are the detector. A database's own dashboards stay flat while a release asks it
many times as often, because each statement stays quick.
"""

from __future__ import annotations

from dataclasses import replace

from holdfast.diagnosis.patterns import Pattern, Scope
from holdfast.diagnosis.pool import POOL_FULL, POOL_ROSE
from holdfast.diagnosis.question import Ask, Part, Question
from holdfast.diagnosis.versions import RISE
from holdfast.model.change import ChangeType
from holdfast.model.service import Signal

_SERVICE: tuple[Scope, ...] = ("entry", "callee")
_ANY: tuple[Scope, ...] = ("change", *_SERVICE)


def _per_request(
    signal: Signal,
    group: str,
    text: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    part: Part = "measure",
) -> Question:
    return Question(
        group=group,
        ask=Ask.NOW_OVER_BEFORE,
        text=text,
        part=part,
        signals=(signal,),
        at_least=at_least,
        at_most=at_most,
        unit="times",
        decisive=True,
        sensitivity=0.9,
        false_alarm=0.5 if at_least is None else 0.05,
    )


def _code(shape: str, text: str) -> Question:
    return Question(
        group="code",
        ask=Ask.CODE,
        text=text,
        part="code",
        shape=shape,
        at_least=1,
        unit="places",
        needs_versions=True,
        of_release=True,
        sensitivity=0.8,
        false_alarm=0.15,
        cost_seconds=0.3,
    )


_STATEMENTS_UNCHANGED = _per_request(
    Signal.STATEMENTS_PER_REQUEST,
    "statements_unchanged",
    "Does {service} make as many statements a request as before?",
    at_most=RISE,
    part="discriminator",
)

MECHANISMS: tuple[Pattern, ...] = (
    Pattern(
        id="n_plus_one",
        scope="mechanism",
        parents=("change",),
        statement="{new} of {service} asks the database once per item where {old} asked once.",
        predicts=(
            "statements per request have multiplied",
            "one statement is executed many times in one trace",
            "the diff puts a query, or a lazy load, inside a loop",
        ),
        questions=(
            _per_request(
                Signal.STATEMENTS_PER_REQUEST,
                "statements",
                "How many more statements does a request of {new} make than one of {old}?",
                at_least=RISE,
            ),
            Question(
                group="repeated",
                ask=Ask.REPEATED_STATEMENTS,
                text="Does {new} of {service} repeat one statement in a trace more than {old}?",
                part="measure",
                at_least=3,
                unit="times",
                needs_versions=True,
                of_release=True,
                sensitivity=0.9,
                false_alarm=0.02,
                cost_seconds=0.3,
            ),
            _code("query_in_loop", "Does the diff put a query or a lazy load inside a loop?"),
        ),
    ),
    Pattern(
        id="cpu_regression",
        scope="mechanism",
        parents=_ANY,
        statement="A request of {service} computes much more than before.",
        predicts=(
            "CPU seconds per request have multiplied",
            "they are a part of the added latency that counts",
            "statements per request have not",
        ),
        questions=(
            _per_request(
                Signal.CPU_SECONDS_PER_REQUEST,
                "cpu",
                "How much more CPU does a request of {service} take than before?",
                at_least=RISE,
            ),
            Question(
                group="cpu_share",
                ask=Ask.CPU_SHARE,
                text="Is the added CPU of {service} a part of its added latency that counts?",
                part="discriminator",
                at_least=0.02,  # what waits in a queue for a CPU costs many times what it computes
                unit="of the added latency",
                decisive=True,
                sensitivity=0.95,
                false_alarm=0.4,
                slo_kind="latency",
            ),
            _STATEMENTS_UNCHANGED,
            _code("cpu_in_loop", "Does the diff add nested loops or costly work inside a loop?"),
        ),
    ),
    Pattern(
        id="slow_statement",
        scope="mechanism",
        parents=_ANY,
        statement="Statements of {service} became slow: an index or a plan is missing.",
        predicts=(
            "seconds per statement have multiplied",
            "statements per request have not",
        ),
        questions=(
            _per_request(
                Signal.SECONDS_PER_STATEMENT,
                "statement_seconds",
                "How much longer does a statement of {service} take than before?",
                at_least=2.0,
            ),
            _STATEMENTS_UNCHANGED,
        ),
    ),
    Pattern(
        id="pool_exhaustion",
        scope="mechanism",
        parents=_ANY,
        statement="Requests of {service} wait for a connection: the pool is used up.",
        predicts=(
            "the pool is nearly fully used, and was not before",
            "statements per request have not changed",
        ),
        questions=(
            replace(POOL_FULL, part="measure", decisive=True),
            replace(POOL_ROSE, part="discriminator", decisive=True),
            _STATEMENTS_UNCHANGED,
            _code("pool_changed", "Does the diff change a pool's size, limit or timeout?"),
        ),
    ),
    Pattern(
        id="added_wait",
        scope="mechanism",
        parents=("change",),
        change_types=(ChangeType.DEPLOYMENT,),  # only a diff tells it from any other wait
        statement="{new} of {service} waits where {old} did not: a sleep, a lock or a retry.",
        predicts=(
            "neither CPU nor statements per request have changed",
            "the diff adds a sleep or a lock",
        ),
        questions=(
            _per_request(
                Signal.CPU_SECONDS_PER_REQUEST,
                "cpu_unchanged",
                "Does a request take as much CPU as before?",
                at_most=RISE,
            ),
            _STATEMENTS_UNCHANGED,
            Question(
                group="code",
                ask=Ask.CODE,
                text="Does the diff add a sleep, a lock or a retry?",
                part="required",
                shape="wait_added",
                at_least=1,
                unit="places",
                needs_versions=True,
                of_release=True,
                sensitivity=0.9,
                false_alarm=0.1,
                cost_seconds=0.3,
            ),
        ),
    ),
    Pattern(
        id="bad_instance",
        scope="mechanism",
        parents=_SERVICE,
        statement="One instance of {service} is slow, the others are not.",
        predicts=("the slowest instance is several times as slow as the others",),
        questions=(
            Question(
                group="instances",
                ask=Ask.INSTANCES,
                text="Is one instance of {service} much slower than the others?",
                part="measure",
                signals=(Signal.LATENCY_MEAN, Signal.LATENCY_P95),
                at_least=3.0,
                unit="times",
                decisive=True,
                sensitivity=0.9,
                false_alarm=0.05,
            ),
        ),
    ),
)
