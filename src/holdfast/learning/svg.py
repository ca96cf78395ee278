"""A small line chart in hand-written SVG: axes with units, bounds, events marked, both themes.

Colours are mid-tones that hold on white and on dark; text brightens where the reader's browser
prefers dark. Everything is a pure function of its input, so that the same evidence draws the same
bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from holdfast.learning.numerals import MINUS

WIDTH, PLOT_HEIGHT = 960.0, 230.0
_LEFT, _RIGHT, _BOTTOM = 66.0, 20.0, 44.0
_TITLE, _ROW, _KEY_ROW = 32.0, 18.0, 20.0
_CHARACTER = 6.9
"""Pixels that a character of a mark's label takes at 11 px, about."""

_STYLE = (
    "text{font-family:ui-sans-serif,system-ui,-apple-system,'Segoe UI',Helvetica,Arial,"
    "sans-serif;font-size:12px;fill:#6e7781}"
    ".title{font-size:15px;font-weight:600;fill:#57606a}"
    ".mark{font-size:11px;font-weight:600}"
    ".grid{stroke:#8c959f;stroke-opacity:.25}.axis{stroke:#8c959f;stroke-opacity:.8}"
    ".line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}"
    ".bound{stroke-width:1.5;stroke-dasharray:6 4;fill:none}"
    "@media (prefers-color-scheme:dark){text{fill:#9da7b1}.title{fill:#c9d1d9}}"
)


@dataclass(frozen=True)
class Line:
    """One line: (Unix seconds, value) ascending; a gap longer than `gap_seconds` breaks it."""

    name: str
    colour: str
    points: Sequence[tuple[float, float]]
    gap_seconds: float
    evidence_id: str
    fill: bool = False


@dataclass(frozen=True)
class Level:
    """A bound, drawn as a dashed line across."""

    name: str
    colour: str
    value: float


@dataclass(frozen=True)
class Mark:
    """An event, drawn as a line down with its name on top."""

    at: float
    name: str
    colour: str


@dataclass(frozen=True)
class Chart:
    """What is drawn. `scale` turns a value into the axis's unit; `band` shades the incident."""

    title: str
    unit: str
    lines: Sequence[Line]
    levels: Sequence[Level]
    marks: Sequence[Mark]
    start: float
    end: float
    band: tuple[float, float] | None = None
    top_at_least: float = 0.0
    top_at_most: float | None = None


@dataclass(frozen=True)
class _Frame:
    x: Callable[[float], float]
    y: Callable[[float], float]
    top: float
    bottom: float
    y_ticks: Sequence[float]


def draw(chart: Chart) -> str:
    """Return the chart as an SVG document."""
    rows = _rows(chart)
    keys, key_rows = _legend(chart)
    top = _TITLE + 10 + _KEY_ROW * key_rows + _ROW * (max(rows, default=0) + 1)
    frame = _frame(chart, top)
    height = frame.bottom + _BOTTOM
    ids = " ".join(dict.fromkeys(line.evidence_id for line in chart.lines))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:g}" '
        f'width="{WIDTH:g}" height="{height:g}" role="img" data-evidence="{ids}">',
        f"<title>{escape(chart.title)}</title>",
        f"<metadata>Drawn by Holdfast from evidence {ids}</metadata>",
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="{_LEFT:g}" y="26">{escape(chart.title)}</text>',
        *keys,
        *_band(chart, frame),
        *_y_axis(chart, frame),
        *_x_axis(chart, frame),
        *_levels(chart, frame),
        *[p for line in chart.lines for p in _line(line, frame)],
        *_marks(chart, frame, rows),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _frame(chart: Chart, top: float) -> _Frame:
    values = [v for line in chart.lines for _, v in line.points if math.isfinite(v)]
    values += [level.value for level in chart.levels]
    low = min([0.0, *values])
    high = max([chart.top_at_least, *values]) or 1.0
    high = min(high, chart.top_at_most) if chart.top_at_most is not None else high * 1.06
    bottom = top + PLOT_HEIGHT
    span = max(chart.end - chart.start, 1.0)
    inner = WIDTH - _LEFT - _RIGHT
    return _Frame(
        x=lambda at: _LEFT + inner * (at - chart.start) / span,
        y=lambda v: bottom - (bottom - top) * (min(v, high) - low) / ((high - low) or 1.0),
        top=top,
        bottom=bottom,
        y_ticks=_ticks(low, high, 5),
    )


def _ticks(low: float, high: float, many: int) -> list[float]:
    """Round steps of 1, 2 or 5 times a power of ten."""
    raw = (high - low) / many or 1.0
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def _legend(chart: Chart) -> tuple[list[str], int]:
    """Return the legend, and how many rows it takes."""
    parts: list[str] = []
    x, row = _LEFT, 0
    for item in (*chart.lines, *chart.levels):
        length = 28 + len(item.name) * 6.8
        if x > _LEFT and x + length > WIDTH - _RIGHT:
            x, row = _LEFT, row + 1
        y = _TITLE + 13 + _KEY_ROW * row
        dashed = ' stroke-dasharray="6 4"' if isinstance(item, Level) else ""
        parts.append(
            f'<line x1="{x:.1f}" x2="{x + 22:.1f}" y1="{y:g}" y2="{y:g}" stroke="{item.colour}" '
            f'stroke-width="2.5"{dashed}/>'
            f'<text x="{x + 28:.1f}" y="{y + 4:g}">{escape(item.name)}</text>'
        )
        x += length + 22
    return parts, row + 1


def _band(chart: Chart, frame: _Frame) -> list[str]:
    if chart.band is None:
        return []
    left = frame.x(max(chart.band[0], chart.start))
    right = frame.x(min(chart.band[1], chart.end))
    return [
        f'<rect x="{left:.1f}" y="{frame.top:.1f}" width="{max(0.0, right - left):.1f}" '
        f'height="{PLOT_HEIGHT:g}" fill="#e5534b" fill-opacity=".08"/>'
    ]


def _y_axis(chart: Chart, frame: _Frame) -> list[str]:
    parts = [
        f'<line class="grid" x1="{_LEFT:g}" x2="{WIDTH - _RIGHT:g}" y1="{frame.y(v):.1f}" '
        f'y2="{frame.y(v):.1f}"/><text x="{_LEFT - 8:g}" y="{frame.y(v) + 4:.1f}" '
        f'text-anchor="end">{_short(v)}</text>'
        for v in frame.y_ticks
    ]
    middle = (frame.top + frame.bottom) / 2
    parts.append(
        f'<text transform="translate(16 {middle:.1f}) rotate(-90)" text-anchor="middle">'
        f"{escape(chart.unit)}</text>"
    )
    return parts


def _x_axis(chart: Chart, frame: _Frame) -> list[str]:
    step = _time_step(chart.end - chart.start)
    first = math.ceil(chart.start / step) * step
    times = [first + i * step for i in range(int((chart.end - first) // step) + 1)]
    style = "%H:%M:%S" if step < 60 else "%H:%M" if step < 86400 else "%m-%d"
    y = frame.bottom
    parts = [f'<line class="axis" x1="{_LEFT:g}" x2="{WIDTH - _RIGHT:g}" y1="{y:g}" y2="{y:g}"/>']
    parts += [
        f'<line class="axis" x1="{frame.x(at):.1f}" x2="{frame.x(at):.1f}" y1="{y:g}" '
        f'y2="{y + 5:g}"/><text x="{frame.x(at):.1f}" y="{y + 20:g}" text-anchor="middle">'
        f"{datetime.fromtimestamp(at, UTC):{style}}</text>"
        for at in times
    ]
    day = f"{datetime.fromtimestamp(chart.start, UTC):%Y-%m-%d}, UTC"
    parts.append(f'<text x="{WIDTH - _RIGHT:g}" y="{y + 38:g}" text-anchor="end">{day}</text>')
    return parts


def _time_step(span: float) -> float:
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400)
    return float(next((s for s in steps if span / s <= 10), 86400 * math.ceil(span / 864000)))


def _levels(chart: Chart, frame: _Frame) -> list[str]:
    return [
        f'<line class="bound" x1="{_LEFT:g}" x2="{WIDTH - _RIGHT:g}" y1="{frame.y(li.value):.1f}" '
        f'y2="{frame.y(li.value):.1f}" stroke="{li.colour}"/>'
        for li in chart.levels
    ]


def _line(line: Line, frame: _Frame) -> list[str]:
    parts: list[str] = []
    for piece in _pieces(line):
        path = " ".join(f"{frame.x(at):.1f},{frame.y(v):.1f}" for at, v in piece)
        if line.fill:
            foot = f"{frame.x(piece[-1][0]):.1f},{frame.bottom:g} "
            foot += f"{frame.x(piece[0][0]):.1f},{frame.bottom:g}"
            parts.append(
                f'<polygon points="{path} {foot}" fill="{line.colour}" fill-opacity=".12"/>'
            )
        if len(piece) == 1:
            x, y = path.split(",")
            parts.append(f'<circle cx="{x}" cy="{y}" r="2.5" fill="{line.colour}"/>')
        else:
            parts.append(f'<polyline class="line" points="{path}" stroke="{line.colour}"/>')
    return parts


def _pieces(line: Line) -> list[list[tuple[float, float]]]:
    pieces: list[list[tuple[float, float]]] = []
    for at, v in line.points:
        if not math.isfinite(v):
            continue
        if not pieces or at - pieces[-1][-1][0] > line.gap_seconds:
            pieces.append([])
        pieces[-1].append((at, v))
    return pieces


def _marks(chart: Chart, frame: _Frame, rows: Sequence[int]) -> list[str]:
    parts: list[str] = []
    for mark, row in zip(_shown(chart), rows, strict=True):
        x, y = frame.x(mark.at), frame.top - 8 - _ROW * (max(rows) - row)
        left = _label_left(mark, chart)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y + 4:.1f}" y2="{frame.bottom:g}" '
            f'stroke="{mark.colour}" stroke-width="1.5" stroke-opacity=".85"/>'
            f'<text class="mark" x="{left:.1f}" y="{y:.1f}" style="fill:{mark.colour}">'
            f"{escape(mark.name)}</text>"
        )
    return parts


def _shown(chart: Chart) -> list[Mark]:
    inside = [m for m in chart.marks if chart.start <= m.at <= chart.end]
    return sorted(inside, key=lambda m: (m.at, m.name))


def _rows(chart: Chart) -> list[int]:
    """Give each mark's label a row in which it overlaps none before it."""
    ends: list[float] = []
    rows: list[int] = []
    for mark in _shown(chart):
        left = _label_left(mark, chart)
        right = left + len(mark.name) * _CHARACTER + 10
        row = next((i for i, end in enumerate(ends) if end <= left), len(ends))
        ends[row : row + 1] = [right]
        rows.append(row)
    return rows


def _label_left(mark: Mark, chart: Chart) -> float:
    inner = WIDTH - _LEFT - _RIGHT
    x = _LEFT + inner * (mark.at - chart.start) / max(chart.end - chart.start, 1.0)
    length = len(mark.name) * _CHARACTER
    return min(max(x - 3, _LEFT), WIDTH - _RIGHT - length)


def _short(value: float) -> str:
    return f"{value:,.6g}".replace("-", MINUS)
