"""Groups slow or failing requests by what they share.

Parts of single columns (a mode of an operation's durations, a value of an attribute) that are slow
for sure are the seeds. The seed that explains most of what is not yet explained is taken, by its F
score, and split where it holds several patterns; what these explain is set aside; and again, until
nothing is left that chance does not explain. It draws no random number: the same table gives the
same patterns, in whatever order its rows and columns are.

The task is posed by Traini and Cortellessa (IEEE Transactions on Software Engineering 49, 2023);
the search here is greedy and splits by density, theirs is genetic and optimises bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from holdfast.diagnosis.traces.columns import Column, Grain, NumberColumn, columns_of
from holdfast.diagnosis.traces.groups import Group, Scene, also_shared, describe, split
from holdfast.diagnosis.traces.guilt import Population, f_score
from holdfast.diagnosis.traces.own_time import learned_contents
from holdfast.diagnosis.traces.patterns import Pattern, PatternReport, abstention, pattern, report
from holdfast.diagnosis.traces.predicates import Predicate
from holdfast.diagnosis.traces.slowness import otsu_threshold, slow_requests
from holdfast.diagnosis.traces.supervised import best_interval
from holdfast.diagnosis.traces.table import Flags, RequestTable
from holdfast.errors import InputError


@dataclass(frozen=True)
class SearchSettings:
    """What counts as a pattern. The defaults are by principle, not fitted to any data.

    `least_share`, `least_requests`: a pattern explains at least this share of the slow requests,
    and this many: below ten, five standard errors cannot be had. `standard_errors`: how far the
    density beside a valley stands above it; some hundred places are compared, so that three would
    be met by chance. `purity`: most of the requests that match are slow. `z`: how clear of chance
    a part's share of slow requests is; thousands of parts are tried. `most`: patterns, at most.
    """

    least_share: float = 0.05
    least_requests: int = 10
    standard_errors: float = 4.0
    purity: float = 0.5
    z: float = 4.0
    most: int = 20


def find_patterns(
    table: RequestTable,
    *,
    slow: Flags | None = None,
    threshold: float | None = None,
    contents: Mapping[str, tuple[str, ...]] | None = None,
    settings: SearchSettings | None = None,
) -> PatternReport:
    """Return what slow requests share, the pattern that explains most of them first; or why none.

    `slow`: the requests to explain (slow or failing ones); else those above `threshold`, in the
    unit of latency; else those above a threshold of our own, and then only what stands apart as a
    mode is a pattern, because nobody said that anything is slow. InputError for a `slow` that has
    another length than the table. `contents`: the operations inside others, where the call tree
    is known ({} for none); else they are learned from the fast requests.
    """
    chosen = settings or SearchSettings()
    bad, limit = _slow(table, slow, threshold)
    count = int(bad.sum())
    least = max(chosen.least_requests, round(chosen.least_share * count))
    why_not = _too_little(table.size, count, least)
    if why_not:
        return abstention(bad, limit, why_not)
    population = Population(bad, least, chosen.purity, chosen.z)
    stated = slow is not None or threshold is not None
    inside = learned_contents(table.durations, ~bad) if contents is None else contents
    columns = columns_of(table, inside, Grain(least, chosen.standard_errors))
    scene = Scene(columns, [], population, Grain(least, chosen.standard_errors))
    seeds = _seeds(scene, stated)
    return report(bad, limit, inside, _cover(scene, seeds, table, chosen.most))


def _slow(
    table: RequestTable, slow: Flags | None, threshold: float | None
) -> tuple[Flags, float | None]:
    if slow is None:
        limit = otsu_threshold(table.latency) if threshold is None else threshold
        return slow_requests(table.latency, limit), limit
    given = np.asarray(slow, dtype=np.bool_)
    if given.shape != (table.size,):
        raise InputError(
            f"requests: slow has the shape {given.shape}, the table has {table.size} requests",
            hint="give one flag per request",
        )
    return given, None


def _too_little(requests: int, slow: int, least: int) -> str:
    if not requests:
        return "there are no requests"
    if not slow:
        return "no request is slow"
    if slow == requests:
        return "every request is slow: there is none to compare with"
    if slow < least:
        return f"{slow} slow request{'s' if slow > 1 else ''}: a pattern needs at least {least}"
    return ""


def _seeds(scene: Scene, stated: bool) -> list[Predicate]:
    """Return the guilty parts of all columns; a column without one is put among the innocent."""
    seeds: list[Predicate] = []
    for index, column in enumerate(scene.columns):
        guilty = _guilty_parts(scene, column)
        if not guilty and stated and isinstance(column, NumberColumn):
            scene.columns[index], guilty = _supervised(scene, column)
        seeds += guilty
        if not guilty:
            scene.innocent.append(column)
    return seeds


def _guilty_parts(scene: Scene, column: Column) -> list[Predicate]:
    return [part for part in column.parts() if scene.population.guilty(scene.matches(part))]


def _supervised(scene: Scene, column: NumberColumn) -> tuple[NumberColumn, list[Predicate]]:
    """Return the column with the one cut that tells slow from fast best, if it is guilty.

    The cut is fitted to the slow requests, so that more is asked of it: half of the impurity. Else
    the longest operation of a healthy system, whose tail is in each slow request's sum, is blamed.
    """
    population = scene.population
    strict = replace(population, purity=(1 + population.purity) / 2)
    found = best_interval(column, population.slow)
    if found is None or not strict.guilty(scene.matches(found)):
        return column, []
    bounds = [bound for bound in (found.low, found.high) if np.isfinite(bound)]
    cuts = tuple(sorted({*column.cuts, *bounds}))
    return NumberColumn(column.operation, column.quantity, column.values, cuts), [found]


def _cover(scene: Scene, seeds: list[Predicate], table: RequestTable, most: int) -> list[Pattern]:
    """Take the seed that explains most, split it, set aside what it explains; and again."""
    slow = scene.population.slow
    explained, found = np.zeros(table.size, dtype=np.bool_), list[Pattern]()
    left = list(seeds)
    while left and len(found) < most:
        open_rows, open_slow = ~explained, slow & ~explained
        scores = [f_score(scene.matches(seed) & open_rows, open_slow) for seed in left]
        seed = left.pop(int(np.argmax(scores)))
        rows = scene.matches(seed) & open_rows
        if not _explains(scene, rows):
            continue
        for group in split(scene, Group(rows, (seed,))):
            predicates = describe(scene, group, open_rows)
            members = scene.all_match(predicates)
            if _explains(scene, members & ~explained) and scene.population.guilty(members):
                also = also_shared(scene, predicates, members)
                found.append(pattern(table, slow, predicates, also, members))
                explained = explained | members
    return found


def _explains(scene: Scene, rows: Flags) -> bool:
    bad = int((rows & scene.population.slow).sum())
    return bad >= scene.population.least and bad >= scene.population.purity * int(rows.sum())
