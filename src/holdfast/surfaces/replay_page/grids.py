"""The charts of a simulation (recall by depth and length) and of a search (the front)."""

from __future__ import annotations

import math
from collections.abc import Iterator

from holdfast.learning.formats import duration
from holdfast.model.replay import Candidate, Search, Simulation
from holdfast.surfaces.replay_page.svg import box, drawing, element, line, text

_CELL_WIDTH, _CELL_HEIGHT, _LEFT, _TOP = 120.0, 40.0, 90.0, 24.0


def heat_map(simulation: Simulation) -> str:
    """Return recall by depth (down) and length (across); a dash is where no time was quiet."""
    depths = sorted({cell.depth for cell in simulation.cells}, reverse=True)
    lengths = sorted({cell.length_seconds for cell in simulation.cells})
    width = _LEFT + _CELL_WIDTH * len(lengths) + 10
    height = _TOP + _CELL_HEIGHT * len(depths) + 10
    return drawing(
        width, height, f"recall of {simulation.scope}", _heat(simulation, depths, lengths)
    )


def _heat(simulation: Simulation, depths: list[float], lengths: list[float]) -> Iterator[str]:
    for place, length in enumerate(lengths):
        x = _LEFT + _CELL_WIDTH * (place + 0.5)
        yield text(x, _TOP - 8, duration(length), "dim", "middle")
    for place, depth in enumerate(depths):
        yield text(_LEFT - 8, _TOP + _CELL_HEIGHT * (place + 0.6), f"{depth:.3g}", "dim", "end")
    for cell in simulation.cells:
        x = _LEFT + _CELL_WIDTH * lengths.index(cell.length_seconds)
        y = _TOP + _CELL_HEIGHT * depths.index(cell.depth)
        recall = cell.recall.fraction
        yield box(
            x + 1,
            y + 1,
            _CELL_WIDTH - 2,
            _CELL_HEIGHT - 2,
            "cell",
            opacity=0.06 + 0.6 * (recall or 0),
        )
        said = "-" if recall is None else f"{recall:.0%}"
        when = "" if cell.detection_seconds is None else duration(cell.detection_seconds.median)
        yield text(x + _CELL_WIDTH / 2, y + 17, said, "", "middle")
        yield text(x + _CELL_WIDTH / 2, y + 32, when, "dim", "middle")


def front_chart(search: Search) -> str:
    """Return every set by its median detection time (across, logarithmic) and recall (up)."""
    shown = [one for one in search.candidates if one.detection_median_seconds]
    if not shown:
        return ""
    times = [math.log10(one.detection_median_seconds or 1) for one in shown]
    low, high = min(times), max(max(times), min(times) + 0.1)
    parts = [line(60, 270, 780, 270, "axis"), line(60, 10, 60, 270, "axis")]
    parts += [text(54, 18 + 252 * (1 - r), f"{r:.0%}", "dim", "end") for r in (0, 0.5, 1)]
    parts += [
        text(
            60 + 720 * part, 288, duration(round(10 ** (low + part * (high - low)))), "dim", anchor
        )
        for part, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end"))
    ]
    ordered = sorted(shown, key=lambda one: (one.name == search.recommended, one.on_front))
    for one in ordered:
        across = (math.log10(one.detection_median_seconds or 1) - low) / (high - low)
        parts.append(_dot(one, search, 60 + 720 * across))
    parts.append(text(780, 302, "median detection time", "dim", "end"))
    return drawing(800, 310, "recall against detection time of each parameter set", parts)


def _dot(one: Candidate, search: Search, x: float) -> str:
    css = "dot front" if one.on_front else "dot"
    if one.name == search.recommended:
        css = "dot chosen"
    y = 14 + 252 * (1 - (one.recall.fraction or 0))
    tip = f"{one.name}: {one.pages_per_week:.2f} pages a week"
    radius = 6.0 if "chosen" in css else 4.0 if one.on_front else 2.5
    return element("circle", f"<title>{tip}</title>", cx=x, cy=y, r=radius, css=css)
