"""The post-mortem tells the fix, its proof and the prevention; and every honest other end."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from story import INCIDENT, Told

from holdfast.learning.contract import check
from holdfast.learning.keep import evidence_of
from holdfast.learning.markdown import to_markdown
from holdfast.learning.quotes import names_of
from holdfast.learning.verify import verify
from holdfast.learning.verify_markdown import MarkdownCheck
from holdfast.model.incident import IncidentOutcome
from holdfast.reasoning.fix_course import course_of
from holdfast.reasoning.narrate import fix_ended

Tell = Callable[..., Told]

NEW = ("Permanent fix", "Proof", "Prevention")


def section(story: Told, title: str) -> str:
    """The text below a heading, without its footnotes."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", story.markdown, re.M | re.S)
    assert found, title
    return re.sub(r"\[\^f\d+\]", "", found[1])


def test_the_fix_is_told_with_its_commit_diff_test_and_way_to_users(told: Tell) -> None:
    fix = section(told(ending="fixed", fix="released"), "Permanent fix")
    assert "| Version | `7.6`, in place of `7.5` |" in fix
    assert "`1234567ccccc`, “Print labels one by one, 250 at most”" in fix
    assert "the others were kept" in fix
    assert "| `1234567ccccc` | no |" in fix
    assert fix.count(" | yes |") == 1
    assert "```diff" in fix
    assert "-    for parcel in parcels:" in fix
    assert "at most 1 statements, as on `7.4`; on `7.5` it is 251 statements" in fix
    assert "| `7.5` | 251 |" in fix
    assert "on the fixed version: `exit 0 after 0.7 s; no network` ([`ev-" in fix
    assert "Eager loading: labels_of has 2 ways out of its loop." in fix
    steps = re.findall(r"^\| (Start|Merge|Give) .*\| seen \|", fix, re.M)
    assert steps == ["Start", "Merge", "Give", "Give", "Give"]
    assert "- ada said approve" in fix
    assert "From detection to the watched release: 1 min 24 s; target: 1 h." in fix


def test_the_proof_is_told_in_figures_of_its_evidence(told: Tell) -> None:
    proof = section(told(ending="fixed", fix="released"), "Proof")
    times = "\N{MULTIPLICATION SIGN}"
    assert "asked 12.5 times a second for 10 s" in proof
    assert f"| p95 | 40.5 ms | 41.2 ms | 1.02{times} | 0.91{times} and 1.14{times} |" in proof
    assert f"| p95 over the good version's, upper end | 1.14{times} | 1.5{times} | yes |" in proof
    assert "requests that it did not send 0, lag p99 4.2 ms" in proof
    assert "Canary at 10 % of traffic: it went on. Looks at both arms: 3." in proof
    assert "Requests judged: 498 of the candidate beside 4,512 of the good version." in proof
    assert f"| latency mean seconds | promote | 1.02{times} | 0.97{times} | 1.08{times} |" in proof
    assert "With all traffic on it, the objective held for 20 s" in proof


def test_the_rule_is_told_with_what_it_does_on_records(told: Tell) -> None:
    rule = section(told(ending="fixed", fix="released"), "Prevention")
    assert "`StatementsPerRequestHigh` of `labels` is in force" in rule
    assert "the healthy maximum of 2 times 2; the incident's median was 51" in rule
    assert re.search(r"^\| This incident \| 134 \| 101 \| \[`ev-", rule, re.M)
    assert re.search(r"^\| Healthy \| 591 \| 0 \| \[`ev-", rule, re.M)
    assert "it would have fired at 09:40:33 UTC, 22 s before the alert that opened it" in rule


def test_the_summary_and_the_timeline_tell_the_fix(told: Tell) -> None:
    story = told(ending="fixed", fix="released")
    summary, timeline = section(story, "Summary"), section(story, "Timeline")
    assert "Mitigation: Roll labels back from `7.5` to `7.4`" in summary
    assert "Permanent fix: `7.6`, merged and released 1 min 24 s after detection." in summary
    assert "| Resolved | 2026-03-14 09:42:18 UTC |" in summary
    assert "**Fix written and tested**: `7.6`" in timeline
    assert "New alert rule `StatementsPerRequestHigh`" in timeline
    looks = re.findall(r"Canary `act-\S+: (inconclusive|promote)", timeline)
    assert looks == ["inconclusive", "promote"] * 2  # where a look decides as before, no row


def test_mitigations_alone_stand_in_the_resolution(told: Tell) -> None:
    resolution = section(told(ending="fixed", fix="released"), "Resolution")
    assert resolution.count("rollback-release(") == 2
    assert "stage-fix" not in resolution


@pytest.mark.parametrize(
    ("fix", "said"),
    [
        ("load_failed", "under load, `7.6` was not as good as `7.4`; it is not merged"),
        ("load_impossible", "the load test of `7.6` beside `7.4` could not be made; it is not"),
        ("rejected", "a person said no to the merge; it is not merged: the fix is on `holdfast/"),
        ("unanswered", "nobody decided on the merge in time; it is not merged"),
        ("conflict", "the merge could not be made on the branch as it is now; it is not merged"),
        ("canary_worse", "was worse for its users than `7.4`, and was taken back; its merge was"),
        ("canary_silent", "could not tell, and was taken back; it is merged, its release is left"),
    ],
)
def test_every_other_end_is_said_and_the_incident_is_mitigated_only(
    told: Tell, fix: str, said: str
) -> None:
    story = told(fix=fix)
    assert said in section(story, "Permanent fix")
    assert said.split(";")[0] in section(story, "What went wrong")
    assert "A fix was written as `7.6`" in section(story, "Summary")
    assert "cannot come again is an action item" not in section(story, "Summary")
    course = course_of(story.case)
    assert course is not None
    assert not course.verified
    assert said.split(";")[0].replace("`", "") in fix_ended(story.case)


def test_where_no_fix_could_be_written_each_way_is_named(told: Tell) -> None:
    story = told(fix="declined")
    fix = section(story, "Permanent fix")
    assert "No permanent fix was written." in fix
    assert "Revert: with the commit reverted 3 of 41 tests fail." in fix
    assert "## Proof" not in story.markdown
    assert "8 are needed" in section(story, "Prevention")
    assert fix_ended(story.case).startswith("no permanent fix could be written: labels_of has 2")


def test_a_load_test_that_failed_or_could_not_be_made_says_so(told: Tell) -> None:
    failed, impossible = told(fix="load_failed"), told(fix="load_impossible")
    assert "**not kept**" in section(failed, "Proof")
    assert "| Failed fraction | 20 % | 1 % | **no** |" in section(failed, "Proof")
    assert "**could not be made**" in section(impossible, "Proof")
    assert "`error: the generator is saturated: it did not send 31 of" in section(
        impossible, "Proof"
    )


def test_a_canary_that_got_worse_was_taken_back_with_its_merge(told: Tell) -> None:
    story = told(fix="canary_worse")
    assert "**it was taken back: worse**" in section(story, "Proof")
    assert "undone with the undo steps of `canary-step`" in section(story, "Permanent fix")
    assert "Take `holdfast/inc-01m0story0-parcel` back out of main" in section(
        story, "Permanent fix"
    )


def test_an_incident_without_a_fix_has_none_of_the_new_sections(told: Tell) -> None:
    assert not any(f"## {title}" in told().markdown for title in NEW)


def test_every_digit_of_the_new_sections_that_is_changed_is_found(told: Tell) -> None:
    story = told(ending="fixed", fix="released")
    report = story.composed.postmortem
    record = to_markdown(report, evidence_of(story.events))
    assert record == story.markdown
    figures = {figure.id: figure for figure in report.figures}
    names = names_of(story.case)
    found = MarkdownCheck(record, figures, names, file="postmortem.md")
    first, last = record.index("## Permanent fix"), record.index("## Hypotheses considered")
    unnoticed, tried = list[str](), 0
    for at in range(first, last):
        if not record[at].isdecimal():
            continue
        tried += 1
        other = str((int(record[at]) + 1 + at % 8) % 10)
        other = other if other != record[at] else str((int(record[at]) + 1) % 10)
        line = record.count("\n", 0, at) + 1
        findings = found.findings(record[:at] + other + record[at + 1 :])
        if not any(finding.line == line for finding in findings):
            unnoticed.append(f"{line}: {record[max(0, at - 20) : at + 20]!r}")
    assert unnoticed == []
    assert tried > 900


def test_a_changed_figure_of_the_proof_is_found_in_the_folder(told: Tell, tmp_path: Path) -> None:
    story = told(ending="fixed", fix="released")
    for file in story.folder.rglob("*"):
        if file.is_file():
            target = tmp_path / INCIDENT / file.relative_to(story.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    path = tmp_path / INCIDENT / "postmortem.md"
    text = path.read_text()
    assert "41.2 ms[" in text
    path.write_text(text.replace("41.2 ms[", "31.2 ms[", 1))
    (finding,) = verify(path).findings
    assert finding.figure_id


# ---- the contract ----------------------------------------------------------------------------


def test_a_fix_that_was_merged_and_watched_meets_the_contract(told: Tell) -> None:
    story = told(ending="fixed", fix="released")
    met, unmet = check(story.case, proofs=(), verified=verify(story.folder))
    assert unmet == ()
    assert any("it is merged and holds with all traffic" in said for said in met)
    assert any("The new rule StatementsPerRequestHigh fires" in said for said in met)


@pytest.mark.parametrize("fix", ["canary_worse", "rejected", "declined"])
def test_an_incident_is_not_fixed_by_saying_so(told: Tell, fix: str) -> None:
    case = told(fix=fix).case
    claimed = case.model_copy(update={"outcome": IncidentOutcome.FIXED})
    _, unmet = check(claimed, proofs=(), verified=None)
    assert any("no merged fix was seen to hold" in said for said in unmet)
    met, _ = check(case, proofs=(), verified=None)
    assert "The permanent fix is an action item." in met


def test_a_rule_whose_proof_does_not_hold_catches_nothing(told: Tell) -> None:
    case = told(ending="fixed", fix="released").case
    assert case.prevented
    assert case.prevented.prevention
    prevention = case.prevented.prevention
    noisy = prevention.proof.model_copy(update={"healthy_firing": 3})
    doubted = prevention.model_copy(update={"proof": noisy})
    prevented = case.prevented.model_copy(update={"prevention": doubted})
    _, unmet = check(case.model_copy(update={"prevented": prevented}), proofs=(), verified=None)
    assert any("No alert is shown to catch it" in said for said in unmet)


# ---- recovered -------------------------------------------------------------------------------


def test_what_others_did_meanwhile_is_told_and_not_called_a_recovery_by_itself(told: Tell) -> None:
    story = told(ending="recovered", others=True)
    resolution = section(story, "Resolution")
    assert "recovered by itself" not in story.markdown
    assert "Meanwhile others changed the services in question" in resolution
    assert "09:41:30 UTC: Deployment `deploy-4` of `labels` `7.5` → `7.4` by ada" in resolution
    assert "deploy-2" not in resolution  # our own
    assert "deploy-3" not in resolution  # of a service that is not in question
    assert "Somebody else changed something" in section(story, "Where we got lucky")


def test_where_nobody_else_did_anything_it_recovered_by_itself(told: Tell) -> None:
    story = told(ending="recovered", statement=True)
    assert "No action was taken: the service recovered by itself." in story.markdown
