"""Rows of the live view that show each objective's recent past."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from holdfast.learning.formats import percent, render
from holdfast.surfaces.cli.sli import SliTrack
from holdfast.surfaces.cli.sparkline import sparkline
from holdfast.surfaces.cli.styles import cut

_NAME_WIDTH = 28
_WORDS_WIDTH = 28
_SPARK_WIDTH = 60
_LEAST_SPARK_WIDTH = 8
_VALUE_WIDTH = 17
_CELLS = {"met": "green", "missed": "red", "no_data": "dim"}


def sli_rows(tracks: Sequence[SliTrack], problem: str, width: int, *, limit: int) -> list[Text]:
    """Return a row an objective, the worst first, and one for a source that does not answer."""
    worst_first = sorted(tracks, key=_burn, reverse=True)[:limit]
    names = max((len(t.slo) for t in worst_first), default=0)
    name_width = min(_NAME_WIDTH, names, width - _VALUE_WIDTH)
    rows = [_row(track, name_width, width) for track in worst_first]
    return [*rows, Text(f"no data: {problem}", "yellow")] if problem else rows


def _burn(track: SliTrack) -> float:
    return (track.now or 0.0) / track.allowed_fraction


def _row(track: SliTrack, name_width: int, width: int) -> Text:
    row = cut(Text(track.slo), name_width)
    row.append(" " * (name_width - row.cell_len + 2))
    room = min(_SPARK_WIDTH, width - name_width - 4 - _WORDS_WIDTH)
    if room >= _LEAST_SPARK_WIDTH:  # where there is little room, the value goes first
        for cell in sparkline(track.bad_fractions, track.allowed_fraction, room):
            row.append(cell.block, _CELLS[cell.state])
        row.append("  ")
    return row.append_text(_words(track))


def _words(track: SliTrack) -> Text:
    kind = "slow" if track.kind == "latency" else "failed"
    text = Text()
    if track.now is None:
        return text.append(f"{render(None, 'percent'):>8}", "yellow")
    missed = track.now > track.allowed_fraction
    text.append(f"{_short(track.now):>7}", "red bold" if missed else "green")
    return text.append(f" {kind}, {percent(track.allowed_fraction)} allowed", "dim")


def _short(fraction: float) -> str:
    return f"{fraction * 100:.1f} %"
