"""Which of two versions is the earlier one, where their numbers say so, and which comes next."""

from __future__ import annotations

import re
from collections.abc import Collection

_RELEASE = re.compile(r"v?(\d{1,9}(?:\.\d{1,9})*)(?:[-+].*)?")

_PATCH = re.compile(r"((?:.*[^\d.])?\d+\.\d+\.)(\d+)")


def next_version(version: str, taken: Collection[str]) -> str:
    """Return what a fix of a version is released as: the next patch version that is free.

    `v2.3.4` → `v2.3.5`, or `v2.3.6` where that is taken, with or without its `v`. What has no
    three numbers at its end gets a suffix: `2026-01-31` → `2026-01-31-fix.1`.
    """
    found = _PATCH.fullmatch(version)
    stem, number = (found[1], int(found[2])) if found else (f"{version}-fix.", 0)
    names = {name.removeprefix("v") for name in taken}
    while f"{stem}{number + 1}".removeprefix("v") in names:
        number += 1
    return f"{stem}{number + 1}"


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
