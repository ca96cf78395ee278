"""What a repository's reviewers are asked from now on: one sentence for each mechanism. Pure."""

from __future__ import annotations

import re

ITEMS = {
    "n_plus_one": (
        "Loops over loaded rows: does the query load the relationships that the loop reads?"
    ),
    "cpu_regression": (
        "Loops over requests' data: does their cost grow faster than the data, and was it measured?"
    ),
    "slow_statement": (
        "New or changed queries: is there an index for what they filter and sort by?"
    ),
    "pool_exhaustion": (
        "Connections: is each given back before anything slow, and are there enough at peak load?"
    ),
    "added_wait": (
        "Sleeps, locks and retries: what waits for them, and what ends the wait under load?"
    ),
}
"""Questions, because a reviewer answers them."""

_NEW = "# Review checklist\n\nWhat reviewers ask of every change, learned from incidents.\n\n"
_ITEM = re.compile(r"(?P<mark>[-*+]|(?P<number>\d+)(?P<dot>[.)])) +(?P<box>\[[ xX]\] +)?\S")


def extended(text: str | None, mechanism: str) -> str | None:
    """Return the checklist (Markdown; None = there is none yet) with the mechanism's question.

    It goes behind the last item, in its style. None where it is asked already, or where there is
    no question for the mechanism.
    """
    question = ITEMS.get(mechanism)
    if question is None or (text is not None and _plain(question) in _plain(text)):
        return None
    if text is None or not text.strip():
        return f"{_NEW}- {question}\n"
    if "\r\n" in text:
        changed = extended(text.replace("\r\n", "\n"), mechanism)
        return changed.replace("\n", "\r\n") if changed else None
    lines = text.rstrip("\n").split("\n")
    last = max((i for i, line in enumerate(lines) if _ITEM.match(line)), default=None)
    if last is None:
        return "\n".join([*lines, "", f"- {question}", ""])
    end = last + 1
    while end < len(lines) and lines[end][:1].isspace():
        end += 1
    item = f"{_mark(lines[last])}{question}"
    return "\n".join([*lines[:end], item, *lines[end:], ""])


def _mark(line: str) -> str:
    """Return how the next item begins: the same bullet, or the next number."""
    found = _ITEM.match(line)
    assert found is not None
    number = found["number"]
    mark = f"{int(number) + 1}{found['dot']}" if number else found["mark"]
    return f"{mark} [ ] " if found["box"] else f"{mark} "


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
