"""The post-mortem says what the ledger says, for each way in which an incident can end."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from story import INCIDENT, Told, tell_of_nothing_known, world

from holdfast.learning.postmortem import compose
from holdfast.learning.verify import verify

Tell = Callable[..., Told]

PLOTS: list[dict[str, Any]] = [
    {},
    {"laboratory": True},
    {"mechanism": "suspected", "users": False},
    {"ending": "escalated"},
    {"ending": "recovered", "statement": True},
    {"ending": "unresolved", "users": False},
    {"ending": "false_alarm"},
    {"ending": "escalated", "observe": True},
    {"ending": "recovered", "others": True},
    {"ending": "fixed", "fix": "released"},
    {"fix": "declined"},
    {"fix": "load_failed"},
    {"fix": "load_impossible"},
    {"fix": "rejected"},
    {"fix": "unanswered"},
    {"fix": "conflict"},
    {"fix": "canary_worse"},
    {"fix": "canary_silent"},
]


def section(markdown: str, title: str) -> str:
    """The text below a heading."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", markdown, re.M | re.S)
    assert found, title
    return found[1]


@pytest.mark.parametrize("plot", PLOTS, ids=lambda p: " ".join(map(str, p.values())) or "usual")
def test_what_is_written_verifies_in_under_a_second(told: Tell, plot: dict[str, Any]) -> None:
    story = told(**plot)
    began = time.process_time()
    report = verify(story.folder, story.ledger)
    assert time.process_time() - began < 1.0
    assert [str(finding) for finding in report.findings] == []
    assert report.figures > 40
    assert report.against_live_ledger
    assert verify(story.folder / "postmortem.json").ok
    assert verify(story.folder / "postmortem.md").ok


def test_it_follows_the_template(told: Tell) -> None:
    titles = re.findall(r"^## (.*)$", told().markdown, re.M)
    assert titles == [
        "Summary",
        "Impact",
        "Trigger",
        "Root cause",
        "Contributing factors",
        "Detection",
        "Resolution",
        "Hypotheses considered",
        "Timeline",
        "What went well",
        "What went wrong",
        "Where we got lucky",
        "Action items",
        "Evidence",
    ]


def test_the_same_ledger_composes_the_same_report_also_after_it_was_written(told: Tell) -> None:
    story = told()
    again = compose(story.events, story.config)
    assert again.postmortem == story.composed.postmortem
    assert again.charts == story.composed.charts


def test_impact_is_counted(told: Tell) -> None:
    impact = section(told().markdown, "Impact")
    assert re.search(r"\| Slow requests \(longer than 300 ms\[\^f\d+\]\) \| 9,319\[", impact)
    assert re.search(r"\| Slow requests, counted in the log \| 9,322\[", impact)
    assert re.search(r"\| Users affected \| 397\[", impact)
    assert re.search(r"\| Error budget of `parcels-latency` spent.* \| 129.4 %\[", impact)
    assert re.search(r"\| Revenue at risk.* \| not configured \|", impact)
    assert "![Latency of parcels, as clients see it](charts/latency.svg)" in impact


def test_users_are_not_invented_where_no_log_carries_them(told: Tell) -> None:
    story = told(mechanism="suspected", users=False)
    assert "| Users affected | not configured" in story.markdown
    assert "no log carries users" in section(story.markdown, "What went wrong")


def test_the_cause_is_shown_with_its_diff_and_its_measurements(told: Tell) -> None:
    cause = section(told().markdown, "Root cause")
    assert "The mechanism is shown" in cause
    assert "`labels/print.py:13`, `labels_of`" in cause
    assert "+        address = session.execute(ADDRESS_OF_ONE" in cause
    assert "`labels/print.py:14`" in cause
    assert cause.count("```diff") == 1
    assert "audit.py" not in cause
    assert re.search(r"measured 25.7\N{MULTIPLICATION SIGN}\[\^f\d+\], predicted at least 3", cause)


def test_a_mechanism_that_was_not_tested_is_called_suspected(told: Tell) -> None:
    story = told(mechanism="suspected", users=False)
    cause = section(story.markdown, "Root cause")
    assert "*suspected*, not shown" in cause
    assert "statements per request of labels are not measured" in cause
    assert "only suspected" in section(story.markdown, "What went wrong")


def test_refuted_rivals_are_kept_with_the_test_that_refuted_them(told: Tell) -> None:
    rivals = section(told().markdown, "Hypotheses considered")
    assert re.search(
        r"More requests arrive.*refuted.*measured 1.01.*predicted at least 1.5", rivals
    )


def test_the_timeline_is_in_order_and_links_evidence(told: Tell) -> None:
    rows = section(told().markdown, "Timeline").splitlines()
    times = [t[1] for row in rows if (t := re.match(r"\| (\d\d:\d\d:\d\d) UTC", row))]
    assert times == sorted(times)
    assert len(times) > 15
    assert any("**Mitigated**" in row and "](#ev-" in row for row in rows)
    assert any("Deployment of `labels` `7.4` → `7.5`" in row for row in rows)
    assert any(re.search(r"Flag of `parcels` `logo.percent` 0\[.* → 5\[", row) for row in rows)


def test_a_laboratory_run_says_so_first(told: Tell) -> None:
    first = section(told(laboratory=True).markdown, "Summary").strip().splitlines()[0]
    assert first.startswith("**Laboratory run.**")
    assert "the period is 2 h[^f1] instead of 28 d[^f2]" in first
    assert "Laboratory" not in told().markdown


def test_a_failed_mitigation_is_undone_and_said(told: Tell) -> None:
    story = told(ending="escalated")
    resolution = section(story.markdown, "Resolution")
    assert "**not seen**" in resolution
    assert "undone with `rollback-release(" in resolution
    assert "No mitigation was verified" in resolution
    assert "Duration so far" in section(story.markdown, "Impact")
    assert "was undone" in section(story.markdown, "What went well")


def test_a_sentence_is_quoted_as_claims(told: Tell) -> None:
    detection = section(told(ending="recovered", statement=True).markdown, "Detection")
    assert re.search(r"“Parcels take 2 s\[\^f\d+\] instead of 50 ms\[\^f\d+\]", detection)
    assert r"\[time out\]" in detection
    assert re.search(
        r"^\| 2 s\S* instead of 50 ms\S* \| `latency` \| not measured \|", detection, re.M
    )


def test_an_incident_that_ended_by_itself_owes_no_mitigation(told: Tell) -> None:
    story = told(ending="recovered", statement=True)
    assert "No action was taken: the service recovered by itself." in story.markdown
    assert "recovered by itself" in section(story.markdown, "Where we got lucky")


def test_an_unresolved_cause_names_its_gaps(told: Tell) -> None:
    story = told(ending="unresolved", users=False)
    cause = section(story.markdown, "Root cause")
    assert "The cause is not known." in cause
    assert "traces of labels are not kept" in cause
    assert "Find the cause of this incident of parcels" in section(story.markdown, "Action items")


def test_a_false_alarm_claims_no_harm(told: Tell) -> None:
    story = told(ending="false_alarm")
    assert "hurt its users from" not in story.markdown
    assert "None was filed." in section(story.markdown, "Action items")


def test_every_numeral_outside_code_has_a_footnote_that_names_its_query(told: Tell) -> None:
    story = told()
    notes = dict(re.findall(r"^\[\^(f\d+)\]: (.*)$", story.markdown, re.M))
    used = set(re.findall(r"\[\^(f\d+)\](?!:)", story.markdown))
    assert used == set(notes)
    ids = {i for f in story.composed.postmortem.figures for i in f.derivation.evidence_ids}
    assert ids <= set(story.composed.postmortem.evidence_hashes)
    assert all("`ev-" in note and " at `" in note for note in notes.values())
    assert story.composed.postmortem.incident_id == INCIDENT


def test_what_was_not_allowed_is_said_as_what_would_have_been_done(told: Tell) -> None:
    resolution = section(told(ending="escalated", observe=True).markdown, "Resolution")
    assert "| not done |" in resolution
    assert "not done; it would have been `rollback-release(" in resolution
    assert re.search(r"guard: deny, autonomy observe: .* for 7\[\^f\d+\] days", resolution)


@pytest.mark.parametrize("slos", [True, False])
def test_an_incident_of_which_nothing_was_measured_has_a_report_too(
    told: Tell, tmp_path: Path, slos: bool
) -> None:
    config = world(told().plot)
    bare = tuple(s.model_copy(update={"signals": {}, "logs": None}) for s in config.services)
    config = config.model_copy(update={"services": bare})
    if not slos:
        config = config.model_copy(update={"slos": ()})
    story = tell_of_nothing_known(tmp_path, config)
    assert [str(finding) for finding in verify(story.folder).findings] == []
    assert "The cause is not known." in story.markdown
    assert "Everything answers 500[^f" in story.markdown
    assert story.markdown.startswith("# Post-mortem: `parcels`\n")
    story.ledger.close()
