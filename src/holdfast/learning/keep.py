"""Keeps an incident's folder: the report, its evidence, its ledger and its charts.

    incidents/<id>/postmortem.md      for people
                   postmortem.json    canonical: figures, their derivations, evidence hashes
                   evidence.jsonl     each evidence of the incident, one a line
                   ledger.jsonl       the entries up to the report's own, with their chain
                   charts/*.svg

Each file is written beside its place and moved there, so that a reader sees an old one or a new
one, never half. Keeping the same report twice changes nothing.

The ledger names the report's hash only after the report is there; so keep it, append `written`,
and keep again: from then on the folder verifies.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from holdfast.learning.markdown import to_markdown
from holdfast.model.base import Record, canonical_json, content_hash
from holdfast.model.event import Event, EvidenceKept, PostmortemWritten
from holdfast.model.evidence import Evidence
from holdfast.model.lesson import Postmortem

MARKDOWN, JSON, EVIDENCE, LEDGER = (
    "postmortem.md",
    "postmortem.json",
    "evidence.jsonl",
    "ledger.jsonl",
)


def keep(
    data_folder: Path, report: Postmortem, events: Sequence[Event], charts: Mapping[str, str]
) -> Path:
    """Write the incident's folder and return it. `charts` are path in the folder → SVG.

    Raises EvidenceError where the ledger holds no evidence that a figure names.
    """
    folder = incident_folder(data_folder, report.incident_id)
    kept = kept_events(events)
    evidence = evidence_of(kept)
    files = {
        EVIDENCE: lines(item for _, item in sorted(evidence.items())),
        LEDGER: lines(kept),
        **{path: svg.encode() for path, svg in charts.items()},
        JSON: canonical_json(report.model_dump(mode="json")) + b"\n",
        MARKDOWN: to_markdown(report, evidence).encode(),
    }
    for name, content in files.items():
        _replace(folder / name, content)
    return folder


def written(data_folder: Path, report: Postmortem) -> PostmortemWritten:
    """Return what the ledger says of a report: where it stands, and its hash."""
    folder = incident_folder(data_folder, report.incident_id)
    return PostmortemWritten(
        markdown_path=str(folder / MARKDOWN),
        json_path=str(folder / JSON),
        content_hash=content_hash(report),
    )


def incident_folder(data_folder: Path, incident_id: str) -> Path:
    """Return where an incident's files are kept."""
    return data_folder / "incidents" / incident_id


def kept_events(events: Sequence[Event]) -> tuple[Event, ...]:
    """Return the entries up to the report's own: what came later is not its business."""
    own = [at for at, e in enumerate(events) if isinstance(e.payload, PostmortemWritten)]
    return tuple(events[: own[-1] + 1] if own else events)


def evidence_of(events: Iterable[Event]) -> dict[str, Evidence]:
    """Return the evidence that the entries keep, by id."""
    found = (e.payload.evidence for e in events if isinstance(e.payload, EvidenceKept))
    return {item.id: item for item in found}


def lines(records: Iterable[Record]) -> bytes:
    """Return records as JSON lines, each in its canonical form."""
    return b"".join(canonical_json(r.model_dump(mode="json")) + b"\n" for r in records)


def _replace(path: Path, content: bytes) -> None:
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
