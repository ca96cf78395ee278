"""What a code fix comes to: changed files with a sentence for each change, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ChangedFile:
    """A file's whole new content, and what was changed in it, a sentence each."""

    path: str
    content: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class CodeFix:
    """The files that change. `remarks` = what was seen and deliberately left as it is."""

    files: tuple[ChangedFile, ...]
    remarks: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """All changes, in the order of the files."""
        return tuple(sentence for file in self.files for sentence in file.sentences)


@dataclass(frozen=True)
class Refusal:
    """Nothing is changed, because the code could not be understood well enough."""

    reason: str
