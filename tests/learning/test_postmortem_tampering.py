"""Whatever is changed afterwards is found, and named: each digit, each evidence, each entry."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from story import INCIDENT, Told

from holdfast.errors import NotFound
from holdfast.learning.keep import evidence_of
from holdfast.learning.markdown import to_markdown
from holdfast.learning.quotes import names_of
from holdfast.learning.report import Finding
from holdfast.learning.verify import verify
from holdfast.learning.verify_markdown import MarkdownCheck
from holdfast.ledger.chain import envelope_hash
from holdfast.ledger.store import Ledger
from holdfast.model.base import canonical_json, content_hash
from holdfast.model.event import Event, EvidenceKept
from holdfast.model.evidence import Evidence

Tell = Callable[..., Told]


def lines_of(path: Path) -> list[str]:
    """The lines of a file."""
    return path.read_text().splitlines()


def write_lines(path: Path, lines: list[str]) -> None:
    """Write lines."""
    path.write_text("".join(f"{line}\n" for line in lines))


def messages(folder: Path, ledger: Ledger | None = None) -> list[str]:
    """What verification finds."""
    return [str(finding) for finding in verify(folder, ledger).findings]


# ---- digits ----------------------------------------------------------------------------------


def _checker(story: Told) -> MarkdownCheck:
    report = story.composed.postmortem
    figures = {figure.id: figure for figure in report.figures}
    record = to_markdown(report, evidence_of(story.events))
    assert record == story.markdown
    return MarkdownCheck(record, figures, names_of(story.case), file="postmortem.md")


def test_every_single_digit_that_is_changed_is_found_and_named(told: Tell) -> None:
    story = told(laboratory=True)
    check, markdown = _checker(story), story.markdown
    assert check.findings(markdown) == []
    line, unnoticed, tried = 1, list[str](), 0
    for at, character in enumerate(markdown):
        line += character == "\n"
        if not character.isdecimal():
            continue
        tried += 1
        other = str((int(character) + 1 + at % 8) % 10)
        other = other if other != character else str((int(character) + 1) % 10)
        found = check.findings(markdown[:at] + other + markdown[at + 1 :])
        if not any(finding.line == line for finding in found):
            unnoticed.append(f"{line}: {markdown[max(0, at - 20) : at + 20]!r}")
    assert unnoticed == []
    assert tried > 4000


def test_a_changed_digit_of_a_figure_names_the_figure_and_what_it_should_say(folder: Path) -> None:
    path = folder / "postmortem.md"
    found = re.search(r"9,319\[\^(f\d+)\]", path.read_text())
    assert found
    path.write_text(path.read_text().replace("9,319[", "1,319["))
    (finding,) = verify(path).findings
    assert finding.kind == "changed_text"
    assert finding.figure_id == found[1]
    assert finding.file == "postmortem.md"
    assert f"figure {found[1]} reads '1,319'; its evidence says '9,319'" in finding.message


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("9,319[", "19,319["),
        ("9,319[", "319["),
        ("48.1 ms[", "48.1 s["),
        ("397[", "397.5["),
    ],
)
def test_a_figure_that_reads_otherwise_is_found(folder: Path, was: str, now: str) -> None:
    path = folder / "postmortem.md"
    text = path.read_text()
    assert was in text
    path.write_text(text.replace(was, now, 1))
    assert any(f.kind == "changed_text" and f.figure_id for f in verify(path).findings)


def test_a_missing_value_may_not_be_talked_away(told: Tell) -> None:
    story = told(ending="escalated")
    check = _checker(story)
    changed = story.markdown.replace("| Mitigated | no data[", "| Mitigated | soon[")
    assert changed != story.markdown
    assert [f.kind for f in check.findings(changed)] == ["changed_text"]


@pytest.mark.parametrize(
    "sentence",
    [
        "In all, 512 customers called.",
        "It cost `4,000 EUR`.",
        "Half an hour (30min) was lost.",
        "It began at 09:41:00 UTC.",
        "Twice² as bad.",
    ],
)
def test_an_added_sentence_with_a_number_is_found(folder: Path, sentence: str) -> None:
    path = folder / "postmortem.md"
    lines = lines_of(path)
    lines.insert(6, sentence)
    write_lines(path, lines)
    (finding,) = verify(path).findings
    assert finding.kind == "unbound_numeral"
    assert finding.line == 7
    assert "is bound to no figure" in finding.message


def test_people_may_add_prose_and_name_things(folder: Path) -> None:
    path = folder / "postmortem.md"
    added = (
        "Reviewed by the team of `labels`; see [the notes](https://wiki.example/p/42) on v3.1.4."
    )
    path.write_text(path.read_text().replace("## Impact\n", f"{added}\n\n## Impact\n"))
    assert messages(path) == []


def test_a_figure_may_not_be_taken_from_elsewhere(folder: Path) -> None:
    path = folder / "postmortem.md"
    path.write_text(
        path.read_text().replace("## Impact\n", "Only 9,319[^f9999] felt it.\n## Impact\n")
    )
    assert any("figure f9999 is not in the record" in said for said in messages(path))


def test_a_removed_row_is_found(folder: Path) -> None:
    path = folder / "postmortem.md"
    write_lines(path, [line for line in lines_of(path) if "| Users affected |" not in line])
    assert any("is missing" in said for said in messages(path))


# ---- evidence --------------------------------------------------------------------------------


def _change_evidence(folder: Path, change: Callable[[dict[str, Any]], None]) -> str:
    path = folder / "evidence.jsonl"
    lines = lines_of(path)
    at = next(i for i, li in enumerate(lines) if "parcels_slow_total" in li and '"vector"' in li)
    plain = json.loads(lines[at])
    change(plain)
    lines[at] = canonical_json(plain).decode()
    write_lines(path, lines)
    return str(plain["id"])


def _bigger(plain: dict[str, Any]) -> None:
    plain["value"]["samples"][0]["value"] += 1


def _bigger_and_sealed_again(plain: dict[str, Any]) -> None:
    _bigger(plain)
    item = Evidence.model_validate(plain)
    plain["hash"] = item.computed_hash()


def test_an_altered_evidence_is_named_and_so_is_its_figure(folder: Path) -> None:
    evidence_id = _change_evidence(folder, _bigger)
    found = verify(folder).findings
    assert any(f.kind == "altered_evidence" and f.evidence_id == evidence_id for f in found)
    assert any(f.kind == "changed_value" and evidence_id in f.message for f in found)


def test_an_evidence_altered_and_sealed_again_is_named(folder: Path) -> None:
    evidence_id = _change_evidence(folder, _bigger_and_sealed_again)
    found = [f for f in verify(folder).findings if f.evidence_id == evidence_id]
    assert any("its hash is not the one in the record" in f.message for f in found)


def test_a_removed_evidence_is_named_with_the_figures_that_need_it(folder: Path) -> None:
    report = verify(folder)
    gone = report.evidence[3].id
    path = folder / "evidence.jsonl"
    write_lines(path, [line for line in lines_of(path) if f'"id":"{gone}"' not in line])
    found = verify(folder).findings
    assert any(f.kind == "missing_evidence" and f.evidence_id == gone for f in found)
    assert any(f.figure_id and gone in f.message for f in found)


def test_each_evidence_that_is_removed_is_missed(folder: Path) -> None:
    path = folder / "evidence.jsonl"
    lines = lines_of(path)
    for at in range(0, len(lines), 7):
        gone = str(json.loads(lines[at])["id"])
        write_lines(path, lines[:at] + lines[at + 1 :])
        assert any(f.evidence_id == gone for f in verify(folder).findings)


def test_evidence_that_nobody_kept_is_found(folder: Path) -> None:
    path = folder / "evidence.jsonl"
    stranger = json.loads(lines_of(path)[0]) | {"id": "ev-stranger"}
    write_lines(path, [*lines_of(path), canonical_json(stranger).decode()])
    assert any("ev-stranger is not in the record" in said for said in messages(folder))


# ---- the record ------------------------------------------------------------------------------


def _change_record(folder: Path, change: Callable[[dict[str, Any]], None]) -> list[Finding]:
    path = folder / "postmortem.json"
    plain = json.loads(path.read_bytes())
    change(plain)
    path.write_bytes(canonical_json(plain))
    return list(verify(path).findings)


def test_a_figures_value_that_is_changed_in_the_record_is_named(folder: Path) -> None:
    def change(plain: dict[str, Any]) -> None:
        plain["figures"][5]["value"] = 4711.0

    found = _change_record(folder, change)
    assert any(f.kind == "changed_value" and f.figure_id == "f6" for f in found)
    assert any("whose hash the ledger names" in f.message for f in found)


def test_a_figures_text_that_is_changed_everywhere_is_named(folder: Path) -> None:
    """Record and Markdown agree with each other, but not with the evidence."""
    path = folder / "postmortem.md"
    path.write_text(path.read_text().replace("9,319[", "1,319["))

    def change(plain: dict[str, Any]) -> None:
        figure = next(f for f in plain["figures"] if f["text"] == "9,319")
        figure["text"] = "1,319"

    found = _change_record(folder, change)
    assert any("reads '1,319'; its evidence says '9,319'" in f.message for f in found)


def test_a_derivation_that_is_changed_is_found(folder: Path) -> None:
    def change(plain: dict[str, Any]) -> None:
        plain["figures"][5]["derivation"]["function"] = "no_such_function"

    assert any(
        "no derivation no_such_function" in f.message for f in _change_record(folder, change)
    )


def test_a_number_that_is_slipped_into_the_record_is_found(folder: Path) -> None:
    def change(plain: dict[str, Any]) -> None:
        plain["sections"][0]["paragraphs"][0]["text"] += " In all, 512 calls and {f:f4000}."

    found = _change_record(folder, change)
    assert any("Summary holds the number '512'" in f.message for f in found)
    assert any(f.figure_id == "f4000" for f in found)


def test_code_that_is_changed_in_record_and_markdown_breaks_the_records_hash(folder: Path) -> None:
    path = folder / "postmortem.md"
    path.write_text(path.read_text().replace("ADDRESS_OF_ONE", "ADDRESS_OF_TWO"))
    text = (folder / "postmortem.json").read_text().replace("ADDRESS_OF_ONE", "ADDRESS_OF_TWO")
    (folder / "postmortem.json").write_text(text)
    assert any("whose hash the ledger names" in said for said in messages(folder))


@pytest.mark.parametrize("name", ["postmortem.json", "evidence.jsonl", "ledger.jsonl"])
def test_a_file_that_is_missing_or_cannot_be_read_is_named(folder: Path, name: str) -> None:
    path = folder / name
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert any(said.startswith(name) for said in messages(folder))
    path.unlink()
    assert f"{name}: {name} is not there" in messages(folder)


def test_a_chart_that_is_changed_or_missing_is_named(folder: Path) -> None:
    chart = folder / "charts" / "latency.svg"
    chart.write_text(chart.read_text().replace("p95", "p96"))
    assert any("charts/latency.svg is not the chart" in said for said in messages(folder))
    chart.unlink()
    assert any("charts/latency.svg is not there" in said for said in messages(folder))


def test_a_report_without_its_folder_does_not_verify(folder: Path, tmp_path: Path) -> None:
    alone = tmp_path / "sent-by-mail.md"
    alone.write_text((folder / "postmortem.md").read_text())
    assert messages(alone) == ["postmortem.json: postmortem.json is not there"]


def test_there_is_nothing_to_verify_where_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no"):
        verify(tmp_path / "nothing.md")


# ---- the ledger ------------------------------------------------------------------------------


def _ledger_lines(folder: Path, change: Callable[[list[str]], list[str]]) -> list[Finding]:
    path = folder / "ledger.jsonl"
    write_lines(path, change(lines_of(path)))
    return [f for f in verify(folder).findings if f.kind == "broken_ledger"]


def test_each_ledger_line_that_is_removed_is_missed(folder: Path) -> None:
    lines = lines_of(folder / "ledger.jsonl")
    for at in [*range(0, len(lines) - 1, 9), len(lines) - 1]:
        assert _ledger_lines(folder, lambda _, at=at: lines[:at] + lines[at + 1 :])


def test_reordered_ledger_lines_are_found(folder: Path) -> None:
    assert _ledger_lines(folder, lambda li: [*li[:3], li[4], li[3], *li[5:]])


def test_a_changed_payload_is_found_by_its_entry(folder: Path) -> None:
    (finding, *_) = _ledger_lines(
        folder,
        lambda li: [line.replace("SEV2", "SEV3") if i == 0 else line for i, line in enumerate(li)],
    )
    assert "entry 1 (opened:1)" in finding.message


def test_a_ledger_that_is_forged_to_the_end_differs_from_the_live_one(
    told: Tell, folder: Path
) -> None:
    """Evidence, entry and chain agree; the record's hashes and the live ledger do not."""
    story = told()
    events = [Event.model_validate_json(line) for line in lines_of(folder / "ledger.jsonl")]
    forged = _forge(events)
    write_lines(
        folder / "ledger.jsonl",
        [canonical_json(e.model_dump(mode="json")).decode() for e in forged],
    )
    report = verify(folder, story.ledger)
    assert any("is not the live ledger's" in f.message for f in report.findings)
    assert any("names another hash" in f.message for f in report.findings)


def _forge(events: list[Event]) -> list[Event]:
    previous, forged = events[0].previous_hash, list[Event]()
    done = False
    for entry in events:
        payload = entry.payload
        if isinstance(payload, EvidenceKept) and not done:
            item = payload.evidence.model_copy(update={"source": "prometheus elsewhere"})
            item = item.model_copy(update={"hash": item.computed_hash()})
            payload, done = payload.model_copy(update={"evidence": item}), True
        entry = entry.model_copy(
            update={
                "payload": payload,
                "payload_hash": content_hash(payload),
                "previous_hash": previous,
            }
        )
        entry = entry.model_copy(update={"hash": envelope_hash(entry)})
        previous = entry.hash
        forged.append(entry)
    return forged


def test_a_live_ledger_that_has_lost_entries_is_found(folder: Path, tmp_path: Path) -> None:
    empty = Ledger.at(tmp_path / "other")
    assert any("the live ledger holds 0 entries" in said for said in messages(folder, empty))
    empty.close()


def test_the_story_is_its_own_incident(told: Tell) -> None:
    assert told().case.incident_id == INCIDENT
