"""Checks statements and files, and prints what came of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.text import Text

from holdfast.errors import InputError
from holdfast.model.claim import CheckedClaim, Verdict
from holdfast.slo.claims.arithmetic import Given
from holdfast.slo.claims.check import check_statement
from holdfast.slo.claims.files import check_file
from holdfast.surfaces.cli.given_values import parse_duration, parse_ratio
from holdfast.surfaces.cli.print_rows import width_of, write
from holdfast.surfaces.cli.styles import wrap

_MARKS: dict[Verdict, tuple[str, str]] = {
    "right": ("✓ right", "green"),
    "wrong": ("✗ wrong", "bold red"),
    "not_understood": ("? not understood", "yellow"),
}
_FILES = (".yaml", ".yml")


def run_check(
    stream: TextIO, claims: Sequence[str], objective: str, period: str, *, as_json: bool
) -> int:
    """Print the verdicts; return 1 where one is wrong, else 2 where one is not understood."""
    given = Given(
        objective=parse_ratio(objective, "--objective") if objective else None,
        period_seconds=parse_duration(period, "--period") if period else None,
    )
    checked = [found for claim in claims for found in _checked(claim, given)]
    if as_json:
        for each in checked:
            print(each.model_dump_json(), file=stream)
    else:
        console = Console(file=stream, highlight=False)
        for each in checked:
            write(console, *_texts(each, width_of(console)))
    verdicts = {each.verdict for each in checked}
    return 1 if "wrong" in verdicts else 2 if "not_understood" in verdicts else 0


def _checked(claim: str, given: Given) -> tuple[CheckedClaim, ...]:
    path = Path(claim)
    if claim.endswith(_FILES) or (len(claim) < 255 and path.is_file()):
        if not path.exists():
            raise InputError(f"{claim}: there is no such file", hint="give its path")
        return check_file(path, given)
    return (check_statement(claim, given),)


def _texts(checked: CheckedClaim, width: int) -> list[Text]:
    mark, style = _MARKS[checked.verdict]
    head = Text(mark, style).append(f"  {checked.statement}", "bold" if not checked.source else "")
    return [head, *(Text(f"  {row}") for text in _said(checked) for row in wrap(text, width - 2))]


def _said(checked: CheckedClaim) -> list[str]:
    said = [checked.source] if checked.source else []
    if checked.verdict == "wrong" and checked.claimed and not checked.source:
        said.append(f"it says {checked.claimed}; right is {checked.actual}")
    elif checked.actual:
        said.append(f"it is {checked.actual}")
    if checked.arithmetic:
        said.append(checked.arithmetic)
    if checked.assumptions:
        said.append(f"taken as: {', '.join(checked.assumptions)}")
    return [*said, *checked.notes]
