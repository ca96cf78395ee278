"""Text that others wrote (a person, a reasoner, a tool), made fit to stand in a report.

Its numerals are not ours: each becomes a figure whose evidence is the ledger's entry that says so,
"as written". Names (services, versions …) become inline code, and what Markdown would act upon is
escaped, so that a hostile annotation stays a text.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain

from holdfast.errors import EvidenceError
from holdfast.learning.figures import FigureBook
from holdfast.learning.fix_facts import fix_names
from holdfast.learning.numerals import Span, bare_numerals, code_spans, is_quantity, number_of
from holdfast.model.action import Parameter
from holdfast.model.case import Case
from holdfast.model.event import Event, EvidenceKept
from holdfast.model.evidence import Cell, Evidence, Table

QUOTE_COLUMNS = ("quote", "number", "entry")
_NO_PROSE = {"query", "excerpt", "plan_hash", "idempotency_key", "error", "alert_query"}
_UNIT_BEHIND = re.compile(r" ?(?:ms|s|min|h|d|%|\u00d7|UTC)(?!\w)")


def names_of(case: Case) -> frozenset[str]:
    """Return what the ledger names: services, versions, runbooks and ids. None is a figure."""
    opened, triage = case.opened, case.triage
    found: set[str | None] = {case.incident_id, opened.service, opened.slo}
    if opened.alert:
        alert = opened.alert
        found |= {alert.source, alert.fingerprint, alert.labels.get("alertname")}
    if triage:
        found.update(triage.services)
        for change in triage.changes:
            found |= {change.id, change.service, change.from_version, change.to_version}
            found |= {change.source, change.actor}
    for hypothesis in case.hypotheses.values():
        found |= {hypothesis.id, hypothesis.service, hypothesis.mechanism}
    for one in case.actions.values():
        action = one.action
        found |= {action.id, action.target, action.plan.runbook_id, action.undo.runbook_id}
        found |= {action.effect_probe.version}
        found.update(v for by in action.preconditions.versions.values() for v in by)
        given = chain(action.plan.parameters.items(), action.undo.parameters.items())
        found.update(str(v) for key, v in given if _is_name(key, v))
    return frozenset(name for name in (*found, *fix_names(case)) if name)


def _is_name(key: str, parameter: Parameter) -> bool:
    """Whether a parameter is a name: a version is one, though it may look like a number."""
    return isinstance(parameter, str) and ("version" in key or not is_quantity(parameter))


def quote_facts(events: Sequence[Event], names: Collection[str]) -> Table:
    """Return every number that the ledger's texts say, by quotation key and entry."""
    rows: dict[str, tuple[Cell, ...]] = {}
    for entry in events:
        if not isinstance(entry.payload, EvidenceKept):
            for text in _texts(entry.payload.model_dump(mode="json")):
                for row in _number_rows(text, names, entry.sequence):
                    rows.setdefault(str(row[0]), row)
    return Table(columns=QUOTE_COLUMNS, rows=tuple(rows.values()))


def text_numbers(texts: Sequence[str], names: Collection[str], where: str) -> Table:
    """Return every number that these texts say; `where` says whose texts they are."""
    rows = {str(row[0]): row for text in texts for row in _number_rows(text, names, where)}
    return Table(columns=QUOTE_COLUMNS, rows=tuple(rows.values()))


class Quoter:
    """Turns a text of the ledger or the configuration into Markdown with figures."""

    def __init__(
        self, book: FigureBook, names: Collection[str], quotes: Sequence[Evidence]
    ) -> None:
        self._book = book
        self._names = names
        self._source_of = {
            str(row[0]): item
            for item in quotes
            if isinstance(item.value, Table)
            for row in item.value.rows
        }

    def __call__(self, text: str) -> str:
        """Return the text, quoted. Raises EvidenceError where no record says it."""
        prose = prepared(text, self._names)
        numerals = list(enumerate(_tokens(prose, self._names)))
        for index, span in reversed(numerals):
            prose = prose[: span.start] + self._figure(text, index, span) + prose[span.end :]
        return prose

    def _figure(self, text: str, index: int, span: Span) -> str:
        key = _key(text, index)
        source = self._source_of.get(key)
        if source is None:
            raise EvidenceError(f"no record says {span.text!r} as in {text!r}")
        said = self._book.of(
            "cell", source, style=f"as:{span.text}", key_column="quote", key=key, column="number"
        )
        return str(said)


def prepared(text: str, names: Collection[str]) -> str:
    """Return a text as one line of Markdown: names and its own code as code, the rest escaped."""
    line = " ".join(text.split()).replace("{f:", "{ f:")
    pieces: list[str] = []
    at = 0
    for span in code_spans(line):
        if is_quantity(span.text) and span.text.strip() not in names:
            continue
        pieces += [_escaped(line[at : span.start], names), line[span.start : span.end]]
        at = span.end
    return "".join([*pieces, _escaped(line[at:], names)])


def code(name: str) -> str:
    """Return a name as inline code, whatever characters it has."""
    plain = " ".join(name.split())
    longest = max((len(run) for run in re.findall(r"`+", plain)), default=0)
    ticks = "`" * (longest + 1)
    return f"{ticks} {plain} {ticks}" if "`" in plain else f"{ticks}{plain}{ticks}"


def _escaped(text: str, names: Collection[str]) -> str:
    marked = sorted((n for n in names if re.search(r"[\d_.-]", n)), key=len, reverse=True)
    if not marked:
        return _escape(text)
    pattern = "|".join(re.escape(name) for name in marked)
    parts = re.split(rf"(?<![\w.:/-])({pattern})(?![\w/-]|\.\d)", text)
    return "".join(f"`{p}`" if at % 2 else _escape(p) for at, p in enumerate(parts))


def _escape(text: str) -> str:
    return re.sub(r"([\\`*\[\]<>|])", r"\\\1", text)


def _tokens(prose: str, names: Collection[str]) -> list[Span]:
    """The numerals, each with the unit right behind it."""
    found: list[Span] = []
    for span in bare_numerals(prose, names):
        unit = _UNIT_BEHIND.match(prose, span.end)
        end = unit.end() if unit else span.end
        found.append(Span(span.start, end, prose[span.start : end]))
    return sorted(found, key=lambda span: span.start)


def _number_rows(text: str, names: Collection[str], entry: Cell) -> Iterator[tuple[Cell, ...]]:
    for index, span in enumerate(_tokens(prepared(text, names), names)):
        try:
            yield (_key(text, index), number_of(span.text), entry)
        except ValueError:  # a superscript or a fraction sign says no decimal number
            yield (_key(text, index), None, entry)


def _key(text: str, index: int) -> str:
    """Return what a number of a text goes by, with the text's full stop or without it."""
    text = text.rstrip(".")
    return f"{hashlib.sha256(text.encode()).hexdigest()[:12]}-{index}"


def _texts(plain: object) -> Iterator[str]:
    if isinstance(plain, str):
        yield plain
    elif isinstance(plain, Mapping):
        for key, inner in plain.items():  # pyright: ignore[reportUnknownVariableType]
            if key not in _NO_PROSE:
                yield from _texts(inner)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(plain, list):
        for inner in plain:  # pyright: ignore[reportUnknownVariableType]
            yield from _texts(inner)  # pyright: ignore[reportUnknownArgumentType]
