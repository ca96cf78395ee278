"""A number in a report, bound to the evidence that it is computed from."""

from __future__ import annotations

from pydantic import Field

from holdfast.model.base import Record


class Derivation(Record):
    """How a value follows from evidence: a named pure function of `evidence/derive.py`.

    `evidence_ids` are its inputs in order, `parameters` its constants.
    """

    function: str
    evidence_ids: tuple[str, ...]
    parameters: dict[str, str | float | int | None] = Field(
        default_factory=dict[str, str | float | int | None]
    )


class Figure(Record):
    """`text` is how the report shows it, made from `value` by `format` (see learning/figures)."""

    id: str
    derivation: Derivation
    value: float | None
    """None where the evidence says no data: it is then written `no data`."""
    unit: str = ""
    format: str = "g"
    text: str = ""
