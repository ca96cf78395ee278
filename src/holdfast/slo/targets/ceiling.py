"""What dependencies allow: the best objective of a service that never fails by itself.

Serial dependencies multiply (Treynor, Dahlin, Rau and Beyer, "The Calculus of Service
Availability", ACM Queue 15:2, 2017). Of redundant ones all must fail: unavailabilities multiply.
Failures that take a whole group follow the beta factor model (Fleming, 1975; IEC 61508-6, annex D):
of each member's unavailability u the share b is common, so that a group has b x the greatest u,
plus the product of the independent rests. Ratios are fractions of events, as SLOs count them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from holdfast.model.budget import Ceiling, CeilingFactor, Dependency
from holdfast.slo.targets.dependency_graph import check_dependencies
from holdfast.slo.targets.percent import percent


def ceiling(dependencies: Sequence[Dependency], *, service: str = "the service") -> Ceiling:
    """Return the product over all dependencies. None = there is none, so nothing limits.

    Raises InputError, naming the field, for contradictory ones: a cycle, one that is serial and
    soft at once, an objective of 0 or 100 %, a group of one.
    """
    check_dependencies(dependencies, service)
    factors = tuple(_factors(dependencies))
    if not factors:
        return Ceiling(
            objective=None, sentence="no dependency was given: nothing limits from there"
        )
    objective = math.prod(factor.good_fraction for factor in factors)
    return Ceiling(
        objective=objective,
        factors=factors,
        sentence=_sentence(objective, factors),
        warnings=tuple(_warnings(dependencies)),
    )


def _factors(dependencies: Sequence[Dependency]) -> Iterator[CeilingFactor]:
    groups: dict[str, list[Dependency]] = {}
    for dependency in dependencies:
        if dependency.kind == "redundant":
            groups.setdefault(dependency.group, []).append(dependency)
        else:
            yield _single(dependency)
    for name, members in groups.items():
        yield _group(name, members)


def _single(dependency: Dependency) -> CeilingFactor:
    affected = _affected(dependency)
    good = 1 - (1 - dependency.objective) * affected
    share = "every event fails" if affected == 1 else f"{percent(affected)} of the events fail"
    told = f"{dependency.name} ({dependency.kind}) has {percent(dependency.objective)}"
    effect = f"while it is down, {share}" if affected else "while it is down, none fails"
    return CeilingFactor(
        names=(dependency.name,),
        kind=dependency.kind,
        good_fraction=good,
        sentence=f"{told}; {effect}: at best {percent(good)}",
    )


def _group(name: str, members: Sequence[Dependency]) -> CeilingFactor:
    bad = 1 - _group_availability(members)
    affected = max(_affected(member) for member in members)
    names = tuple(member.name for member in members)
    return CeilingFactor(
        names=names,
        kind="redundant",
        good_fraction=1 - bad * affected,
        sentence=f"of {' and '.join(names)} (group {name}) one is enough: at best "
        f"{percent(1 - bad * affected)}",
    )


def _group_availability(members: Sequence[Dependency]) -> float:
    shared = max(member.shared_failure_fraction or 0.0 for member in members)
    unavailable = [1 - member.objective for member in members]
    return 1 - (shared * max(unavailable) + math.prod((1 - shared) * u for u in unavailable))


def _affected(dependency: Dependency) -> float:
    if dependency.affected_fraction is not None:
        return dependency.affected_fraction
    return 0.0 if dependency.kind == "soft" else 1.0


def _sentence(objective: float, factors: Sequence[CeilingFactor]) -> str:
    if len(factors) == 1:
        return f"{factors[0].sentence}; so no more than {percent(objective)} can be promised"
    product = " x ".join(percent(factor.good_fraction) for factor in factors)
    return f"{product} = {percent(objective)}: no more than that can be promised"


def _warnings(dependencies: Sequence[Dependency]) -> Iterator[str]:
    groups = {d.group for d in dependencies if d.kind == "redundant"}
    for group in sorted(groups):
        members = [d for d in dependencies if d.kind == "redundant" and d.group == group]
        if all(member.shared_failure_fraction is None for member in members):
            yield (
                f"group {group}: its members are taken to fail independently; what takes them "
                "together (a region, a release, a configuration) lowers the ceiling: give "
                "shared_failure_fraction"
            )
    yield from _overpromised(dependencies)


def _overpromised(dependencies: Sequence[Dependency]) -> Iterator[str]:
    known = {dependency.name: dependency for dependency in dependencies}
    for dependency in dependencies:
        below = [known[name] for name in dependency.depends_on if name in known]
        serial = [other for other in below if other.kind == "serial"]
        possible = math.prod(other.objective for other in serial)
        if serial and dependency.objective > possible:
            yield (
                f"{dependency.name} promises {percent(dependency.objective)}, but what it needs "
                f"({', '.join(other.name for other in serial)}) allows {percent(possible)}"
            )
