"""Takes out of a log message what varies by its look alone: numbers, paths, addresses, values.

No system has settings of its own here: the rules are about how people and programs write values.
"""

from __future__ import annotations

import re

WILDCARD = "<*>"
LONGEST = 2000
"""Characters of a message that are looked at; templates differ before that."""

_CHUNK = r"\w.+%$~#&^!?*-"
_VALUES = re.compile(
    r"(?<!\w)[A-Za-z][\w+.-]{0,20}+://\S++"  # addresses
    r"|(?<![\w<])[\w.+-]++@[\w.-]++"  # mailboxes, user@host
    r"|(?<![\w./<*])(?:[A-Za-z]:\\|\\\\|~?/|\.{1,2}/)[^\s\"',;:)\]}>]++"  # paths
    r"|(?<![\w./<*])[\w.-]++(?:/[\w.-]++){2,}+/?"  # paths without their root
    r"|(?<=\w=)(?:\"[^\"]*+\"|'[^']*+'|[^\s,;)\]}\"'<]++)"  # key=value, key="a value"
    r"|(?<!\w)\d+(?:\.\d+)? ?(?:[KMGTP]i?)?B\b"  # sizes, whose unit goes with the number
    r"|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b"
    rf"|(?<![{_CHUNK}])[^\W\d]*+(?:[{_CHUNK}](?<!\d))*+\d[{_CHUNK}]*+"  # all that has a digit
    r"|(?<![\w.])[A-Za-z][\w-]*+(?:\.[\w-]++){2,}+(?![\w(])"  # a.dotted.name
)
_JOINED = re.compile(r"<\*>(?:(?:[:/.|@\\-]|, ?| ?- ?)?<\*>)+")
_DOT_LEADERS = re.compile(r"\.{3,}")
_DIGITS = re.compile(r"\d+")


def mask(message: str) -> str:
    """Return the message's first line with each value as <*>, and lists of values as one."""
    line = _DOT_LEADERS.sub("... ", first_line(message))
    masked = _VALUES.sub(WILDCARD, line)
    return " ".join(_JOINED.sub(WILDCARD, masked).split())


def shape(message: str) -> str:
    """Return the message with each run of digits as 0: cheap, and equal only if the mask is."""
    return _DIGITS.sub("0", message[: 2 * LONGEST])


def first_line(message: str) -> str:
    """Return the first line that is not blank; a stack trace below it is not of the template."""
    stripped = message[: 2 * LONGEST].strip()
    return stripped.split("\n", 1)[0][:LONGEST].rstrip()
