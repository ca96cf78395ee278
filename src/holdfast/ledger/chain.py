"""The audit chain: each entry's hash covers its envelope, its payload's hash and the one before.

It runs over payload hashes, not payloads, so that a leaked secret can be erased without
breaking it.
"""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.errors import ChainBroken
from holdfast.model.base import content_hash, has_hash
from holdfast.model.event import Event

GENESIS = "0" * 64
"""What the first entry names as the hash before it."""


def envelope_hash(entry: Event) -> str:
    """Return the hash that an entry must carry."""
    return content_hash(
        {
            "incident_id": entry.incident_id,
            "sequence": entry.sequence,
            "step_key": entry.step_key,
            "at": entry.at.isoformat(),
            "actor": entry.actor,
            "kind": entry.payload.kind,
            "payload_hash": entry.payload_hash,
            "previous_hash": entry.previous_hash,
        }
    )


def check_chain(events: Sequence[Event]) -> None:
    """Raise ChainBroken, naming the first entry that was changed, removed or reordered."""
    previous = GENESIS
    for expected_sequence, entry in enumerate(events, start=1):
        where = f"entry {entry.sequence} ({entry.step_key}) of {entry.incident_id}"
        if entry.sequence != expected_sequence:
            raise ChainBroken(f"{where}: entry {expected_sequence} is missing or out of order")
        if entry.previous_hash != previous:
            raise ChainBroken(f"{where} does not follow the entry before it")
        if not has_hash(entry.payload, entry.payload_hash):
            raise ChainBroken(f"{where}: the payload was changed")
        if entry.hash != envelope_hash(entry):
            raise ChainBroken(f"{where}: the envelope was changed")
        previous = entry.hash
