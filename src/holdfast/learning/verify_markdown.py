"""Checks a post-mortem's Markdown against its record: every digit of it.

Three looks, because people edit post-mortems and may: prose without numbers is theirs to change.
1. Each footnote marker must stand right behind its figure's text.
2. What is left is searched for numerals that are bound to no figure (`numerals` says what counts).
3. Whatever holds a digit (identifiers, code, links, footnotes too) must be as the record has it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from holdfast.learning.numerals import bare_numerals
from holdfast.learning.report import Finding
from holdfast.model.figure import Figure

_MARKER = re.compile(r"\[\^(?P<id>[^\]\s]+)\]")
_NOTE = re.compile(r"\[\^(?P<id>[^\]\s]+)\]:")
_FENCE = re.compile(r"\s{0,3}(?P<ticks>`{3,}|~{3,})")
_DIGIT = re.compile(r"\d")
_WORD_WITH_DIGIT = re.compile(r"\S*\d\S*")


@dataclass(frozen=True)
class _Line:
    number: int
    text: str
    fenced: bool
    has_digit: bool


class MarkdownCheck:
    """Compares documents with one record: its Markdown as `to_markdown` renders it.

    A line that is also the record's is right as it stands; only the others are looked at closely.
    """

    def __init__(
        self, record: str, figures: Mapping[str, Figure], names: Collection[str], *, file: str
    ) -> None:
        self._record = _lines(record)
        self._known = {line.text for line in self._record}
        self._figures = figures
        self._names = names
        self._file = file

    def findings(self, markdown: str) -> list[Finding]:
        """Return what differs, in the order of the document's lines."""
        lines = _lines(markdown)
        found = [
            finding
            for line in lines
            if not line.fenced and line.text not in self._known
            for finding in _prose(line, self._figures, self._names, self._file)
        ]
        named = {finding.line for finding in found}
        changed = _differences(lines, self._record, self._figures, self._file)
        found += [finding for finding in changed if finding.line not in named]
        return sorted(found, key=lambda finding: finding.line or 0)


def _lines(markdown: str) -> list[_Line]:
    lines: list[_Line] = []
    fence = ""
    for number, text in enumerate(markdown.splitlines(), start=1):
        opened = _FENCE.match(text)
        lines.append(_Line(number, text, bool(fence), _DIGIT.search(text) is not None))
        if fence:
            if opened and opened["ticks"].startswith(fence) and text.strip() == opened["ticks"]:
                fence = ""
        elif opened:
            fence = opened["ticks"]
    return lines


# ---- prose -----------------------------------------------------------------------------------


def _prose(
    line: _Line, figures: Mapping[str, Figure], names: Collection[str], file: str
) -> Iterator[Finding]:
    text = line.text
    note = _NOTE.match(text)
    if note:
        text = " " * note.end() + text[note.end() :]
    for marker in list(_MARKER.finditer(text)):
        text, finding = _figure_at(text, marker, figures, line.number, file)
        if finding:
            yield finding
    for numeral in bare_numerals(text, names):
        where = f" in the footnote of {note['id']}" if note else ""
        yield Finding(
            kind="unbound_numeral",
            message=f"the number {numeral.text!r}{where} is bound to no figure",
            file=file,
            line=line.number,
            figure_id=note["id"] if note else None,
        )


def _figure_at(
    text: str, marker: re.Match[str], figures: Mapping[str, Figure], line: int, file: str
) -> tuple[str, Finding | None]:
    """Return the line without the figure and its marker, and what is wrong with it."""
    figure = figures.get(marker["id"])
    if figure is None:
        finding = Finding(
            kind="missing_figure",
            message=f"figure {marker['id']} is not in the record",
            file=file,
            line=line,
            figure_id=marker["id"],
        )
        return _blank(text, marker.start(), marker.end()), finding
    start = marker.start() - len(figure.text)
    if text[max(0, start) : marker.start()] == figure.text and not _runs_on(text, start):
        return _blank(text, start, marker.end()), None
    begins = _misread(text, marker.start(), figure)
    finding = Finding(
        kind="changed_text",
        message=f"figure {figure.id} reads {text[begins : marker.start()].strip()!r}; "
        f"its evidence says {figure.text!r}",
        file=file,
        line=line,
        figure_id=figure.id,
    )
    return _blank(text, begins, marker.end()), finding


def _runs_on(text: str, start: int) -> bool:
    """Whether a figure's text is the tail of a longer number."""
    return start > 0 and re.match(r"[\w.,]", text[start - 1]) is not None


def _misread(text: str, end: int, figure: Figure) -> int:
    """Where the text that stands in the figure's place begins: as many words as the figure has."""
    words = len(figure.text.split())
    found = re.search(rf"(?:\S+\s+){{0,{words - 1}}}\S+\s*$", text[:end])
    return found.start() if found else end


def _blank(text: str, start: int, end: int) -> str:
    return text[:start] + " " * (end - start) + text[end:]


# ---- every digit -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Word:
    line: int
    text: str
    in_line: str


def _differences(
    lines: Sequence[_Line], record: Sequence[_Line], figures: Mapping[str, Figure], file: str
) -> Iterator[Finding]:
    """Yield what the record has and the document has otherwise, or no longer."""
    mine, its = _digit_lines(lines), _digit_lines(record)
    first = _common(mine, its)
    tail = _common(mine[first:][::-1], its[first:][::-1])
    mine, its = mine[first : len(mine) - tail], its[first : len(its) - tail]
    blocks = SequenceMatcher(
        None,
        [line.text.strip() for line in its],
        [line.text.strip() for line in mine],
        autojunk=False,
    ).get_opcodes()
    last = lines[-1].number if lines else 1
    for kind, a, b, c, d in blocks:
        if kind != "equal" and b > a:
            near = mine[min(c, len(mine) - 1)].number if mine else last
            yield from _word_differences(_words(its[a:b]), _words(mine[c:d]), near, figures, file)


def _digit_lines(lines: Sequence[_Line]) -> list[_Line]:
    return [line for line in lines if line.has_digit]


def _common(mine: Sequence[_Line], its: Sequence[_Line]) -> int:
    """How many lines at the beginning are the same."""
    pairs = enumerate(zip(mine, its, strict=False))
    different = (at for at, (a, b) in pairs if a.text.strip() != b.text.strip())
    return next(different, min(len(mine), len(its)))


def _words(lines: Sequence[_Line]) -> list[_Word]:
    return [
        _Word(line.number, found.group(), line.text)
        for line in lines
        for found in _WORD_WITH_DIGIT.finditer(line.text)
    ]


def _word_differences(
    its: Sequence[_Word],
    mine: Sequence[_Word],
    near: int,
    figures: Mapping[str, Figure],
    file: str,
) -> Iterator[Finding]:
    matcher = SequenceMatcher(None, [w.text for w in its], [w.text for w in mine], autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind in ("equal", "insert"):
            continue
        had = " ".join(word.text for word in its[a:b])
        has = " ".join(word.text for word in mine[c:d])
        line = mine[c].line if kind == "replace" else near
        said = f"reads {has!r} where the record has {had!r}" if has else f"{had!r} is missing"
        figure = _figure_of(its[a], figures)
        about = f"figure {figure}: " if figure else ""
        yield Finding(
            kind="changed_text", message=about + said, file=file, line=line, figure_id=figure
        )


def _figure_of(word: _Word, figures: Mapping[str, Figure]) -> str | None:
    """The figure whose footnote or marker the word belongs to."""
    note = _NOTE.match(word.in_line) or _MARKER.search(word.text)
    return note["id"] if note and note["id"] in figures else None
