"""How a fix, its proof and a rule are written in a terminal, from records and evidence. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from holdfast.delivery.loadtest.evidence import LOAD_COLUMNS
from holdfast.learning.formats import NO_DATA, count, duration, multiple, number, percent
from holdfast.model.action import Verdict
from holdfast.model.case import ActionCase, Case
from holdfast.model.evidence import Evidence, Text
from holdfast.model.fix import Fix
from holdfast.model.prevention import Prevention
from holdfast.surfaces.cli.evidence_rows import rows_of

_METHODS = {"eager_loading": "eager loading", "revert": "revert of the guilty commit"}
_OVERALL = "overall"


def fix_words(case: Case, fix: Fix) -> str:
    """Return a fix in a line: version, method, branch, and how much it changes."""
    method = _METHODS[fix.method]
    files = f"{count(len(fix.files))} file{'' if len(fix.files) == 1 else 's'}"
    return f"{fix.version} of {fix.service}: {method}, {files}{_stat(case, fix)} on {fix.branch}"


def regression_words(fix: Fix) -> str:
    """Return what the regression test counts."""
    test = fix.regression
    return (
        f"test {test.path} {test.name}: {number(test.on_bad)} {test.unit} on {fix.bad_version}, "
        f"at most {number(test.at_most)} wanted"
    )


def diff_excerpt(case: Case, fix: Fix, most: int) -> tuple[str, ...]:
    """Return the changed lines of the fix's diff below their files' names, the code's own first."""
    files = sorted(_changed(_diff(case, fix)), key=lambda file: _is_beside(file[0], fix))
    lines = [line for file in files for line in file]
    left = len(lines) - most
    return (*lines[:most], *((f"and {left} more changed lines",) if left > 0 else ()))


def prevention_details(prevention: Prevention) -> tuple[str, ...]:
    """Return a rule in lines: its name, expression, threshold, and what it does on records."""
    rule, proof = prevention.rule, prevention.proof
    standing = "in force" if proof.holds else "not in force: its proof does not hold"
    incident = f"{_whole(proof.incident_firing)} of {_whole(proof.incident_evaluations)}"
    healthy = f"{_whole(proof.healthy_firing)} of {_whole(proof.healthy_evaluations)}"
    return (
        f"rule {rule.name} of {prevention.service}, {standing}",
        f"{rule.expression} for {duration(rule.for_seconds)}",
        f"threshold: {prevention.threshold_from}",
        f"fires at {incident} evaluations of this incident, at {healthy} of healthy time",
        *_earlier(prevention),
    )


def verdict_details(case: Case, known: ActionCase, verdict: Verdict) -> Iterator[str]:
    """Yield what a load test or a canary measured, a line a version or a metric."""
    evidence = [case.evidence[i] for i in verdict.evidence_ids if i in case.evidence]
    match known.action.expected_effect.kind:
        case "load_test":
            yield from load_lines(evidence)
        case "canary":
            yield from canary_lines(evidence)
        case _:
            return


def load_lines(evidence: Iterable[Evidence]) -> Iterator[str]:
    """Yield a line a version that was loaded; why it could not be, where it could not."""
    known = list(evidence)
    hindrance = next((item.error for item in known if item.error), "")
    if hindrance:
        yield f"load test: {hindrance}"
        return
    for arm in rows_of(known, *LOAD_COLUMNS):
        yield (
            f"{arm.text('arm')} {arm.text('version')}: p50 {arm.said('p50_seconds', duration)}, "
            f"p95 {arm.said('p95_seconds', duration)}, p99 {arm.said('p99_seconds', duration)}, "
            f"failed {arm.said('error_ratio', percent)} of {arm.said('sent', count)}"
        )


def canary_lines(evidence: Iterable[Evidence]) -> Iterator[str]:
    """Yield a line a metric: decision, the candidate over the good version, its interval."""
    for metric in rows_of(evidence, "metric", "decision", "effect_ratio"):
        if metric.text("metric") == _OVERALL:
            continue
        name, decision = (metric.text(c).replace("_", " ") for c in ("metric", "decision"))
        low, high = (metric.said(f"interval_{end}_ratio", multiple) for end in ("low", "high"))
        between = "" if NO_DATA in (low, high) else f" ({low} to {high})"
        yield f"{name}: {decision}, {metric.said('effect_ratio', multiple)}{between}"


def looks_words(known: ActionCase) -> str:
    """Return how often the judge looked, and what it thinks so far."""
    if not known.looks:
        return "no look yet"
    looks = f"{count(len(known.looks))} look{'' if len(known.looks) == 1 else 's'}"
    return f"{looks}, {known.looks[-1].decision.replace('_', ' ')} so far"


def latest_evidence(case: Case, known: ActionCase) -> list[Evidence]:
    """Return what the latest word on a canary rests on: its verdict, or its last look."""
    ids: Sequence[str] = ()
    if known.verdict is not None:
        ids = known.verdict.evidence_ids
    elif known.looks:
        ids = known.looks[-1].evidence_ids
    return [case.evidence[i] for i in ids if i in case.evidence]


def _earlier(prevention: Prevention) -> Iterator[str]:
    fired = prevention.proof.fired_at_unix_seconds
    alerted = prevention.proof.alert_at_unix_seconds
    if fired is not None and alerted is not None:
        word = "before" if fired <= alerted else "after"
        yield f"it would have fired {duration(abs(alerted - fired))} {word} the alert"


def _whole(many: int | None) -> str:
    return NO_DATA if many is None else count(many)


def _stat(case: Case, fix: Fix) -> str:
    lines = [line for line in _diff(case, fix) if not line.startswith(("+++", "---"))]
    added = sum(line.startswith("+") for line in lines)
    removed = sum(line.startswith("-") for line in lines)
    return f" +{added} -{removed}" if lines else ""


def _is_beside(path: str, fix: Fix) -> bool:
    """Whether a file is the regression test or a text, rather than what the service runs."""
    return path == fix.regression.path or path.endswith((".md", ".rst", ".txt"))


def _changed(lines: Sequence[str]) -> list[list[str]]:
    """Return for each file its name and its changed lines that are not empty."""
    files: list[list[str]] = []
    for line in lines:
        if line.startswith("+++ "):
            files.append([line.removeprefix("+++ ").removeprefix("b/")])
        elif files and line[:1] in ("+", "-") and line[1:].strip() and line[:4] != "--- ":
            files[-1].append(line)
    return files


def _diff(case: Case, fix: Fix) -> list[str]:
    item = case.evidence.get(fix.evidence.get("diff", ""))
    return item.value.text.splitlines() if item and isinstance(item.value, Text) else []
