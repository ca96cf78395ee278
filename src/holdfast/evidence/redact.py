"""Takes secrets out of log lines, diffs and command output, before they become evidence.

A short list of patterns of well-known shapes, and the exact values that the user has configured.
It cannot know every secret; it errs on the side of taking out too much.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MARK = "REDACTED"
"""An identifier, so that code in a diff can still be parsed."""

_SHORTEST_EXACT = 4

_NAMES = (
    r"(?:pass(?:word|wd|phrase)|pwd|secret(?:[_-]?key)?|token|credentials?"
    r"|(?:api|access|private|signing|encryption)[_-]?key)"
)
_NO_SECRET = r"(?:str|bytes|string|int|bool|none|null|true|false|optional|any)\b"

_WHOLE = (
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{22,}|glpat-[\w-]{20,})",
    r"\bxox[abeoprs]-[\w-]{10,}",
    r"\bAIza[\w-]{35}",
    r"\b[spr]k[-_](?:live|test|ant|proj)[-_][\w-]{10,}",
    r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}(?:\.[\w-]+)?",
)
"""Private keys; keys of AWS, GitHub and GitLab, Slack, Google, Stripe and model vendors; JWTs."""

_KEEPING = (
    r"(?i)(hooks\.slack\.com/services/)[\w/]+",
    r"(?i)(\bauthorization[\"']?\s*[:=]\s*[\"']?(?:(?:basic|bearer|token|digest)\s+)?)[^\s\"',;]+",
    r"(?i)(\bbearer\s+)[\w.~+/=-]{8,}",
    r"(?i)(\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"']{0,80}:)[^\s/@\"']+(?=@)",
    rf"(?i)({_NAMES}[\"']?\s*(?::=|=>|:|=)\s*[bfru]{{0,2}}\")(?:[^\"\\\n]|\\.)+(?=\")",
    rf"(?i)({_NAMES}[\"']?\s*(?::=|=>|:|=)\s*[bfru]{{0,2}}')(?:[^'\\\n]|\\.)+(?=')",
    rf"(?i)({_NAMES}\s*[:=]\s*)(?!{_NO_SECRET})[^\s\"',;&(){{}}\[\]]{{3,}}+(?![(\[])",
)
"""Group 1 stays: webhook addresses, headers, passwords in URLs, assignments in code and logs."""


class Redactor:
    """`exact` are configured values, which are taken out wherever they stand."""

    def __init__(self, exact: Iterable[str] = ()) -> None:
        longest_first = sorted({v for v in exact if len(v) >= _SHORTEST_EXACT}, key=len)[::-1]
        self._exact = tuple(longest_first)
        self._whole = re.compile("|".join(_WHOLE))
        self._keeping = tuple(re.compile(pattern) for pattern in _KEEPING)

    def text(self, text: str) -> str:
        """Return the text without what looks like a secret."""
        for value in self._exact:
            text = text.replace(value, MARK)
        text = self._whole.sub(MARK, text)
        for pattern in self._keeping:
            text = pattern.sub(rf"\g<1>{MARK}", text)
        return text
