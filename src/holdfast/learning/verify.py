"""Verifies a post-mortem: computes each figure again from the evidence kept with the incident.

What must agree: the Markdown with the record (`verify_markdown`), the record's figures with the
evidence, each evidence with its hash, the hashes with the ledger's entries, the entries with their
chain, the record itself with the hash that the ledger's last kept entry names, the charts with
the hashes in the record; and, where it is given, all of it with the live ledger.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from holdfast.errors import ChainBroken, EvidenceError, LedgerError, NotFound
from holdfast.learning.figures import PLACEHOLDER, make_figure, placeholders
from holdfast.learning.keep import EVIDENCE, JSON, LEDGER, MARKDOWN, evidence_of
from holdfast.learning.ledger_evidence import configured_names, gathered
from holdfast.learning.markdown import to_markdown
from holdfast.learning.numerals import bare_numerals
from holdfast.learning.postmortem import texts_of
from holdfast.learning.quotes import names_of
from holdfast.learning.report import Finding, VerifyReport
from holdfast.learning.verify_markdown import MarkdownCheck
from holdfast.ledger.chain import check_chain
from holdfast.ledger.fold import fold
from holdfast.ledger.store import Ledger
from holdfast.model.base import Record, has_hash
from holdfast.model.event import Event, PostmortemWritten
from holdfast.model.evidence import Evidence
from holdfast.model.figure import Figure
from holdfast.model.lesson import Postmortem

_R = TypeVar("_R", bound=Record)


@dataclass(frozen=True)
class _Kept:
    """What lies in the folder, as far as it can be read."""

    folder: Path
    markdown: Path
    report: Postmortem
    evidence: Mapping[str, Evidence]
    events: Sequence[Event]


def verify(path: Path, ledger: Ledger | None = None) -> VerifyReport:
    """Return what is wrong with a post-mortem, given as .md, .json or the incident's folder.

    Raises NotFound where there is nothing at `path`.
    """
    if not path.exists():
        raise NotFound(f"there is no {path}", hint="`holdfast incidents` lists them")
    folder = path if path.is_dir() else path.parent
    markdown = path if path.suffix == ".md" else folder / MARKDOWN
    record = path if path.suffix == ".json" else _record_beside(markdown, folder)
    findings: list[Finding] = []
    report = _read_report(record, findings)
    if report is None:
        return _report(path, None, findings, live=ledger is not None)
    kept = _Kept(
        folder=folder,
        markdown=markdown,
        report=report,
        evidence={i.id: i for i in _read_lines(folder / EVIDENCE, Evidence, findings)},
        events=_read_lines(folder / LEDGER, Event, findings),
    )
    findings += _ledger_findings(kept)
    findings += _live_findings(kept, ledger)
    findings += _evidence_findings(kept)
    findings += _figure_findings(kept)
    findings += _record_findings(kept, record.name)
    findings += _chart_findings(kept)
    findings += _markdown_findings(kept, required=path.suffix != ".json")
    return _report(path, kept, findings, live=ledger is not None)


def _record_beside(markdown: Path, folder: Path) -> Path:
    own = markdown.with_suffix(".json")
    return own if own.exists() else folder / JSON


def _report(
    path: Path, kept: _Kept | None, findings: Sequence[Finding], *, live: bool
) -> VerifyReport:
    figures = kept.report.figures if kept else ()
    used = dict.fromkeys(i for figure in figures for i in figure.derivation.evidence_ids)
    evidence: Mapping[str, Evidence] = kept.evidence if kept else {}
    return VerifyReport(
        path=str(path),
        incident_id=kept.report.incident_id if kept else "",
        figures=len(figures),
        evidence=tuple(evidence[i] for i in used if i in evidence),
        entries=len(kept.events) if kept else 0,
        against_live_ledger=live,
        findings=tuple(findings),
    )


# ---- reading ---------------------------------------------------------------------------------


def _read_report(path: Path, findings: list[Finding]) -> Postmortem | None:
    if not path.exists():
        findings.append(_missing(path))
        return None
    try:
        return Postmortem.model_validate_json(path.read_bytes())
    except ValidationError as error:
        findings.append(_unreadable(path, error))
        return None


def _read_lines(path: Path, kind: type[_R], findings: list[Finding]) -> list[_R]:
    if not path.exists():
        findings.append(_missing(path))
        return []
    records: list[_R] = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            records.append(kind.model_validate_json(line))
        except ValidationError as error:
            findings.append(_unreadable(path, error, line=number))
    return records


def _missing(path: Path) -> Finding:
    return Finding(kind="missing_file", message=f"{path.name} is not there", file=path.name)


def _unreadable(path: Path, error: ValidationError, line: int | None = None) -> Finding:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    said = f"cannot be read: {where} {first['msg']}".replace("  ", " ")
    return Finding(kind="changed_file", message=said, file=path.name, line=line)


# ---- the ledger ------------------------------------------------------------------------------


def _ledger_findings(kept: _Kept) -> Iterator[Finding]:
    try:
        check_chain(kept.events)
    except ChainBroken as broken:
        yield _broken(str(broken))
    strangers = {e.incident_id for e in kept.events} - {kept.report.incident_id}
    if strangers:
        yield _broken(f"it holds entries of {', '.join(sorted(strangers))}")
    last = kept.events[-1].payload if kept.events else None
    if not isinstance(last, PostmortemWritten):
        yield _broken(
            "its last entry is not the one that names this post-mortem: entries are missing, or "
            "the folder was not kept again after that entry"
        )
    elif not has_hash(kept.report, last.content_hash):
        yield Finding(
            kind="changed_file",
            message="the record is not the one whose hash the ledger names",
            file=JSON,
        )


def _live_findings(kept: _Kept, ledger: Ledger | None) -> Iterator[Finding]:
    if ledger is None:
        return
    live = ledger.events(kept.report.incident_id)
    try:
        check_chain(live)
    except ChainBroken as broken:
        yield _broken(f"in the live ledger: {broken}")
    if len(live) < len(kept.events):
        yield _broken(f"the live ledger holds {len(live)} entries, the folder {len(kept.events)}")
    for mine, its in zip(kept.events, live, strict=False):
        if mine.hash != its.hash or mine.payload_hash != its.payload_hash:
            yield _broken(f"entry {mine.sequence} is not the live ledger's")
            return


def _broken(message: str) -> Finding:
    return Finding(kind="broken_ledger", message=message, file=LEDGER)


# ---- evidence and figures --------------------------------------------------------------------


def _evidence_findings(kept: _Kept) -> Iterator[Finding]:
    in_ledger = evidence_of(kept.events)
    for evidence_id, wanted in kept.report.evidence_hashes.items():
        item = kept.evidence.get(evidence_id)
        if item is None:
            yield _evidence(evidence_id, "is missing", kind_missing=True)
            continue
        if not item.is_whole():
            yield _evidence(evidence_id, "was altered: its content does not have its hash")
        elif item.hash != wanted:
            yield _evidence(evidence_id, "was altered: its hash is not the one in the record")
        entry = in_ledger.get(evidence_id)
        if entry is None:
            yield _evidence(evidence_id, "is in no entry of the ledger")
        elif entry.hash != wanted:
            yield _evidence(evidence_id, "was altered: the ledger's entry names another hash")
    for stranger in sorted(kept.evidence.keys() - kept.report.evidence_hashes.keys()):
        yield _evidence(stranger, "is not in the record")


def _evidence(evidence_id: str, what: str, *, kind_missing: bool = False) -> Finding:
    return Finding(
        kind="missing_evidence" if kind_missing else "altered_evidence",
        message=f"evidence {evidence_id} {what}",
        file=EVIDENCE,
        evidence_id=evidence_id,
    )


def _figure_findings(kept: _Kept) -> Iterator[Finding]:
    for figure in kept.report.figures:
        try:
            again = make_figure(
                figure.id, figure.derivation, kept.evidence, style=figure.format, unit=figure.unit
            )
        except (EvidenceError, ValueError, OverflowError) as error:
            yield _figure(figure, f"cannot be computed: {error}")
            continue
        if not _same(figure.value, again.value):
            yield _figure(figure, f"is {figure.value}; its evidence gives {again.value}")
        elif figure.text != again.text:
            yield _figure(figure, f"reads {figure.text!r}; its evidence says {again.text!r}")


def _same(kept: float | None, again: float | None) -> bool:
    if kept is None or again is None:
        return kept is again
    return kept == again or math.isclose(kept, again, rel_tol=1e-9)


def _figure(figure: Figure, what: str) -> Finding:
    ids = figure.derivation.evidence_ids
    return Finding(
        kind="changed_value",
        message=f"figure {figure.id} {what} (evidence {', '.join(ids)})",
        file=JSON,
        figure_id=figure.id,
        evidence_id=ids[0] if ids else None,
    )


# ---- the record, its charts, its Markdown ----------------------------------------------------


def _record_findings(kept: _Kept, file: str) -> Iterator[Finding]:
    known = {figure.id for figure in kept.report.figures}
    names = _names(kept)
    texts = [
        (section.title, text) for section in kept.report.sections for text in texts_of(section)
    ]
    texts += [("title", kept.report.title)]
    texts += [("heading", section.title) for section in kept.report.sections]
    for where, text in texts:
        for figure_id in placeholders([text]):
            if figure_id not in known:
                said = f"{where} names figure {figure_id}, which does not exist"
                yield Finding(kind="missing_figure", message=said, file=file, figure_id=figure_id)
        for numeral in bare_numerals(PLACEHOLDER.sub(" ", text), names):
            said = f"{where} holds the number {numeral.text!r}, which is bound to no figure"
            yield Finding(kind="unbound_numeral", message=said, file=file)


def _names(kept: _Kept) -> Collection[str]:
    try:
        configured = configured_names(gathered(kept.events).facts)
        return names_of(fold(kept.events)) | configured
    except (LedgerError, KeyError):  # a broken ledger names nothing; that it is broken is found
        return ()


def _chart_findings(kept: _Kept) -> Iterator[Finding]:
    images = [p for s in kept.report.sections for p in s.paragraphs if p.kind == "image"]
    for image in images:
        path, wanted = image.cells
        file = kept.folder / path
        if not file.is_file():
            yield Finding(kind="missing_file", message=f"{path} is not there", file=path)
        elif hashlib.sha256(file.read_bytes()).hexdigest() != wanted:
            said = f"{path} is not the chart that was drawn from the evidence"
            yield Finding(kind="changed_file", message=said, file=path)


def _markdown_findings(kept: _Kept, *, required: bool) -> Iterator[Finding]:
    if not kept.markdown.is_file():
        if required:
            yield _missing(kept.markdown)
        return
    figures = {figure.id: figure for figure in kept.report.figures}
    try:
        record = to_markdown(kept.report, kept.evidence)
    except EvidenceError:  # a text names a figure that is not there: found already
        record = ""
    check = MarkdownCheck(record, figures, _names(kept), file=kept.markdown.name)
    try:
        yield from check.findings(kept.markdown.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        said = "is no text in UTF-8"
        yield Finding(kind="changed_file", message=said, file=kept.markdown.name)
