"""The terminal's few colours: the reader's own palette, bright only where something matters."""

from __future__ import annotations

from datetime import datetime

from rich.cells import cell_len, chop_cells
from rich.text import Text

from holdfast.surfaces.cli.line import Line, Tone

TONES = {
    Tone.PLAIN: "",
    Tone.DIM: "dim",
    Tone.GOOD: "green",
    Tone.BAD: "red",
    Tone.WARN: "yellow",
    Tone.ACCENT: "cyan",
}
_LABELS = {
    "thought": "magenta",
    "action": "blue",
    "observation": "bold",
    "reflection": "magenta bold",
    "plan": "cyan",
    "write": "cyan bold",
    "incident": "red bold",
    "escalated": "red bold",
    "fix": "green bold",
    "prevention": "green bold",
}
LABEL_WIDTH = 12
TIME_WIDTH = 6


def since(start: datetime, at: datetime) -> str:
    """Return minutes and seconds since a start, `0:09` or `1:02:10`."""
    whole = max(0, int((at - start).total_seconds()))
    hours, rest = divmod(whole, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def styled(line: Line, clock: str, width: int) -> list[Text]:
    """Return a line in rows of at most `width` cells, what wraps under the text's start.

    Only what is to be kept `whole` may be wider.
    """
    indent = TIME_WIDTH + 2 + LABEL_WIDTH
    room = max(20, width - indent)
    rows = [(row, TONES[line.tone]) for row in _rows(line, line.text, room)]
    for detail in line.details:
        rows += [("  " + row, "dim") for row in _rows(line, detail, room - 2)]
    first = Text(f"{clock:>{TIME_WIDTH}}  ", "dim")
    first.append(f"{line.label:<{LABEL_WIDTH}}", _LABELS.get(line.label, TONES[line.tone]))
    texts = [Text(row, style) for row, style in rows]
    return [first.append_text(texts[0]), *(Text(" " * indent).append_text(t) for t in texts[1:])]


def _rows(line: Line, text: str, width: int) -> list[str]:
    return [text] if line.whole else wrap(text, width)


def wrap(text: str, width: int) -> list[str]:
    """Return a text in rows of at most `width` cells, broken at spaces where there are any."""
    rows: list[str] = []
    row = ""
    for word in text.split(" "):
        for piece in chop_cells(word, width) or [""]:
            joined = f"{row} {piece}" if row else piece
            if row and cell_len(joined) > width:
                rows.append(row)
                joined = piece
            row = joined
    return [*rows, row]


def cut(text: Text, width: int) -> Text:
    """Return the text, shortened by an ellipsis where it is wider than `width` cells."""
    short = text.copy()
    short.truncate(max(1, width), overflow="ellipsis")
    return short
