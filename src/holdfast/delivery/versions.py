"""Which of two versions is the earlier one, where their numbers say so."""

from __future__ import annotations

import re

_RELEASE = re.compile(r"v?(\d{1,9}(?:\.\d{1,9})*)(?:[-+].*)?")


def is_earlier(version: str, than: str) -> bool:
    """Whether `version` is known to be before `than`, by the release numbers in their names.

    `v2.3.3` is before `v2.3.4`, `2.9` before `2.10`. A commit hash, a branch or a date with
    letters has no order that could be known: the answer is then False, as it is for equal
    numbers (`1.0-rc1` and `1.0`).
    """
    first, second = _numbers(version), _numbers(than)
    return first is not None and second is not None and first < second


def _numbers(version: str) -> tuple[int, ...] | None:
    found = _RELEASE.fullmatch(version)
    if found is None:
        return None
    numbers = [int(part) for part in found[1].split(".")]
    while numbers and numbers[-1] == 0:  # 1.0 and 1 are the same release
        numbers.pop()
    return tuple(numbers)
