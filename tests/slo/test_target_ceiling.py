"""What dependencies allow, against counting every combination of up and down."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from holdfast.errors import InputError
from holdfast.model.budget import Dependency
from holdfast.slo.targets.ceiling import ceiling


def serial(name: str, objective: float, **more: float | tuple[str, ...]) -> Dependency:
    return Dependency.model_validate({"name": name, "objective": objective, **more})


def redundant(name: str, objective: float, group: str, **more: float) -> Dependency:
    return Dependency.model_validate(
        {"name": name, "objective": objective, "kind": "redundant", "group": group, **more}
    )


def soft(name: str, objective: float, **more: float) -> Dependency:
    return Dependency.model_validate({"name": name, "objective": objective, "kind": "soft", **more})


def brute_force(dependencies: list[Dependency]) -> float:
    """The expected good fraction over all 2^n states, each dependency up or down by itself."""
    expected = 0.0
    for state in itertools.product((True, False), repeat=len(dependencies)):
        chance = math.prod(
            d.objective if up else 1 - d.objective
            for d, up in zip(dependencies, state, strict=True)
        )
        good = 1.0
        groups: dict[str, list[bool]] = {}
        for dependency, up in zip(dependencies, state, strict=True):
            if dependency.kind == "redundant":
                groups.setdefault(dependency.group, []).append(up)
            elif not up:
                usual = 1.0 if dependency.kind == "serial" else 0.0
                affected = dependency.affected_fraction
                good *= 1 - (usual if affected is None else affected)
        if not all(any(members) for members in groups.values()):
            good = 0.0
        expected += chance * good
    return expected


@pytest.mark.parametrize("seed", range(20))
def test_it_is_the_expected_good_fraction_over_all_states(seed: int) -> None:
    generator = np.random.default_rng(seed)
    dependencies: list[Dependency] = []
    for place in range(int(generator.integers(1, 4))):
        dependencies.append(serial(f"s{place}", generator.uniform(0.9, 0.9999)))
    for group in range(int(generator.integers(0, 3))):
        for place in range(int(generator.integers(2, 4))):
            name = f"r{group}{place}"
            dependencies.append(redundant(name, generator.uniform(0.8, 0.999), f"g{group}"))
    dependencies.append(soft("c", 0.9, affected_fraction=generator.uniform(0, 1)))
    found = ceiling(dependencies).objective
    assert found == pytest.approx(brute_force(dependencies), rel=1e-12)


def test_a_soft_dependency_costs_nothing_and_a_cache_what_it_does_not_answer() -> None:
    assert ceiling([serial("db", 0.999), soft("ads", 0.9)]).objective == pytest.approx(0.999)
    cached = ceiling([serial("db", 0.99, affected_fraction=0.1)])
    assert cached.objective == pytest.approx(0.999)


def test_common_failures_bound_what_redundancy_gives() -> None:
    apart = [redundant("a", 0.99, "zones"), redundant("b", 0.99, "zones")]
    found = ceiling(apart)
    assert found.objective == pytest.approx(0.9999)
    assert "fail independently" in found.warnings[0]
    together = [d.model_copy(update={"shared_failure_fraction": 0.1}) for d in apart]
    assert ceiling(together).objective == pytest.approx(1 - (0.001 + 0.009**2))
    assert ceiling(together).warnings == ()


def test_no_dependency_limits_nothing() -> None:
    assert ceiling([]).objective is None


def test_it_says_how_it_comes_about() -> None:
    found = ceiling([serial("db", 0.9995), serial("auth", 0.999)])
    assert found.sentence == "99.95 % x 99.9 % = 99.85 %: no more than that can be promised"


def test_one_that_promises_more_than_it_stands_on_is_told() -> None:
    found = ceiling([serial("auth", 0.9999, depends_on=("db",)), serial("db", 0.999)])
    assert found.warnings == ("auth promises 99.99 %, but what it needs (db) allows 99.9 %",)


@pytest.mark.parametrize(
    ("dependencies", "said"),
    [
        ([serial("db", 1.0)], r"dependencies\[0\]\.objective \(db\): 100 % is no objective"),
        ([serial("a", 0.9), serial("db", 0.0)], r"dependencies\[1\]\.objective \(db\): 0 %"),
        ([serial("db", 0.9), soft("db", 0.9)], r"kind \(db\): it is serial and soft at once"),
        ([serial("db", 0.9), serial("db", 0.9)], r"dependencies\[1\]\.name \(db\): .* twice"),
        ([serial("shop", 0.9)], "the service depends on itself"),
        ([redundant("a", 0.9, "")], "redundant with what"),
        ([redundant("a", 0.9, "zones")], "it is alone in zones"),
        (
            [Dependency(name="a", objective=0.9, group="zones")],
            "serial and in the redundant group zones at once",
        ),
        ([serial("a", 0.9, depends_on=("shop",))], "a cycle, shop → a → shop"),
        (
            [
                serial("a", 0.9, depends_on=("b",)),
                serial("b", 0.9, depends_on=("c",)),
                serial("c", 0.9, depends_on=("a",)),
            ],
            r"dependencies\[0\]\.depends_on \(a\): a cycle, a → b → c → a",
        ),
    ],
)
def test_contradictions_name_their_field(dependencies: list[Dependency], said: str) -> None:
    with pytest.raises(InputError, match=said):
        ceiling(dependencies, service="shop")
