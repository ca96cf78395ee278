"""Pairs of source texts and their unified diff, as git would give it."""

from __future__ import annotations

import difflib
import textwrap


def diff_of(old: str, new: str, *, path: str = "app/views.py", context: int = 200) -> str:
    """Return the unified diff of two dedented sources."""
    lines = difflib.unified_diff(
        textwrap.dedent(old).strip("\n").splitlines(),
        textwrap.dedent(new).strip("\n").splitlines(),
        f"a/{path}",
        f"b/{path}",
        n=context,
        lineterm="",
    )
    return "\n".join([f"diff --git a/{path} b/{path}", *lines])
