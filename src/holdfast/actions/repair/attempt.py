"""Tries a way to a fix: commits it with its test on our branch, and keeps it if all tests pass."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from holdfast.actions.repair.checklist import ITEMS, extended
from holdfast.actions.repair.count import Counts, count_statements
from holdfast.actions.repair.methods import load_with_query, revert_guilty
from holdfast.actions.repair.order import FixOrder
from holdfast.actions.repair.proof import Proof
from holdfast.actions.repair.regression import Regression
from holdfast.delivery.codehost import CodeHost, Guilty, TestCommand, TestOutcome, Workspace
from holdfast.delivery.versions import next_version
from holdfast.model.fix import DeclinedFix, Fix, FixMethod, RegressionTest
from holdfast.model.ids import new_id
from holdfast.model.service import CodeSettings

METHODS: tuple[FixMethod, ...] = ("eager_loading", "revert")
"""In the order of trying: the first keeps what the guilty commit was made for."""

UNIT = "statements"


@dataclass(frozen=True)
class Attempt:
    """Each way begins with a fresh checkout of the bad version; one that fails leaves nothing.

    `guilty` is the commit that the regression test fails since, or why it is not known.
    """

    order: FixOrder
    host: CodeHost
    settings: CodeSettings
    tests: TestCommand
    proof: Proof
    regression: Regression
    guilty: Guilty | str

    def make(self, method: FixMethod) -> Fix | DeclinedFix:
        """Return the tested fix, on its branch and with no checkout left, or why there is none."""
        if method == "revert" and isinstance(self.guilty, str):
            return DeclinedFix(method=method, reason=self.guilty)
        workspace = self.host.open(self.order.slug, self.order.bad_version)
        changed = self._change(method, workspace)
        if isinstance(changed, DeclinedFix):
            self.host.clean(workspace.name)
            return changed
        sentences = (*changed, *self._add_guards(workspace))
        commit = self.host.head(workspace.branch)
        reason = self._judge(method, workspace)
        self.host.close(workspace, keep_branch=not reason)
        if reason:
            return DeclinedFix(method=method, reason=reason)
        self.proof.diff(self.host.diff(workspace.base, commit), workspace.base, commit)
        return self._fix(method, workspace, commit, sentences)

    def _change(self, method: FixMethod, workspace: Workspace) -> tuple[str, ...] | DeclinedFix:
        reproduction = self.regression.reproduction
        if method == "revert" and isinstance(self.guilty, Guilty):
            return revert_guilty(self.host, workspace, self.order, reproduction, self.guilty)
        return load_with_query(self.host, workspace, self.order, reproduction)

    def _add_guards(self, workspace: Workspace) -> tuple[str, ...]:
        """Commit the regression test and the checklist's question; return a sentence for each."""
        test, incident = self.regression, f"Incident: {self.order.incident_id}\n"
        most = test.reproduction.on_good
        subject = f"Test that at most {most} statements are sent"
        body = f"It fails at {self.order.bad_version} and passes with the fix."
        self.host.commit(workspace, {test.path: test.content}, f"{subject}\n\n{body}\n\n{incident}")
        sentence = f"{test.path} fails where {test.reproduction.test.id} sends more than {most}."
        path, mechanism = self.settings.review_checklist, self.order.mechanism.mechanism
        try:
            checklist = extended(_read(workspace.folder / path), mechanism)
        except UnicodeDecodeError:
            return sentence, f"{path} is not UTF-8: it is left as it is."
        if checklist is None:
            return (sentence,)
        subject = "Ask reviewers what this incident taught"
        self.host.commit(
            workspace, {path: checklist}, f"{subject}\n\n{ITEMS[mechanism]}\n\n{incident}"
        )
        return sentence, f"{path} asks: {ITEMS[mechanism]}"

    def _judge(self, method: FixMethod, workspace: Workspace) -> str:
        """Run the regression test and all tests on what was committed; return what is wrong."""
        command, where = self.regression.command, f"{self.order.bad_version} with {method}"
        alone = self.host.run_tests(workspace, command)
        if not alone.passed:
            self.proof.output(command, where, alone)
            return f"the regression test fails with it: {self.proof.said(alone)}"
        counts = count_statements(self.host, workspace, self.tests, where)
        if not counts.outcome.passed:
            self.proof.output(self.tests, where, counts.outcome)
            return f"the repository's tests fail with it: {self.proof.said(counts.outcome)}"
        if all(test.path != self.regression.path for test in counts.tests.values()):
            return f"the repository's own command does not run {self.regression.path}"
        self._keep_proof(where, alone, counts)
        return ""

    def _keep_proof(self, where: str, alone: TestOutcome, counts: Counts) -> None:
        order, found = self.order, self.regression.reproduction
        self.proof.output(self.regression.command, where, alone, "regression_on_fixed")
        self.proof.output(self.tests, where, counts.outcome, "repository_tests")
        fixed = (self._version(), counts.tests[found.test.id].statements)
        before = ((order.good_version, found.on_good), (order.bad_version, found.on_bad))
        self.proof.reproduction(found.test.id, (*before, fixed))

    def _version(self) -> str:
        return next_version(self.order.bad_version, self.host.versions())

    def _fix(
        self, method: FixMethod, workspace: Workspace, commit: str, sentences: tuple[str, ...]
    ) -> Fix:
        order, test = self.order, self.regression
        guilty = self.guilty if isinstance(self.guilty, Guilty) else None
        return Fix(
            id=new_id("fix"),
            service=order.service.name,
            hypothesis_id=order.mechanism.id,
            method=method,
            good_version=order.good_version,
            bad_version=order.bad_version,
            version=self._version(),
            branch=workspace.branch,
            base=workspace.base,
            commit=commit,
            guilty_commit=guilty.commit if guilty else None,
            guilty_subject=guilty.subject if guilty else "",
            sentences=sentences,
            files=tuple(self.host.changed_files(workspace.base, commit)),
            regression=RegressionTest(
                path=test.path,
                name=test.name,
                at_most=test.reproduction.on_good,
                on_bad=test.reproduction.on_bad,
                unit=UNIT,
            ),
            evidence=self.proof.ids,
        )


def _read(path: Path) -> str | None:
    """Return a file as it is, with its own ends of lines; None where there is none."""
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", newline="") as file:
        return file.read()
