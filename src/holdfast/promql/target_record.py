"""One target's scrapes into the store, with staleness markers for what ends.

A series ends, and gets a marker, when it vanishes from a scrape, when a scrape fails, and when its
target leaves the targets file (as in Prometheus, scrape/scrape.go).
"""

from __future__ import annotations

import logging

from holdfast.promql.exposition import Exposition, ExpositionError, Scraped
from holdfast.promql.samples import STALE_NAN
from holdfast.promql.scrape import ScrapeAnswer
from holdfast.promql.store_writer import SampleWriter
from holdfast.promql.targets import Target

_log = logging.getLogger(__name__)


class TargetRecord:
    """What one target exposed last, so that what ends can be marked. One store row a scrape."""

    def __init__(self, target: Target, writer: SampleWriter, live: set[int]) -> None:
        self._key = target.key
        self._writer = writer
        self._exposition = Exposition(target.labels, writer.series_id)
        self._live = live
        self._healthy = True
        own = {
            name: writer.series_id({"__name__": name, **target.labels})
            for name in ("up", "scrape_duration_seconds")
        }
        self._up, self._duration = own["up"], own["scrape_duration_seconds"]

    def keep(self, answer: ScrapeAnswer) -> None:
        """Append a scrape, with `up`, its duration, and the markers of what ended."""
        scraped, failure = self._read(answer)
        self._tell(answer.target.url, failure)
        exposed = set(scraped.ids) | {self._up, self._duration}
        ended = sorted(self._live - exposed)
        self._writer.append(
            self._key,
            answer.time_ms,
            [*scraped.ids, self._up, self._duration, *ended],
            [
                *scraped.values,
                0.0 if failure else 1.0,
                answer.seconds,
                *[STALE_NAN] * len(ended),
            ],
        )
        self._live = exposed

    def end(self, time_ms: int) -> None:
        """Mark all its series: the target is gone."""
        end_series(self._writer, self._key, self._live, time_ms)
        self._live = set[int]()

    def forget_ids(self) -> None:
        """The store has removed series; none that is live."""
        self._exposition.forget()

    def _tell(self, url: str, failure: str) -> None:
        """Log when a target goes down or comes back, not at each scrape."""
        if failure and self._healthy:
            _log.warning("%s is down: %s", url, failure)
        elif not failure and not self._healthy:
            _log.info("%s is up again", url)
        self._healthy = not failure

    def _read(self, answer: ScrapeAnswer) -> tuple[Scraped, str]:
        if answer.text is None:
            return Scraped([], []), answer.failure
        try:
            return self._exposition.read(answer.text), ""
        except ExpositionError as error:
            return Scraped([], []), str(error)


def end_series(writer: SampleWriter, key: str, live: set[int], time_ms: int) -> None:
    """Append a staleness marker for each of a target's series."""
    if live:
        writer.append(key, time_ms, sorted(live), [STALE_NAN] * len(live))
