"""Which series count a good and a bad event of an objective: found, proven, never guessed.

Every selector of the two queries gives a series that fulfils it; series that fulfil several at
once, or some and not others, are tried too. Counting each alone, the evaluator says what it adds to
bad and to all events. A good event is the smallest set of series that adds to all events and not to
the bad ones; a bad event one that adds to both alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import NamedTuple

from holdfast.errors import InputError, PromQLError
from holdfast.model.evidence import Vector
from holdfast.model.slo import SLO
from holdfast.promql.label_matching import matches
from holdfast.promql.parse import parse
from holdfast.promql.samples import Matcher
from holdfast.promql.tree import (
    Aggregation,
    Binary,
    Call,
    Negation,
    Node,
    RangeSelector,
    Selector,
    Subquery,
)
from holdfast.slo.budget import bad_events_query, total_events_query
from holdfast.slo.files.example_values import NAME, usual_value, values_of
from holdfast.slo.files.synthetic import Counter, engine_of

INSTANCE = "instance"
_MOST_SERIES = 64
_MOST_IN_AN_EVENT = 4
_STEPS = 12
_STEP_SECONDS = 60.0
_SAME = 1e-9

Labels = Mapping[str, str]
Selection = tuple[Matcher, ...]


@dataclass(frozen=True)
class EventSeries:
    """The series that a good and a bad event count, and how much of an event each count is."""

    good: tuple[Labels, ...]
    bad: tuple[Labels, ...]
    good_weight: float = 1.0
    """How many events the queries see where each of `good` counts one."""
    bad_weight: float = 1.0

    @property
    def all(self) -> tuple[Labels, ...]:
        """Each series once."""
        return tuple({_key(labels): labels for labels in (*self.good, *self.bad)}.values())

    def counters(self, phases: Sequence[tuple[int, float, float]]) -> tuple[Counter, ...]:
        """Return the counters of phases of (steps, good events, bad events a step)."""
        good, bad = {_key(x) for x in self.good}, {_key(x) for x in self.bad}
        return tuple(
            Counter(
                labels,
                tuple(
                    (
                        steps,
                        good_events / self.good_weight * (_key(labels) in good)
                        + bad_events / self.bad_weight * (_key(labels) in bad),
                    )
                    for steps, good_events, bad_events in phases
                ),
            )
            for labels in self.all
        )


def event_series(slo: SLO) -> EventSeries:
    """Return the series by which the SLO's queries count.

    Raises InputError, naming the SLO and what is in the way, where they cannot be derived.
    """
    try:
        candidates = tuple(_candidates(*_selections(slo)))
        measured = [_measure(slo, one, candidates) for one in candidates]
    except InputError as error:
        raise _refusal(slo, str(error)) from error
    good = _smallest(measured, is_bad=False)
    bad = _smallest(measured, is_bad=True)
    if good is None or bad is None:
        which = "good" if good is None else "bad"
        raise _refusal(slo, f"no set of series of the queries counts one {which} event")
    return EventSeries(good[0], bad[0], good[1], bad[1])


def _refusal(slo: SLO, why: str) -> InputError:
    return InputError(
        f"SLO {slo.name}: indicator: no test can be derived from its queries: {why}",
        hint="write sums of rates of counters, or leave this SLO's tests out",
    )


# ---- selectors ---------------------------------------------------------------------------------


def _selections(slo: SLO) -> tuple[tuple[Selection, ...], tuple[str, ...]]:
    """Return the queries' selections, each once, and the labels that they group by."""
    window = _STEPS * _STEP_SECONDS
    found: dict[frozenset[Matcher], Selection] = {}
    grouped: dict[str, None] = {INSTANCE: None}
    for query in (bad_events_query(slo, window), total_events_query(slo, window)):
        for node in nodes(parse(query)):
            if isinstance(node, Selector):
                found.setdefault(frozenset(node.matchers), node.matchers)
            elif isinstance(node, Aggregation):
                grouped |= dict.fromkeys(node.grouping.labels)
    return tuple(found.values()), tuple(grouped)


def nodes(node: Node) -> Iterator[Node]:
    """Return an expression and all of its parts, from left to right."""
    yield node
    for part in _parts(node):
        yield from nodes(part)


def _parts(node: Node) -> tuple[Node, ...]:
    match node:
        case RangeSelector():
            return (node.selector,)
        case Subquery() | Negation():
            return (node.expr,)
        case Aggregation():
            return (node.expr,) if node.param is None else (node.param, node.expr)
        case Call():
            return node.args
        case Binary():
            return (node.left, node.right)
        case _:
            return ()


# ---- series ------------------------------------------------------------------------------------


def _candidates(selections: Sequence[Selection], grouped: Sequence[str]) -> Iterator[Labels]:
    """Return one series for each way to be in some selections and not in others.

    Each has the labels that are grouped by, and an instance: a query that keeps one is seen so.
    """
    others = {label: usual_value(label) for label in grouped}
    names = _names(selections)
    several = any(m.label == NAME and m.operator != "=" for s in selections for m in s)
    seen: set[tuple[str, tuple[bool, ...]]] = set()
    for name in names:
        if several:  # one selector for several names: they must differ in another label, too
            others[INSTANCE] = f"of-{name}"
        ours = [s for s in selections if matches(_about(s, NAME), {NAME: name})]
        for labels in _assignments(ours):
            whole = {NAME: name, **others, **labels}
            inside = tuple(matches(selection, whole) for selection in selections)
            if any(inside) and (name, inside) not in seen:
                seen.add((name, inside))
                yield whole
                if len(seen) > _MOST_SERIES:
                    raise PromQLError(f"more than {_MOST_SERIES} kinds of series are possible")


def _names(selections: Sequence[Selection]) -> tuple[str, ...]:
    for selection in selections:
        if not any(m.label == NAME and m.operator in ("=", "=~") for m in selection):
            raise PromQLError("a selector names no metric")
    return values_of(NAME, [m for s in selections for m in _about(s, NAME)])


def _assignments(selections: Sequence[Selection]) -> Iterator[dict[str, str]]:
    matchers = [m for s in selections for m in s if m.label != NAME]
    labels = tuple(dict.fromkeys(m.label for m in matchers))
    pools = [values_of(label, [m for m in matchers if m.label == label]) for label in labels]
    for values in product(*pools):
        yield {label: value for label, value in zip(labels, values, strict=True) if value}


def _about(selection: Selection, label: str) -> list[Matcher]:
    return [m for m in selection if m.label == label]


# ---- what a series adds ------------------------------------------------------------------------


class Measured(NamedTuple):
    """How many bad and all events the queries see in one count of a series."""

    labels: Labels
    bad: float
    total: float


def _measure(slo: SLO, one: Labels, everything: Sequence[Labels]) -> Measured:
    """Return what one series adds, a count a step, while all others stand still."""
    counters = [Counter(labels, ((_STEPS, float(labels is one)),)) for labels in everything]
    window = _STEPS * _STEP_SECONDS
    engine = engine_of(counters, _STEP_SECONDS, closed=True)
    bad, total = (
        _only_value(engine.instant(query, window), query) / _STEPS
        for query in (bad_events_query(slo, window), total_events_query(slo, window))
    )
    return Measured(one, bad, total)


def _only_value(vector: Vector, query: str) -> float:
    if len(vector.samples) != 1:
        raise PromQLError(f"{query} gives {len(vector.samples)} series of counters that all exist")
    [sample] = vector.samples
    if sample.labels:
        raise PromQLError(f"{query} keeps the labels {', '.join(sorted(sample.labels))}")
    return sample.value


def _smallest(
    measured: Sequence[Measured], *, is_bad: bool
) -> tuple[tuple[Labels, ...], float] | None:
    """Return the smallest set that is a bad (a good) event, and how many events it counts."""
    for size in range(1, min(_MOST_IN_AN_EVENT, len(measured)) + 1):
        for chosen in combinations(measured, size):
            bad, total = sum(one.bad for one in chosen), sum(one.total for one in chosen)
            wanted = total if is_bad else 0.0
            if total > _SAME and abs(bad - wanted) <= _SAME * total:
                return tuple(one.labels for one in chosen), total
    return None


def _key(labels: Labels) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))
