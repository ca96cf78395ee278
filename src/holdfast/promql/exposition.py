"""Reads the Prometheus text exposition, once per series instead of once per line and scrape.

A target exposes almost the same series at every scrape, so the series part of each line is given
to prometheus_client's parser the first time only; afterwards a line costs a dictionary look-up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

Intern = Callable[[Mapping[str, str]], int]
"""Turns a label set (with `__name__`) into the store's series id."""


class ExpositionError(ValueError):
    """The text is no valid exposition; the whole scrape then counts as failed."""


@dataclass(frozen=True)
class Scraped:
    """Series ids and their values, of equal length; no id occurs twice."""

    ids: list[int]
    values: list[float]


class Exposition:
    """The expositions of one target. Not safe for several threads."""

    def __init__(self, target_labels: Mapping[str, str], intern: Intern) -> None:
        self._target_labels = dict(target_labels)
        self._intern = intern
        self._ids: dict[str, int] = {}

    def read(self, text: str) -> Scraped:
        """Return what the text exposes. Timestamps in it are ignored (`honor_timestamps: false`).

        Of a series that is exposed twice the first counts. Raises ExpositionError.
        """
        if text and not text.endswith("\n"):
            raise ExpositionError("the last line has no end: the answer was cut off")
        found: dict[int, float] = {}
        for line in text.split("\n"):
            if line and line[0] != "#" and not line.isspace():
                series, value = self._read_line(line)
                found.setdefault(series, value)
        return Scraped(list(found), list(found.values()))

    def forget(self) -> None:
        """Drop all known ids: the store has removed some."""
        self._ids.clear()

    def _read_line(self, line: str) -> tuple[int, float]:
        series_text, value = split_line(line)
        known = self._ids.get(series_text)
        if known is None:
            labels = with_target_labels(parse_series(series_text), self._target_labels)
            known = self._ids[series_text] = self._intern(labels)
        return known, value


def split_line(line: str) -> tuple[str, float]:
    """Return the series part and the value of a line. The last `}` ends the labels."""
    end = line.rfind("}") + 1
    series_text, rest = (line[:end], line[end:]) if end else _split_bare(line)
    fields = rest.split()
    if not 1 <= len(fields) <= 2 or "_" in fields[0]:
        raise ExpositionError(f"no value in the line {line[:200]!r}")
    try:
        return series_text, float(fields[0])
    except ValueError:
        raise ExpositionError(f"no number in the line {line[:200]!r}") from None


def parse_series(series_text: str) -> dict[str, str]:
    """Return the labels, with `__name__`, of the series part of a line."""
    try:
        # Without a TYPE line the library leaves the name of a counter as it is exposed.
        (family,) = text_string_to_metric_families(f"{series_text} 0\n")
        (sample,) = family.samples
    except ValueError:
        raise ExpositionError(f"no series can be read from {series_text[:200]!r}") from None
    return {"__name__": sample.name, **{k: v for k, v in sample.labels.items() if v}}


def with_target_labels(labels: dict[str, str], target_labels: Mapping[str, str]) -> dict[str, str]:
    """Return both; a clashing exposed label is renamed `exported_…` (`honor_labels: false`)."""
    merged = dict(target_labels)
    for label, value in labels.items():
        name = label
        while name in merged:
            name = f"exported_{name}"
        merged[name] = value
    return merged


def _split_bare(line: str) -> tuple[str, str]:
    name, *rest = line.split(None, 1)
    return name, rest[0] if rest else ""
