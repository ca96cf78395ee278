"""One line of a doctor's report."""

from __future__ import annotations

from typing import Literal

from holdfast.model.base import Record

CheckStatus = Literal["ok", "warn", "fail", "unknown"]


class Check(Record):
    """What was examined and what came of it. `unknown` could not be examined: never a pass."""

    name: str
    status: CheckStatus
    detail: str
    remedy: str = ""
    """What to do; empty where all is well."""
    access: Literal["none", "read", "write"] = "none"
    """What the credentials of this part must allow."""
    credentials: tuple[str, ...] = ()
    """Names of the environment variables that hold them; never their values."""
