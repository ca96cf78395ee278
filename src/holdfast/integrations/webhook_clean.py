"""Takes secrets, control characters and excess out of what a sender wrote: the end of parsing.

A label called `password` holds a secret whatever it looks like; so each value is judged with its
name. Identities are kept apart: one that holds a secret, or is too long, becomes its hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from holdfast.evidence.redact import MARK, Redactor
from holdfast.integrations.webhook import Note, NoteKind
from holdfast.model.change import Change

MOST_NAME = 256
MOST_LABEL = 1_024
MOST_ANNOTATION = 8_192
_CONTROL = {n: "\N{REPLACEMENT CHARACTER}" for n in range(32) if chr(n) not in "\t\n\r"}
_PROBE = "a-value-of-no-known-shape"


@dataclass
class Cleaner:
    """Cleans the texts of one delivery and gathers the notes of what it did."""

    redactor: Redactor
    notes: list[Note] = field(default_factory=list[Note])
    _judged: dict[str, bool] = field(default_factory=dict[str, bool])
    _plain: dict[str, str] = field(default_factory=dict[str, str])

    def text(self, value: str, path: str = "", *, most: int = MOST_ANNOTATION) -> str:
        """Return a text without secrets and control characters, cut at `most` characters."""
        # Twice as much is judged as is kept: no secret is cut in two before it is known as one.
        plain = self._without_secrets(value[: 2 * most])
        if max(len(plain), len(value) - most) <= most:
            return plain
        said = f"{path or 'a text'} had {len(value)} characters and was cut at {most}"
        self.note(NoteKind.SHORTENED, said, path)
        return plain[: most - 1] + "…"

    def line(self, value: str, path: str = "") -> str:
        """Return a text as one line, for names and summaries."""
        return " ".join(self.text(value, path, most=MOST_LABEL).split())

    def labels(
        self, values: Mapping[str, str], path: str, *, most: int = MOST_LABEL
    ) -> dict[str, str]:
        """Return labels or annotations; a value whose name says that it is secret is taken out."""
        clean: dict[str, str] = {}
        for name, value in values.items():
            shown = self.text(name, f"{path} (a name)", most=MOST_NAME)
            kept = (
                MARK
                if value and self.is_secret(name)
                else self.text(value, f"{path}.{shown}", most=most)
            )
            clean[shown] = kept
        return clean

    def annotations(self, values: Mapping[str, str], path: str) -> dict[str, str]:
        """The same with more room."""
        return self.labels(values, path, most=MOST_ANNOTATION)

    def is_secret(self, name: str) -> bool:
        """Whether what has that name is a secret, whatever it looks like."""
        end = name[-MOST_NAME:]
        if end not in self._judged:
            self._judged[end] = MARK in self.redactor.text(f"{end}={_PROBE}")
        return self._judged[end]

    def identity(self, value: str) -> str:
        """Return a text that is the same for equal ones and tells others apart."""
        if len(value) <= MOST_NAME and self._without_secrets(value) == value:
            return value
        digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
        return f"sha256:{digest}"

    def change(self, change: Change) -> Change:
        """Return the change with all its texts cleaned."""
        secret = self.is_secret(change.setting)
        return change.model_copy(
            update={
                "id": self.identity(change.id),
                "service": self.line(change.service, "service"),
                "source": self.identity(change.source),
                "setting": self.line(change.setting, "setting"),
                "summary": self.text(change.summary, "summary"),
                "actor": self.line(change.actor, "actor"),
                "from_version": self._maybe(change.from_version),
                "to_version": self._maybe(change.to_version),
                "from_value": MARK
                if secret and change.from_value
                else self._maybe(change.from_value),
                "to_value": MARK if secret and change.to_value else self._maybe(change.to_value),
            }
        )

    def note(self, kind: NoteKind, sentence: str, path: str = "") -> None:
        """Add a note."""
        self.notes.append(Note(kind=kind, sentence=sentence, path=path))

    def _without_secrets(self, value: str) -> str:
        """Alerts of one delivery share most of their texts: each is judged once."""
        if value not in self._plain:
            self._plain[value] = self.redactor.text(value.translate(_CONTROL))
        return self._plain[value]

    def _maybe(self, value: str | None) -> str | None:
        return None if value is None else self.line(value)
