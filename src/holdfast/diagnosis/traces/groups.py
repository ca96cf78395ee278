"""Splits a group of slow requests where it holds more than one pattern, and says what each shares.

A split is made along a valley of the group's own density, or an attribute's value, if one side is
a finding in itself. It is not made where the side is only another pattern that overlaps by chance
(no more of the group than of all requests), nor where an innocent column draws the same line (a
cache hit or miss that is not slow, seen again in the durations of what calls it).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from holdfast.diagnosis.traces.columns import Column, Grain
from holdfast.diagnosis.traces.guilt import Population, f_score
from holdfast.diagnosis.traces.predicates import Predicate
from holdfast.diagnosis.traces.table import Codes, Flags

EXPLAINED = 0.5
"""An innocent column explains a split from this Cramér's V on (large: Cohen, 1988)."""

ENRICHED = 2.0
"""A side is no overlap by chance where the group has it this many times as often as all have it."""

WORTH = 0.005
"""A further predicate must better the F score of a description by this."""

ALIKE = 0.8
"""The F score from which on two predicates match the same requests, for a reader."""

DEEPEST = 12


@dataclass(frozen=True)
class Scene:
    """What a search works on; `innocent` columns are those that no guilty part has."""

    columns: list[Column]
    innocent: list[Column]
    population: Population
    grain: Grain
    masks: dict[Predicate, Flags] = field(default_factory=dict[Predicate, Flags])

    def matches(self, predicate: Predicate) -> Flags:
        """Return which requests match the predicate."""
        if predicate not in self.masks:
            for column in self.columns:
                mask = column.matches(predicate)
                if mask is not None:
                    self.masks[predicate] = mask
        return self.masks[predicate]

    def all_match(self, predicates: tuple[Predicate, ...]) -> Flags:
        """Return which requests match all of the predicates."""
        mask = np.ones(len(self.population.slow), dtype=np.bool_)
        for predicate in predicates:
            mask = mask & self.matches(predicate)
        return mask


@dataclass(frozen=True)
class Group:
    """Rows, and the predicates by which they were split off."""

    rows: Flags
    path: tuple[Predicate, ...] = ()


def split(scene: Scene, group: Group) -> list[Group]:
    """Return the groups of one pattern each that this one falls into; itself, where it is one."""
    best = max(_splits(scene, group), key=lambda found: found[0], default=None)
    if best is None or len(group.path) >= DEEPEST:
        return [group]
    return [leaf for side in best[1] for leaf in split(scene, side)]


def _splits(scene: Scene, group: Group) -> list[tuple[int, tuple[Group, Group]]]:
    """Return the sound splits, each with the slow requests of its smaller side."""
    found: list[tuple[int, tuple[Group, Group]]] = []
    for column in scene.columns:
        for first, second in column.splits(group.rows, scene.grain):
            a = Group(group.rows & scene.matches(first), (*group.path, first))
            b = Group(group.rows & scene.matches(second), (*group.path, second))
            smaller = min(int((side.rows & scene.population.slow).sum()) for side in (a, b))
            if smaller >= scene.population.least and _is_sound(scene, group, column, (a, b)):
                found.append((smaller, (a, b)))
    return found


def _is_sound(scene: Scene, group: Group, column: Column, sides: tuple[Group, Group]) -> bool:
    if not any(_stands_alone(scene, group, column, side) for side in sides):
        return False
    line = sides[0].rows[group.rows]
    return not any(
        cramers_v(line, other.labels(group.rows, scene.grain)) >= EXPLAINED
        for other in scene.innocent
        if other is not column
    )


def _stands_alone(scene: Scene, group: Group, column: Column, side: Group) -> bool:
    """Return whether what this side shares is guilty by itself, and more than a chance overlap."""
    predicate = column.shared(side.rows, side.path)
    if predicate is None:
        return False
    mask = scene.matches(predicate)
    if not scene.population.guilty(mask):
        return False
    return int((mask & group.rows).sum()) >= ENRICHED * float(mask.mean()) * int(group.rows.sum())


def describe(scene: Scene, group: Group, among: Flags) -> tuple[Predicate, ...]:
    """Return the fewest predicates that tell these rows from others among those, best first."""
    shared = [column.shared(group.rows, group.path) for column in scene.columns]
    candidates = sorted({*group.path, *(p for p in shared if p is not None)}, key=str)
    chosen: tuple[Predicate, ...] = ()
    best, current = 0.0, among
    while len(chosen) < len(candidates):
        scored = [(f_score(current & scene.matches(p), group.rows), p) for p in candidates]
        score, predicate = max(scored, key=lambda found: found[0])
        if score < best + WORTH:
            break
        best, chosen = score, (*chosen, predicate)
        current = current & scene.matches(predicate)
    return chosen


def also_shared(
    scene: Scene, chosen: tuple[Predicate, ...], members: Flags
) -> tuple[Predicate, ...]:
    """Return what else the members have, and hardly any other request, the closest first."""
    shared = [column.shared(members, chosen) for column in scene.columns]
    scored = [
        (f_score(scene.matches(p), members), str(p), p)
        for p in shared
        if p is not None and p not in chosen
    ]
    ranked = sorted(scored, key=lambda found: (-found[0], found[1]))
    return tuple(predicate for score, _, predicate in ranked if score >= ALIKE)


def cramers_v(line: Flags, labels: Codes) -> float:
    """Return how far labels draw the same line, 0 to 1 (Cramér, 1946)."""
    _, codes = np.unique(labels, return_inverse=True)
    totals = np.bincount(codes).astype(np.float64)
    share = float(line.mean())
    if len(totals) < 2 or not 0 < share < 1:
        return 0.0
    with_line = np.bincount(codes, weights=line.astype(np.float64))
    chi_squared = np.sum((with_line - totals * share) ** 2 / (totals * share * (1 - share)))
    return float(np.sqrt(chi_squared / len(line)))
