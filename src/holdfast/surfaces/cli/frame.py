"""The standing part of the live view: where the incident is now, in rows that fit the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.text import Text

from holdfast.model.case import Case
from holdfast.model.incident import Status
from holdfast.surfaces.cli.frame_beliefs import action_rows, hypothesis_rows
from holdfast.surfaces.cli.frame_fix import fix_rows
from holdfast.surfaces.cli.frame_sli import sli_rows
from holdfast.surfaces.cli.phases import Phase, detected_at, phases
from holdfast.surfaces.cli.sli import SliTrack
from holdfast.surfaces.cli.story import Chapter
from holdfast.surfaces.cli.styles import cut, since
from holdfast.surfaces.cli.waiting import Wait, is_over, waiting

_ROOMY_HEIGHT = 34
_WIDE = 100
_PHASE_CELL = 12
_LEAST_PHASES = 6
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_SPINS_PER_SECOND = 5
_MARKS = {
    "done": ("✓", "green"),
    "running": ("●", "cyan bold"),
    "pending": ("○", "dim"),
    "missed": ("-", "dim"),
}


@dataclass(frozen=True, slots=True)
class Expected:
    """What is awaited while no incident is under way; `seconds` bounds it."""

    text: str
    since: datetime
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """All that the frame shows. `passing` is what was asked last, `others` more open incidents."""

    now: datetime
    autonomy: str
    chapter: Chapter | None = None
    tracks: tuple[SliTrack, ...] = ()
    sli_problem: str = ""
    passing: str = ""
    others: int = 0
    expected: Expected | None = None


def frame(scene: Scene, width: int, height: int) -> list[Text]:
    """Return rows of at most `width` cells; at most about half of `height` where it is small."""
    roomy = height >= _ROOMY_HEIGHT
    blocks = _blocks(scene, width - 2, roomy=roomy)
    rows = [_rule(scene, width)]
    for place, block in enumerate(block for block in blocks if block):
        if roomy and place:
            rows.append(Text())
        rows += [Text(" ").append_text(cut(row, width - 2)) for row in block]
    return rows


def _blocks(scene: Scene, width: int, *, roomy: bool) -> list[list[Text]]:
    sli = sli_rows(scene.tracks, scene.sli_problem, width, limit=6 if roomy else 2)
    if scene.chapter is None:
        return [sli, [_watching_row(scene, width)]]
    case = scene.chapter.case
    wait = waiting(case, scene.now)
    awaited = [_wait_row(wait, scene.now, width) if wait else _ended_row(case)]
    if roomy:
        awaited.append(Text(scene.passing, "dim"))
    known = phases(case, scene.chapter.events, scene.now)
    fix = fix_rows(case, limit=7 if roomy else 2)
    beliefs = (4 if roomy else 2) if fix else (8 if roomy else 4)
    return [
        _phase_rows(shown_phases(known, width // _PHASE_CELL), width),
        sli,
        hypothesis_rows(case, width, limit=beliefs),
        fix,
        action_rows(case, limit=1 if fix or not roomy else 3),
        awaited,
    ]


def shown_phases(known: Sequence[Phase], room: int) -> Sequence[Phase]:
    """Return the phases that fit: around the first that is not over, six at least."""
    most = max(_LEAST_PHASES, room)
    over = ("done", "missed")
    now = next((place for place, p in enumerate(known) if p.state not in over), len(known))
    first = max(0, min(now - most + 2, len(known) - most))
    return known[first : first + most]


def _rule(scene: Scene, width: int) -> Text:
    left, right = Text(), "─"
    if scene.chapter is not None:
        case = scene.chapter.case
        left = _headline(case, scene)
        until = case.last_event_at if is_over(case) else scene.now
        right = f" {since(detected_at(case), until)} ─"
    else:
        left.append(f"Holdfast watches · level {scene.autonomy}", "bold")
    left = cut(left, width - len(right) - 6)
    row = Text("── ", "dim").append_text(left).append(" ")
    return row.append("─" * (width - row.cell_len - len(right)), "dim").append(right, "dim")


def _headline(case: Case, scene: Scene) -> Text:
    text = Text(f"{case.severity} {case.opened.service}", "bold red")
    if case.concluded:
        text.stylize("not red green")
    parts = ["laboratory"] if case.opened.laboratory else []
    parts += [f"level {scene.autonomy}", case.status.value]
    if scene.others:
        parts.append(f"{scene.others} more open")
    parts.append(case.incident_id)
    return text.append(" · " + " · ".join(parts), "not bold")


def _phase_rows(known: Sequence[Phase], width: int) -> list[Text]:
    cell = width // len(known)
    names, times = Text(), Text()
    for phase in known:
        mark, style = _MARKS[phase.state]
        if phase.late:
            mark, style = "!", "yellow"
        names.append_text(_cell(Text(f"{mark} {phase.name}", style), cell))
        times.append_text(_cell(Text(f"  {_times(phase, wide=width >= _WIDE)}", "dim"), cell))
    return [names, times]


def _cell(text: Text, width: int) -> Text:
    short = cut(text, width - 1)
    short.append(" " * (width - short.cell_len))
    return short


def _times(phase: Phase, *, wide: bool) -> str:
    elapsed = "-" if phase.elapsed_seconds is None else _clock(phase.elapsed_seconds)
    if phase.target_seconds is None:
        return elapsed
    hours = phase.target_seconds > 2 * 3600
    target = phase.target_seconds / (3600 if hours else 60)
    unit = "h" if hours else "min"
    return f"{elapsed} of {target:g} {unit}" if wide else f"{elapsed}/{target:g}{unit[0]}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0, int(seconds)), 60)
    return f"{minutes}:{rest:02}"


def _ended_row(case: Case) -> Text:
    if case.status is Status.CLOSED:
        return Text("✓ closed", "green")
    outcome = case.outcome.value.replace("_", " ") if case.outcome else case.status.value
    return Text(f"{outcome}: a person goes on from here, with the report", "yellow")


def _watching_row(scene: Scene, width: int) -> Text:
    expected = scene.expected
    if expected is not None:
        elapsed = (scene.now - expected.since).total_seconds()
        return _wait_row(Wait(expected.text, elapsed, expected.seconds), scene.now, width)
    return _spinner(scene.now).append(" no incident; burn rates are evaluated", "dim")


def _wait_row(wait: Wait, now: datetime, width: int) -> Text:
    elapsed = _clock(wait.elapsed_seconds)
    if wait.fraction is None or wait.limit_seconds is None:
        return _spinner(now).append(f" {wait.text} ").append(elapsed, "dim")
    tail = f" {elapsed} of {_clock(wait.limit_seconds)}"
    bar = 24 if width >= _WIDE else 12
    text = cut(Text(f" {wait.text} "), width - bar - len(tail) - 1)
    filled = round(bar * wait.fraction)
    row = _spinner(now).append_text(text).append("━" * filled, "cyan")
    return row.append("─" * (bar - filled), "dim").append(tail, "dim")


def _spinner(now: datetime) -> Text:
    turn = int(now.timestamp() * _SPINS_PER_SECOND) % len(_SPINNER)
    return Text(_SPINNER[turn], "cyan")
