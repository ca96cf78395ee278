"""Decides which of the team's tests reproduces the regression: the one whose count rises most."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.actions.repair.count import CountedTest, Counts

TIMES_AT_LEAST = 2.0
MORE_AT_LEAST = 5
"""A clear rise is both: a test that sends 3 statements instead of 1 shows no loop."""

_SAID_AT_MOST = 300


@dataclass(frozen=True)
class Reproduction:
    """A test that passes on both versions, and the statements that it sends on each."""

    test: CountedTest
    on_good: int
    on_bad: int


@dataclass(frozen=True)
class NoReproduction:
    """No test executes the slow path clearly enough; `reason` has what was measured."""

    reason: str


def choose_reproduction(good: Counts, bad: Counts) -> Reproduction | NoReproduction:
    """Return the test whose statements rise most from the good to the bad version."""
    for counts in (good, bad):
        if not any(test.statements for test in counts.tests.values()):
            return NoReproduction(_silent(counts))
    pairs = sorted(_pairs(good, bad), key=lambda pair: (pair.on_good - pair.on_bad, pair.test.id))
    if not pairs:
        return NoReproduction(
            f"no test passes at both {good.version} and {bad.version} and can be run again by name"
        )
    most = pairs[0]
    more = most.on_bad - most.on_good
    if more < MORE_AT_LEAST or most.on_bad < TIMES_AT_LEAST * most.on_good:
        return NoReproduction(
            f"of {len(pairs)} tests that pass on both versions none sends clearly more statements "
            f"at {bad.version}: most rises {most.test.id}, from {most.on_good} to {most.on_bad}"
        )
    return most


def _pairs(good: Counts, bad: Counts) -> Iterator[Reproduction]:
    for test_id, test in bad.tests.items():
        before = good.tests.get(test_id)
        if before is not None and before.passed and test.passed and can_be_run_by_name(test):
            yield Reproduction(test, before.statements, test.statements)


def can_be_run_by_name(test: CountedTest) -> bool:
    """Whether a file beside the test can name it: no local class, no file out of the checkout."""
    if test.path.startswith("..") or not test.path.endswith(".py"):
        return False
    if test.kind == "pytest":
        return True
    dotted = [*test.module.split("."), *test.class_name.split(".")]
    return all(part.isidentifier() for part in dotted)


def _silent(counts: Counts) -> str:
    code = counts.outcome.exit_code
    ended = "ran out of time" if code is None else f"ended with {code}"
    said = counts.outcome.output.strip()[-_SAID_AT_MOST:]
    tests = len(counts.tests)
    return (
        f"no statement of SQLAlchemy was counted in {tests} tests at {counts.version}; "
        f"the tests {ended}: {said}"
    )
