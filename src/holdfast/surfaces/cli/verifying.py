"""Verifies a post-mortem and prints what was found."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from holdfast.catalog.config import load_config
from holdfast.evidence.ask import Asker
from holdfast.integrations.sources import open_source
from holdfast.learning.report import LiveAnswer, VerifyReport
from holdfast.learning.verify import verify
from holdfast.learning.verify_live import verify_live
from holdfast.ledger.store import Ledger


def run_verify(path: Path, live_config: Path | None, *, as_json: bool) -> bool:
    """Print the findings; return whether all is as the evidence says. Given a config, ask again."""
    report, answers = _examine(path, live_config)
    if as_json:
        for record in (report.model_copy(update={"evidence": ()}), *answers):
            print(record.model_dump_json())
    else:
        for line in (*report_lines(report), *answer_lines(answers)):
            print(line)
    return report.ok and not any(answer.result == "different" for answer in answers)


def _examine(path: Path, live_config: Path | None) -> tuple[VerifyReport, tuple[LiveAnswer, ...]]:
    if live_config is None:
        return verify(path), ()
    config = load_config(live_config)
    with closing(Ledger.at(config.data_folder)) as ledger:
        report = verify(path, ledger)
    return report, verify_live(report, Asker(open_source(config.metrics)).again)


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
    """Return what the source says now: a line for all that is the same, one for each other."""
    if not answers:
        return []
    others = [a for a in answers if a.result != "same"]
    same = f"asked again: {len(answers) - len(others)} of {len(answers)} answers are the same"
    return [*(f"{a.result}: {a.detail}: {a.query}" for a in others), same]
