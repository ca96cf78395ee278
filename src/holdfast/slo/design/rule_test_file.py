"""`rules_test.yaml`, with the objectives for which no test can be derived left out and named.

Tests are made from an objective's own queries: for those of a team's own that count by other means
than rates of counters there may be none. Its rules are written all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.errors import InputError
from holdfast.model.slo import SLO
from holdfast.slo.files.rule_tests import rule_tests
from holdfast.slo.files.rules import CountGuard

LEFT_OUT = "# Left out: "
"""Begins a line of the file that says why an objective has no tests."""


@dataclass(frozen=True)
class RuleTestFile:
    """The file's text, and a sentence for each objective whose alerts it does not test."""

    text: str
    left_out: tuple[str, ...]


def rule_test_file(
    slos: Sequence[SLO], guards: Sequence[CountGuard], rules_file: str
) -> RuleTestFile:
    """Return the tests of rules that could be written: what no rule is right for is not meant."""
    try:
        return RuleTestFile(rule_tests(slos, guards, rules_file=rules_file), ())
    except InputError:
        return _without_untestable(slos, guards, rules_file)


def _without_untestable(
    slos: Sequence[SLO], guards: Sequence[CountGuard], rules_file: str
) -> RuleTestFile:
    kept: list[SLO] = []
    left_out: list[str] = []
    for slo in slos:
        own = [guard for guard in guards if guard.slo == slo.name]
        try:
            rule_tests([slo], own, rules_file=rules_file)
        except InputError as error:
            left_out.append(error.message)
        else:
            kept.append(slo)
    told = "".join(f"{LEFT_OUT}{' '.join(sentence.split())}\n" for sentence in left_out)
    if not kept:
        return RuleTestFile(f"{told}rule_files: [{rules_file}]\ntests: []\n", tuple(left_out))
    known = [guard for guard in guards if guard.slo in {slo.name for slo in kept}]
    return RuleTestFile(told + rule_tests(kept, known, rules_file=rules_file), tuple(left_out))
