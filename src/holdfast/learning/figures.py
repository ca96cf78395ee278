"""Makes figures: each number of a report, computed from evidence and bound to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from holdfast.diagnosis import derivations as diagnosis_derivations
from holdfast.evidence.derive import derive
from holdfast.learning.derivations import REPORT_DERIVATIONS
from holdfast.learning.formats import render
from holdfast.learning.prevention import proof as rule_proof
from holdfast.model.evidence import Evidence
from holdfast.model.figure import Derivation, Figure

KNOWN = (
    diagnosis_derivations.own_excess_share,
    rule_proof.rule_firing,
    *REPORT_DERIVATIONS,
)
"""Derivations besides those of evidence/derive.py; importing their modules registers them."""

PLACEHOLDER = re.compile(r"\{f:(f\d+)\}")


@dataclass(frozen=True)
class Said:
    """A figure in a sentence: in an f-string it stands as its placeholder, `{f:f3}`."""

    figure: Figure

    @property
    def value(self) -> float | None:
        """What it says; None is no data."""
        return self.figure.value

    def __str__(self) -> str:
        return f"{{f:{self.figure.id}}}"


class FigureBook:
    """Collects the figures of one report; the same derivation and format are the same figure."""

    def __init__(self, evidence: Mapping[str, Evidence]) -> None:
        self._evidence = evidence
        self._figures: dict[str, Figure] = {}

    @property
    def figures(self) -> tuple[Figure, ...]:
        """All figures, in the order in which they were first made."""
        return tuple(self._figures.values())

    def add(self, derivation: Derivation, style: str, unit: str = "") -> Said:
        """Return the figure of a derivation. Raises EvidenceError where it cannot be computed."""
        key = f"{derivation.model_dump_json()}|{style}|{unit}"
        if key not in self._figures:
            number = len(self._figures) + 1
            self._figures[key] = make_figure(
                f"f{number}", derivation, self._evidence, style=style, unit=unit
            )
        return Said(self._figures[key])

    def of(
        self,
        function: str,
        *evidence: Evidence,
        style: str,
        unit: str = "",
        **parameters: str | float | int | None,
    ) -> Said:
        """Return the figure that a named function gives for these evidences."""
        ids = tuple(item.id for item in evidence)
        return self.add(
            Derivation(function=function, evidence_ids=ids, parameters=parameters), style, unit
        )

    def adopt(self, figure: Figure, style: str, unit: str = "") -> Said:
        """Take over a figure that was made elsewhere, computed again and written in our format."""
        return self.add(figure.derivation, style, unit)


def make_figure(
    figure_id: str,
    derivation: Derivation,
    evidence: Mapping[str, Evidence],
    *,
    style: str,
    unit: str = "",
) -> Figure:
    """Return one figure, computed now. Raises EvidenceError where evidence is missing or unfit."""
    value = derive(derivation, evidence)
    return Figure(
        id=figure_id,
        derivation=derivation,
        value=value,
        unit=unit,
        format=style,
        text=render(value, style, unit),
    )


def placeholders(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the figure ids that texts name, each once, in order of appearance."""
    return tuple(dict.fromkeys(i for text in texts for i in PLACEHOLDER.findall(text)))


def renumber(text: str, new_ids: Mapping[str, str]) -> str:
    """Return the text with every placeholder's id replaced."""
    return PLACEHOLDER.sub(lambda found: f"{{f:{new_ids[found[1]]}}}", text)
