"""Evidence: a question, who was asked, when, and the answer, sealed by a hash."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from holdfast.model.base import Record, UtcTime, as_written, content_hash
from holdfast.model.ids import new_id


class EvidenceKind(StrEnum):
    """What was asked."""

    METRIC = "metric"
    LOG = "log"
    TRACE = "trace"
    CHANGE = "change"
    DIFF = "diff"
    COMMAND = "command"
    HUMAN = "human"
    CONFIG = "config"
    LEDGER = "ledger"


class Outcome(StrEnum):
    """`no_data` and `error` are answers of their own; neither is ever read as health."""

    DATA = "data"
    NO_DATA = "no_data"
    ERROR = "error"


class Window(Record):
    """A closed interval of time. An instant has equal ends."""

    start: UtcTime
    end: UtcTime

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return (self.end - self.start).total_seconds()


class Sample(Record):
    """One series at one instant; `at` is Unix time in seconds."""

    labels: dict[str, str]
    at: float
    value: float


class Vector(Record):
    """The answer to an instant query. A scalar is one sample without labels."""

    type: Literal["vector"] = "vector"
    samples: tuple[Sample, ...]
    warnings: tuple[str, ...] = ()
    """What the source said beside the answer, for example that a part of it is missing."""


class Series(Record):
    """One series over time: (Unix seconds, value) pairs, ascending."""

    labels: dict[str, str]
    points: tuple[tuple[float, float], ...]


class Matrix(Record):
    """The answer to a range query."""

    type: Literal["matrix"] = "matrix"
    series: tuple[Series, ...]
    warnings: tuple[str, ...] = ()


Cell = str | float | int | bool | None


class Table(Record):
    """Rows of named cells: changes, grouped log lines, deployment states, settings."""

    type: Literal["table"] = "table"
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Text(Record):
    """A text: a diff, a person's sentence, the output of a command."""

    type: Literal["text"] = "text"
    text: str


Value = Annotated[Vector | Matrix | Table | Text, Field(discriminator="type")]


class Evidence(Record):
    """One question and its answer. Build it with `Evidence.seal`; `hash` covers all but `id`."""

    id: str
    kind: EvidenceKind
    query: str
    """Verbatim: asking it again at `source` over `window` gives the same answer."""
    source: str
    window: Window | None = None
    step_seconds: float | None = None
    asked_at: UtcTime
    outcome: Outcome
    value: Value | None = None
    error: str = ""
    hash: str

    @classmethod
    def seal(
        cls,
        *,
        kind: EvidenceKind,
        query: str,
        source: str,
        asked_at: UtcTime,
        outcome: Outcome,
        value: Vector | Matrix | Table | Text | None = None,
        window: Window | None = None,
        step_seconds: float | None = None,
        error: str = "",
    ) -> Evidence:
        """Return the record with a new id and the hash of its content."""
        unsealed = cls(
            id=new_id("ev"),
            kind=kind,
            query=query,
            source=source,
            window=window,
            step_seconds=step_seconds,
            asked_at=asked_at,
            outcome=outcome,
            value=value,
            error=error,
            hash="",
        )
        return unsealed.model_copy(update={"hash": unsealed.computed_hash()})

    def computed_hash(self) -> str:
        """Return the hash that the content has now; it differs from `hash` if it was altered."""
        plain = self.model_dump(mode="json", exclude={"id", "hash"})
        return content_hash(plain)

    def is_whole(self) -> bool:
        """Whether the content has its hash. Fields that came later were no part of it."""
        plain = as_written(self, "id", "hash")
        return self.hash in (self.computed_hash(), content_hash(plain))
