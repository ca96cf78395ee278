"""Adds a correction to the file, or lists what is in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, TextIO

from rich.console import Console
from rich.text import Text

from holdfast.catalog.config import load_config
from holdfast.errors import InputError, NotFound
from holdfast.model.base import utc_now
from holdfast.model.budget import EVERY_SLO, Correction, CorrectionCategory
from holdfast.model.ids import new_id
from holdfast.slo.budgets.correction_log import (
    LoggedCorrection,
    append_correction,
    in_force,
    read_corrections,
    read_log,
    withdrawal,
)
from holdfast.slo.budgets.periods import zone_of
from holdfast.surfaces.cli.budget_accounts import corrections_path
from holdfast.surfaces.cli.given_values import parse_duration, parse_time
from holdfast.surfaces.cli.print_rows import write


@dataclass(frozen=True)
class CorrectionRequest:
    """What was asked for, as typed."""

    config: Path
    file: Path | None
    start: str
    end: str
    duration: str
    reason: str
    category: CorrectionCategory
    names: tuple[str, ...]
    recurrence: str
    time_zone: str
    withdraw: str
    author: str


def run_correct(stream: TextIO, wanted: CorrectionRequest, *, as_json: bool) -> None:
    """Append the correction, and print it. Nothing is written where something is wrong."""
    if not wanted.reason.strip():
        raise InputError("--reason: it is missing", hint="say why these events are not charged")
    config = load_config(wanted.config)
    path = corrections_path(config, wanted.file)
    known = {slo.name for slo in config.slos}
    for name in wanted.names:
        if name not in known:
            raise NotFound(f"--slo: no SLO {name!r}", hint=f"there are {', '.join(sorted(known))}")
    line = append_correction(path, _wanted(wanted, path))
    if as_json:
        print(line.model_dump_json(), file=stream)
    else:
        done = "withdrawn" if wanted.withdraw else "added"
        print(f"{done}: {_in_words(line.correction)}\nin {path}", file=stream)


def list_corrections(stream: TextIO, config: Path, file: Path | None, *, as_json: bool) -> None:
    """Print every entry. Raises ChainBroken where one was changed or removed."""
    path = corrections_path(load_config(config), file)
    lines = read_log(path)
    if as_json:
        for line in lines:
            print(line.model_dump_json(), file=stream)
        return
    console = Console(file=stream, highlight=False)
    counting = {each.id for each in in_force([line.correction for line in lines])}
    for line in lines:
        write(console, *_texts(line, counting))
    whole = "the chain is whole" if lines else "there is none"
    write(console, Text(f"{len(lines)} entries, {len(counting)} in force; {whole}"))


def _wanted(wanted: CorrectionRequest, path: Path) -> Correction:
    now = utc_now()
    if wanted.withdraw:
        earlier = {each.id: each for each in read_corrections(path)}
        if wanted.withdraw not in earlier:
            raise NotFound(
                f"--withdraw: {wanted.withdraw} is no correction in force",
                hint="`holdfast slo corrections` lists them",
            )
        return withdrawal(
            earlier[wanted.withdraw],
            id=new_id("corr"),
            reason=wanted.reason,
            author=wanted.author,
            at=now,
        )
    start = parse_time(wanted.start, "--start")
    zone_of(wanted.time_zone)
    return Correction(
        id=new_id("corr"),
        slos=wanted.names or (EVERY_SLO,),
        start=start,
        end=_end(wanted, start),
        reason=wanted.reason,
        author=wanted.author,
        category=wanted.category,
        created_at=now,
        recurrence=wanted.recurrence,
        time_zone=wanted.time_zone,
    )


def _end(wanted: CorrectionRequest, start: datetime) -> datetime:
    if bool(wanted.end) == bool(wanted.duration):
        raise InputError("--end, --duration: one of them is needed", hint="give one")
    if wanted.duration:
        end = start + timedelta(seconds=parse_duration(wanted.duration, "--duration"))
    else:
        end = parse_time(wanted.end, "--end")
    if end <= start:
        raise InputError(f"--end: {end:%Y-%m-%dT%H:%M:%SZ} is not after --start")
    return end


def _texts(line: LoggedCorrection, counting: set[str]) -> list[Text]:
    each = line.correction
    state: Literal["in force", "withdrawn", "withdrawal"] = (
        "withdrawal" if each.withdraws else "in force" if each.id in counting else "withdrawn"
    )
    head = Text(f"{state:<10} ", "green" if state == "in force" else "dim").append(_in_words(each))
    told = f"{each.author}, {each.created_at:%Y-%m-%d %H:%M} UTC: {each.reason}"
    return [head, Text(f"           {told}", "dim")]


def _in_words(each: Correction) -> str:
    again = f", again by {each.recurrence} ({each.time_zone})" if each.recurrence else ""
    whom = "every SLO" if EVERY_SLO in each.slos else ", ".join(each.slos)
    taken = f", takes back {each.withdraws}" if each.withdraws else ""
    return (
        f"{each.id}  {each.start:%Y-%m-%d %H:%M} to {each.end:%Y-%m-%d %H:%M} UTC{again}, "
        f"{each.category.replace('_', ' ')}, {whom}{taken}"
    )
