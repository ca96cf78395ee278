"""Writes the fix of a mechanism: reproduce it, guard it by a test, find its commit, remove it.

Nothing but checkouts and branches of our own is touched. A run that was killed is begun anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from holdfast.actions.repair.attempt import METHODS, Attempt
from holdfast.actions.repair.count import count_statements
from holdfast.actions.repair.order import FixOrder, FixResult
from holdfast.actions.repair.proof import Proof
from holdfast.actions.repair.regression import Regression, write_regression
from holdfast.actions.repair.reproduce import NoReproduction, choose_reproduction
from holdfast.delivery.codehost import CodeHost, Guilty, TestCommand, Workspace
from holdfast.errors import CodeHostFailed, NotFound, PreconditionFailed
from holdfast.evidence.redact import Redactor
from holdfast.model.fix import DeclinedFix, Fix
from holdfast.model.service import CodeSettings

FIXABLE = frozenset({"n_plus_one"})
"""Mechanisms that a count of statements can guard. Without a test that fails, no fix is written."""

_T = TypeVar("_T")


def write_fix(
    order: FixOrder, host: CodeHost | None, *, redactor: Redactor | None = None
) -> FixResult:
    """Return a tested fix on the branch `holdfast/<order.slug>`, or every reason for none.

    Failing tests, code that is not understood and conflicts are results. Raises HoldfastError where
    the repository itself cannot be worked in; then no workspace is left.
    """
    settings = order.service.code
    reason = _unable(order, settings, host)
    if reason or settings is None or host is None:
        return FixResult(None, (DeclinedFix(method="any", reason=reason),))
    repair = _Repair(order, host, settings, Proof(host.name, redactor or Redactor()))
    try:
        fix = _begun_anew(repair, host)
    except OSError as error:
        raise CodeHostFailed(f"{host.name} cannot be worked in: {error}") from error
    return FixResult(fix, tuple(repair.declined), repair.proof.evidence)


def _begun_anew(repair: _Repair, host: CodeHost) -> Fix | None:
    """Run it without what a dead run has left, and leave nothing but the branch of a fix."""
    names, fix = repair.order.names, None
    try:
        for name in names:
            host.clean(name)
        fix = repair.run()
    finally:
        for name in names[1:] if fix else names:
            host.clean(name)
    return fix


def _unable(order: FixOrder, settings: CodeSettings | None, host: CodeHost | None) -> str:
    """Return why nothing can be tried at all, or nothing."""
    name, mechanism = order.service.name, order.mechanism.mechanism
    if mechanism not in FIXABLE:
        return f"no way to write a fix for the mechanism {mechanism} is known"
    if order.service.repository is None or host is None:
        return f"{name} has no repository in the configuration"
    if settings is None:
        return f"{name} has no `code` settings: no fix is to be written for it"
    if not settings.tests:
        return f"{name} names no command that runs its repository's tests (`code.tests`)"
    try:
        for version in (order.good_version, order.bad_version):
            host.commit_of(version)
    except NotFound as error:
        return str(error)
    return ""


@dataclass
class _Repair:
    order: FixOrder
    host: CodeHost
    settings: CodeSettings
    proof: Proof
    declined: list[DeclinedFix] = field(default_factory=list[DeclinedFix])

    def run(self) -> Fix | None:
        order = self.order
        good = self.host.open(order.names[1], order.good_version)
        bad = self.host.open(order.names[2], order.bad_version)
        regression = self._regression(good, bad)
        if isinstance(regression, str):
            self.declined.append(DeclinedFix(method="any", reason=regression))
            return None
        guilty = self._guilty(regression, {good.base: True, bad.base: False})
        attempt = Attempt(
            order, self.host, self.settings, self._tests(), self.proof, regression, guilty
        )
        for method in METHODS:
            result = attempt.make(method)
            if isinstance(result, Fix):
                return result
            self.declined.append(result)
        return None

    def _tests(self) -> TestCommand:
        """Return the repository's own command."""
        seconds = self.settings.timeout_seconds
        return TestCommand(
            self.settings.tests,
            variables=self.settings.variables,
            timeout_seconds=seconds,
            cpu_seconds=math.ceil(seconds),
        )

    def _regression(self, good: Workspace, bad: Workspace) -> Regression | str:
        """Return a test that passes at `good` and fails at `bad`, or why there is none."""
        versions = self.order.good_version, self.order.bad_version
        tests = self._tests()
        named = dict(zip((good.name, bad.name), versions, strict=True))
        before, after = _at_once(
            lambda space: count_statements(self.host, space, tests, named[space.name]), good, bad
        )
        found = choose_reproduction(before, after)
        if isinstance(found, NoReproduction):
            self.proof.counts((before, after))
            return found.reason
        statements = ((versions[0], found.on_good), (versions[1], found.on_bad))
        self.proof.reproduction(found.test.id, statements)
        taken = {path.relative_to(bad.folder).as_posix() for path in bad.folder.rglob("*.py")}
        regression = write_regression(found, self.order, tests, taken)
        on_good, on_bad = _at_once(
            lambda space: self.host.run_tests(space, regression.command), good, bad
        )
        self.proof.output(regression.command, versions[1], on_bad, "regression_on_bad")
        if not on_good.passed:
            said = self.proof.said(on_good)
            return f"{regression.path} does not pass at {versions[0]}: {said}"
        if on_bad.exit_code != 1:
            return f"{regression.path} does not fail at {versions[1]}: {self.proof.said(on_bad)}"
        return regression

    def _guilty(self, regression: Regression, known: dict[str, bool]) -> Guilty | str:
        """Return the commit that the test fails since, or why it cannot be found."""
        order, command = self.order, regression.command
        try:
            found = self.host.find_guilty(
                order.names[3], order.good_version, order.bad_version, command, known=known
            )
        except (PreconditionFailed, CodeHostFailed) as error:
            return f"the guilty commit was not found: {error}"
        self.proof.bisect(found, order.good_version, order.bad_version)
        return found


def _at_once(run: Callable[[Workspace], _T], good: Workspace, bad: Workspace) -> tuple[_T, _T]:
    """Run the same tests in both checkouts side by side."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        first, second = pool.map(run, (good, bad))
    return first, second
