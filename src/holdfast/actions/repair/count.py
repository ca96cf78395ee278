"""Runs a repository's own tests, and counts the statements that each of them sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import ValidationError

from holdfast.delivery.codehost import CodeHost, TestCommand, TestOutcome, Workspace
from holdfast.errors import EvidenceError
from holdfast.model.base import Record

STATEMENTS_FILE = ".holdfast-statements.jsonl"
"""In the checkout, which is thrown away; it is never committed."""


class CountedTest(Record):
    """A test and what it sent; a line of what delivery/guard writes, where fields are explained."""

    kind: Literal["unittest", "pytest"]
    runner: Literal["unittest", "pytest"]
    executable: str
    path: str
    name: str
    statements: int
    passed: bool
    module: str = ""
    class_name: str = ""
    asynchronous: bool = False

    @property
    def id(self) -> str:
        """How people name it."""
        if self.kind == "pytest":
            return f"{self.path}::{self.name}"
        return f"{self.module}.{self.class_name}.{self.name}"


@dataclass(frozen=True)
class Counts:
    """All tests of a version, by id, and how their run ended."""

    version: str
    outcome: TestOutcome
    tests: Mapping[str, CountedTest]


def count_statements(
    host: CodeHost, workspace: Workspace, command: TestCommand, version: str
) -> Counts:
    """Run the tests in a workspace. Raises EvidenceError where the counts cannot be read."""
    file = workspace.folder / STATEMENTS_FILE
    file.unlink(missing_ok=True)
    outcome = host.run_tests(workspace, replace(command, statements_file=STATEMENTS_FILE))
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    file.unlink(missing_ok=True)
    return Counts(version, outcome, _read(text))


def _read(text: str) -> dict[str, CountedTest]:
    """Return the tests; of one that ran several times, the run that sent most."""
    found: dict[str, CountedTest] = {}
    for line in text.splitlines():
        try:
            test = CountedTest.model_validate_json(line)
        except ValidationError as error:
            raise EvidenceError(f"a count of statements cannot be read: {line[:200]}") from error
        known = found.get(test.id)
        if known is None or known.statements < test.statements:
            found[test.id] = test
    return found
