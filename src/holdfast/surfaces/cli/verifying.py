"""Verifies a post-mortem and prints what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from holdfast.catalog.config import load_config
from holdfast.evidence.ask import Asker
from holdfast.integrations.sources import open_source
from holdfast.learning.report import LiveAnswer, VerifyReport
from holdfast.learning.verify import verify
from holdfast.learning.verify_live import verify_live
from holdfast.surfaces.cli.incident_list import open_ledger

_RESULTS = ("same", "different", "expired", "unavailable")

NOT_CONFIRMED = 3
"""Exit code: nothing contradicts, and not everything could be asked again."""


def run_verify(path: Path, live_config: Path | None, *, as_json: bool) -> int:
    """Print the findings; given a configuration, ask its source and its ledger again.

    Returns 0 where all is as the evidence says, 1 where something is not, 3 where the source could
    not confirm all of it: an unknown is no pass.
    """
    report, answers = _examine(path, live_config)
    if as_json:
        for record in (report.model_copy(update={"evidence": ()}), *answers):
            print(record.model_dump_json())
    else:
        for line in (*report_lines(report), *answer_lines(answers)):
            print(line)
    return exit_code(report, answers)


def exit_code(report: VerifyReport, answers: Sequence[LiveAnswer]) -> int:
    """Return what `run_verify` does."""
    if not report.ok or any(answer.result == "different" for answer in answers):
        return 1
    return 0 if all(answer.result == "same" for answer in answers) else NOT_CONFIRMED


def _examine(path: Path, live_config: Path | None) -> tuple[VerifyReport, tuple[LiveAnswer, ...]]:
    if live_config is None:
        return verify(path), ()
    with open_ledger(live_config) as ledger:
        report = verify(path, ledger)
    with closing(open_source(load_config(live_config).metrics)) as source:
        return report, verify_live(report, Asker(source).again)


def report_lines(report: VerifyReport) -> list[str]:
    """Return one line a finding, or what was computed again."""
    if report.ok:
        ledger = "kept and live ledger" if report.against_live_ledger else "kept ledger"
        return [
            f"{report.path}: {report.figures} figures computed again from "
            f"{len(report.evidence)} pieces of evidence, {report.entries} entries of the {ledger} "
            "checked: all as written"
        ]
    count = len(report.findings)
    return [
        *(str(finding) for finding in report.findings),
        f"{report.path}: {count} {'finding' if count == 1 else 'findings'}",
    ]


def answer_lines(answers: Sequence[LiveAnswer]) -> list[str]:
    """Return what the source says now: a line for each answer that is not the same, and a sum."""
    if not answers:
        return []
    others = [a for a in answers if a.result != "same"]
    counts = Counter(a.result for a in answers)
    sums = ", ".join(f"{counts[result]} {result}" for result in _RESULTS if counts[result])
    return [
        *(f"{a.evidence_id} {a.result}: {a.detail}: {a.query}" for a in others),
        f"asked again: {len(answers)} questions: {sums}",
    ]
