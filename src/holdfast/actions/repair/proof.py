"""What was measured while a fix was written, sealed as evidence."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from holdfast.actions.repair.count import Counts
from holdfast.delivery.codehost import Guilty, TestCommand, TestOutcome
from holdfast.evidence.redact import Redactor
from holdfast.model.base import utc_now
from holdfast.model.evidence import Cell, Evidence, EvidenceKind, Outcome, Table, Text

OUTPUT_AT_MOST = 6_000
"""Characters of a test run's output that are kept: the last ones."""

REPRODUCTION_COLUMNS = ("version", "statements")
BISECT_COLUMNS = ("commit", "passed")
COUNT_COLUMNS = ("test", "version", "statements", "passed")


class Proof:
    """Seals evidence about one repository; secrets are taken out of what tests printed."""

    def __init__(self, source: str, redactor: Redactor) -> None:
        self._source = source
        self._redactor = redactor
        self._sealed: dict[str, Evidence] = {}
        self._others: list[Evidence] = []

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """All that was kept, named pieces first."""
        return (*self._sealed.values(), *self._others)

    @property
    def ids(self) -> dict[str, str]:
        """Name → evidence id, as `Fix.evidence` wants it."""
        return {name: evidence.id for name, evidence in self._sealed.items()}

    def said(self, outcome: TestOutcome, at_most: int = 400) -> str:
        """Return the end of what tests printed, for a reason in words."""
        return self._redactor.text(outcome.output).strip()[-at_most:].strip()

    def output(
        self, command: TestCommand, where: str, outcome: TestOutcome, name: str = ""
    ) -> None:
        """Keep a run of tests; without a name it belongs to a way that came to nothing."""
        ended = "ran out of time" if outcome.exit_code is None else f"exit {outcome.exit_code}"
        printed = self._redactor.text(outcome.output).strip()
        cut = len(printed) - OUTPUT_AT_MOST
        head = f"[cut: {cut} characters before this]\n" if cut > 0 else ""
        text = f"{ended} after {outcome.seconds:.1f} s; {outcome.isolation}\n{head}"
        query = f"$ {self._redactor.text(shlex.join(command.argv))} at {where}"
        self._keep(name, query, Text(text=text + printed[-OUTPUT_AT_MOST:]))

    def reproduction(self, test: str, statements: Sequence[tuple[str, int]]) -> None:
        """Keep what the reproduction sends, by version."""
        query = f"SQL statements that {test} sends, by version"
        self._keep(
            "reproduction", query, Table(columns=REPRODUCTION_COLUMNS, rows=tuple(statements))
        )

    def counts(self, both: Sequence[Counts]) -> None:
        """Keep what all tests send at several versions."""
        rows: list[tuple[Cell, ...]] = [
            (test.id, counts.version, test.statements, test.passed)
            for counts in both
            for test in counts.tests.values()
        ]
        query = "SQL statements that each test of the repository sends, by version"
        self._keep("", query, Table(columns=COUNT_COLUMNS, rows=tuple(rows)))

    def bisect(self, guilty: Guilty, good: str, bad: str) -> None:
        """Keep the commits that were tried, in that order."""
        query = f"the regression test at commits after {good} up to {bad}"
        self._keep("bisect", query, Table(columns=BISECT_COLUMNS, rows=tuple(guilty.tried.items())))

    def diff(self, text: str, base: str, commit: str) -> None:
        """Keep what the fix changes."""
        self._keep("diff", f"git diff {base} {commit}", Text(text=text), EvidenceKind.DIFF)

    def _keep(
        self,
        name: str,
        query: str,
        value: Table | Text,
        kind: EvidenceKind = EvidenceKind.COMMAND,
    ) -> None:
        evidence = Evidence.seal(
            kind=kind,
            query=query,
            source=self._source,
            asked_at=utc_now(),
            outcome=Outcome.DATA,
            value=value,
        )
        if name:
            self._sealed[name] = evidence
        else:
            self._others.append(evidence)
