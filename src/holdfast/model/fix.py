"""A permanent fix: a branch with its tests, or every way that was tried and why it came to nothing.

The bytes of a fix are in the repository; what is kept here names them and the evidence for them.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from holdfast.model.base import Record

FixMethod = Literal["eager_loading", "revert"]
"""`eager_loading`: the query loads what a loop reads. `revert`: the guilty commit alone is undone.
"""


class RegressionTest(Record):
    """A test that fails on the bad version and passes on the fixed one; merged with the fix.

    `at_most` is what was measured on the good version, in `unit`; `on_bad` on the bad one.
    """

    path: str
    name: str
    at_most: float
    on_bad: float
    unit: str


class Fix(Record):
    """A fix on a branch of its own, tested. `base` and `commit` are full hashes.

    `evidence` names evidence ids: `bisect`, `regression_on_bad`, `regression_on_fixed`,
    `repository_tests`, `diff`; a key is absent where that was not asked.
    """

    id: str
    service: str
    hypothesis_id: str
    """The mechanism that it removes."""
    method: FixMethod
    good_version: str
    bad_version: str
    version: str
    """What it is to be released as."""
    branch: str
    base: str
    commit: str
    guilty_commit: str | None
    guilty_subject: str = ""
    sentences: tuple[str, ...]
    """What was changed, a sentence each."""
    files: tuple[str, ...]
    regression: RegressionTest
    evidence: dict[str, str] = Field(default_factory=dict[str, str])


class DeclinedFix(Record):
    """A way to a fix that was tried or considered, and why it came to nothing."""

    method: FixMethod | Literal["any"]
    reason: str
