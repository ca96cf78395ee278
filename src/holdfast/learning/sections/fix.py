"""Permanent fix: what was changed and why it is believed, or every way to one that ended."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.learning.evidence_tables import Column, shown
from holdfast.learning.fix_facts import FIX, SHORT_HASH
from holdfast.learning.quotes import code
from holdfast.learning.sections.resolution import acts
from holdfast.learning.writing import Writing, block, bullet, evidence_links, header, row, text
from holdfast.model.action import Purpose
from holdfast.model.case import ActionCase
from holdfast.model.evidence import Evidence, Text
from holdfast.model.fix import DeclinedFix, Fix
from holdfast.model.lesson import Paragraph, Section
from holdfast.reasoning.fix_course import (
    FixCourse,
    course_of,
    steps_of,
    where_it_is,
    why_no_further,
)

TITLE = "Permanent fix"
MOST_DIFF_LINES = 160

_METHODS = {
    "eager_loading": "the query loads at once what a loop read one by one",
    "revert": "the guilty commit alone is taken back; what else the release brought stays",
    "any": "any",
}
_STEPS: tuple[Purpose, ...] = ("stage", "merge", "canary", "release", "unstage", "withdraw")


def permanent_fix(w: Writing) -> Section | None:
    """Say what was fixed and how it came to users; None where no fix was begun."""
    course = course_of(w.case)
    if course is None:
        return None
    fix = course.fix
    paragraphs = [*_particulars(w, fix), *_changes(w, fix)] if fix else [_without()]
    paragraphs += _declined(w, other=fix is not None)
    if fix is not None:
        paragraphs += [*_steps(w), text(_ending(w, course, fix)), *_time(w)]
    return Section(title=TITLE, paragraphs=tuple(paragraphs))


def fix_evidence(w: Writing, fix: Fix, name: str) -> Evidence | None:
    """Return the evidence that a fix names so, where it was asked and kept."""
    return w.case.evidence.get(fix.evidence.get(name, ""))


def _without() -> Paragraph:
    return text("No permanent fix was written. Production and its branch were not touched by one.")


def _particulars(w: Writing, fix: Fix) -> list[Paragraph]:
    guilty = code(fix.guilty_commit[:SHORT_HASH]) if fix.guilty_commit else "not asked"
    if fix.guilty_subject:
        guilty += f", “{w.quote(fix.guilty_subject)}”"
    return [
        header("Particular", "Value"),
        row("Method", _METHODS[fix.method]),
        row("Version", f"{code(fix.version)}, in place of {code(fix.bad_version)}"),
        row("Branch", f"{code(fix.branch)} at {code(fix.commit[:SHORT_HASH])}"),
        row("Written upon", code(fix.base[:SHORT_HASH])),
        row("Files", ", ".join(code(path) for path in fix.files)),
        row("Guilty commit, found by bisecting with the failing test", guilty),
    ]


def _changes(w: Writing, fix: Fix) -> list[Paragraph]:
    return [
        *(bullet(w.quote(sentence)) for sentence in fix.sentences),
        *_bisected(w, fix),
        *_diff(w, fix),
        *_regression(w, fix),
    ]


# ---- the guilty commit -----------------------------------------------------------------------

_COMMIT_COLUMNS = (
    Column("commit", "Commit", is_name=True, most=SHORT_HASH),
    Column("passed", "Test passes"),
)


def _bisected(w: Writing, fix: Fix) -> list[Paragraph]:
    item = fix_evidence(w, fix, "bisect")
    if item is None:
        return []
    rows = shown(w, item, _COMMIT_COLUMNS)
    kept = "the others were kept" if fix.method == "revert" else "they stay in the history"
    said = f"The release's commits that were tried; {kept} ({evidence_links([item.id])}):"
    return [text(said), *rows] if rows else [text(f"Bisected: {evidence_links([item.id])}.")]


# ---- the diff --------------------------------------------------------------------------------


def _diff(w: Writing, fix: Fix) -> list[Paragraph]:
    item = fix_evidence(w, fix, "diff")
    if item is None or not isinstance(item.value, Text):
        return []
    lines = item.value.text.rstrip().splitlines()
    rest = "" if len(lines) <= MOST_DIFF_LINES else "; its beginning"
    said = f"The diff from {code(fix.base[:SHORT_HASH])} ({evidence_links([item.id])}){rest}:"
    return [text(said), block("\n".join(lines[:MOST_DIFF_LINES]), "diff")]


# ---- the regression test ---------------------------------------------------------------------

_REPRODUCTION_COLUMNS = (
    Column("version", "Version", is_name=True),
    Column("statements", "Statements", "count"),
)
_RUNS = (
    ("regression_on_bad", "The test on the bad version"),
    ("regression_on_fixed", "The test on the fixed version"),
    ("repository_tests", "The repository's own tests on the fixed version"),
)


def _regression(w: Writing, fix: Fix) -> list[Paragraph]:
    test = fix.regression
    most = w.fact(FIX, fix.id, "at_most", style="number", unit=test.unit)
    bad = w.fact(FIX, fix.id, "on_bad", style="number", unit=test.unit)
    said = f"Regression test {code(test.name)} in {code(test.path)}, on the same branch: at most "
    said += f"{most}, as on {code(fix.good_version)}; on {code(fix.bad_version)} it is {bad}, and "
    said += "the test fails there."
    reproduction = fix_evidence(w, fix, "reproduction")
    counts = shown(w, reproduction, _REPRODUCTION_COLUMNS) if reproduction else []
    runs = [bullet(line) for name, title in _RUNS for line in _run(w, fix, name, title)]
    return [text(said), *counts, *runs]


def _run(w: Writing, fix: Fix, name: str, title: str) -> Iterator[str]:
    """Yield how a run of tests ended, as it is kept: its first line."""
    item = fix_evidence(w, fix, name)
    if item is not None:
        printed = item.value.text.splitlines() if isinstance(item.value, Text) else []
        ended = f"{code(printed[0])} " if printed else ""
        yield f"{title}: {ended}({evidence_links([item.id])})"


# ---- what was declined, and the steps --------------------------------------------------------


def _declined(w: Writing, *, other: bool) -> list[Paragraph]:
    declined = w.case.repaired.declined if w.case.repaired else ()
    if not declined:
        return []
    head = "Other ways, and why they were declined:" if other else "What was considered, and why "
    said = head if other else f"{head}it came to nothing:"
    return [text(said), *(bullet(_decline(w, one)) for one in declined)]


def _decline(w: Writing, one: DeclinedFix) -> str:
    method = "" if one.method == "any" else f"{one.method.replace('_', ' ').capitalize()}: "
    return f"{method}{w.quote(one.reason.rstrip('.'))}."


def _steps(w: Writing) -> list[Paragraph]:
    steps: list[ActionCase] = list(steps_of(w.case, *_STEPS))
    return [text("Its way to users, step by step:"), *acts(w, steps)] if steps else []


def _ending(w: Writing, course: FixCourse, fix: Fix) -> str:
    if course.verified:
        said = f"{code(fix.version)} serves all traffic of {code(fix.service)}, the objective was "
        return f"{said}watched and holds, and {code(fix.branch)} is merged."
    last = course.last
    title = w.quote(last.action.title) if last else ""
    why = why_no_further(course, fix, title=title, name=code)
    return f"How it ended: {why}; {where_it_is(course, fix, name=code)}."


def _time(w: Writing) -> list[Paragraph]:
    if "resolved" not in w.case.milestones:
        return []
    taken, target = w.between("detected", "resolved"), w.target("resolve")
    return [text(f"From detection to the watched release: {taken}; target: {target}.")]
