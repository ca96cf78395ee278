"""Templates of log messages in several windows, counted per operation.

One pass counts masked messages; the few thousand different ones are then put together to templates.
Messages are not kept. A template holds what all of its messages have in common; of that, what the
redactor takes out of the first message, or out of the template itself, becomes <*> or its mark, so
that nothing is returned that was not redacted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from holdfast.diagnosis.templates.cluster import cluster
from holdfast.diagnosis.templates.masks import WILDCARD, first_line, mask, shape
from holdfast.evidence.redact import Redactor

MOST_SHAPES = 200_000
"""Shapes remembered at a time, so that memory stays bounded; forgetting costs time alone."""


@dataclass(frozen=True, order=True)
class Template:
    """What an operation logs, values as <*>. `operation` is empty where it is not known."""

    operation: str
    text: str


@dataclass(frozen=True)
class MinedTemplates:
    """How often each template occurs, one mapping per window, in the order of the windows."""

    counts: tuple[Mapping[Template, int], ...]

    @property
    def templates(self) -> list[Template]:
        """Return all templates, by operation and text."""
        return sorted({template for window in self.counts for template in window})


def mine_templates(
    windows: Sequence[Iterable[tuple[str, str]]], *, redactor: Redactor | None = None
) -> MinedTemplates:
    """Return the templates of all windows together, with their counts in each.

    A window yields (operation, message) pairs; the operation may be empty. A blank message is of no
    template. The order of the messages changes nothing.
    """
    shapes = _Shapes()
    counted = [shapes.count(window) for window in windows]
    totals: Counter[str] = Counter()
    for window in counted:
        for (_, number), count in window.items():
            totals[shapes.masked[number]] += count
    text_of = cluster({text: count for text, count in totals.items() if text})
    clean = _redacted(shapes, text_of, redactor or Redactor())
    return MinedTemplates(tuple(_by_template(window, clean) for window in counted))


def _redacted(shapes: _Shapes, text_of: Mapping[str, str], redactor: Redactor) -> dict[int, str]:
    """Return the redacted template of each masked message, by its number; blank ones are left."""
    clean: dict[str, str] = {}
    by_number: dict[int, str] = {}
    for number, (masked, example) in enumerate(zip(shapes.masked, shapes.examples, strict=True)):
        if masked:
            template = text_of[masked]
            if template not in clean:
                clean[template] = _redact(template, masked, example, redactor)
            by_number[number] = clean[template]
    return by_number


def _redact(template: str, masked: str, example: str, redactor: Redactor) -> str:
    """Take out of the template what the redactor takes out of an example of it, or of itself."""
    safe = mask(redactor.text(example))
    if safe != masked:
        own, seen, kept = template.split(), masked.split(), safe.split()
        if len(own) == len(kept):
            pairs = zip(own, seen, kept, strict=True)
            template = " ".join(o if s == k else WILDCARD for o, s, k in pairs)
        else:
            template = safe
    return redactor.text(template)


def _by_template(
    window: Mapping[tuple[str, int], int], text_of: Mapping[int, str]
) -> dict[Template, int]:
    counts: dict[Template, int] = defaultdict(int)
    for (operation, number), count in window.items():
        if number in text_of:
            counts[Template(operation, text_of[number])] += count
    return dict(counts)


class _Shapes:
    """Numbers the different masked messages; a shape seen before costs one look-up.

    `examples`: the first message of each. It lives as long as the mining does.
    """

    def __init__(self) -> None:
        self._by_shape: dict[str, int] = {}
        self._by_mask: dict[str, int] = {}
        self.masked: list[str] = []
        self.examples: list[str] = []

    def count(self, messages: Iterable[tuple[str, str]]) -> dict[tuple[str, int], int]:
        counts: dict[tuple[str, int], int] = defaultdict(int)
        known = self._by_shape
        for operation, message in messages:
            look = shape(message)
            number = known.get(look)
            if number is None:
                number = self._number(look, message)
            counts[operation, number] += 1
        return dict(counts)

    def _number(self, look: str, message: str) -> int:
        masked = mask(message)
        number = self._by_mask.get(masked)
        if number is None:
            number = self._by_mask[masked] = len(self.masked)
            self.masked.append(masked)
            self.examples.append(first_line(message))
        if len(self._by_shape) >= MOST_SHAPES:
            self._by_shape.clear()
        self._by_shape[look] = number
        return number
