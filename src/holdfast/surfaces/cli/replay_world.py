"""What a replay is run on: the metrics source, the objectives, and the past that is asked for."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from holdfast.catalog.config import load_config
from holdfast.catalog.documents import read_text
from holdfast.catalog.openslo import from_openslo
from holdfast.errors import InputError
from holdfast.evidence.source import MetricsSource
from holdfast.integrations.sources import open_source
from holdfast.model.config import Config, MetricsSettings
from holdfast.model.slo import SLO
from holdfast.promql.store import RecordedSamples
from holdfast.slo.replay.reading import PastSpan, default_step

_DAY_SECONDS = 86_400.0
_TIMEOUT_SECONDS = 60.0
_LOOKS = 10_000


@dataclass(frozen=True)
class PastRequest:
    """What a person asked for: whose past, from where, how long, how finely."""

    config: Path
    slo_names: tuple[str, ...] = ()
    openslo_files: tuple[Path, ...] = ()
    prometheus: str = ""
    recording: Path | None = None
    days: float = 30.0
    begin: str = ""
    end: str = ""
    step_seconds: float | None = None
    scrape_seconds: float | None = None


@dataclass(frozen=True)
class ReplayWorld:
    """An open source and the objectives. Close the source when done."""

    source: MetricsSource
    slos: tuple[SLO, ...]
    start: float
    end: float
    scrape_seconds: float
    step_seconds: float | None
    """None: the objective's own."""

    def span(self, slo: SLO | None) -> PastSpan:
        """Return what is asked for an objective, or for rules alone."""
        usual = 60.0 if slo is None else default_step(slo)
        step = self.step_seconds or usual
        return PastSpan(self.start, self.end, step, self.scrape_seconds)


def open_world(wanted: PastRequest, *, slos_needed: bool) -> ReplayWorld:
    """Return the world. Raises ConfigError or InputError for what cannot be used.

    The configuration is read only for what the options do not say.
    """
    elsewhere = bool(wanted.prometheus) or wanted.recording is not None
    own_slos = bool(wanted.openslo_files) or not slos_needed
    needed = not elsewhere or not own_slos
    config = load_config(wanted.config) if needed or wanted.config.exists() else None
    settings = _settings(wanted, config)
    slos = _slos(wanted, config) if slos_needed or wanted.openslo_files else ()
    _check_numbers(wanted)
    source = open_source(settings)
    try:
        start, end = _times(wanted, settings)
    except Exception:
        source.close()
        raise
    scrape = wanted.scrape_seconds or settings.resolution_seconds
    return ReplayWorld(source, slos, start, end, scrape, wanted.step_seconds)


def _settings(wanted: PastRequest, config: Config | None) -> MetricsSettings:
    if wanted.prometheus and wanted.recording is not None:
        raise InputError("--prometheus and --recording: one source, not both")
    if wanted.prometheus:
        same = config is not None and config.metrics.url == wanted.prometheus
        if config is not None and same:
            return config.metrics
        return MetricsSettings(url=wanted.prometheus, timeout_seconds=_TIMEOUT_SECONDS)
    if wanted.recording is not None:
        return MetricsSettings(
            kind="recorder",
            path=wanted.recording,
            resolution_seconds=_recorded(wanted.recording).interval_seconds,
        )
    if config is None:
        raise InputError("no metrics source", hint="give --prometheus, --recording or --config")
    return config.metrics


def _slos(wanted: PastRequest, config: Config | None) -> tuple[SLO, ...]:
    known = tuple(
        slo
        for file in wanted.openslo_files
        for slo in from_openslo(read_text(file, "OpenSLO file"), file)
    )
    if not wanted.openslo_files and config is not None:
        known = config.slos
    names = [slo.name for slo in known]
    for name in wanted.slo_names:
        if name not in names:
            raise InputError(f"--slo {name}: there is none of this name", hint=", ".join(names))
    if not known:
        raise InputError("there is no objective", hint="write `slos`, or give --openslo FILE")
    return tuple(slo for slo in known if not wanted.slo_names or slo.name in wanted.slo_names)


def _times(wanted: PastRequest, settings: MetricsSettings) -> tuple[float, float]:
    end = _time(wanted.end, "--to") if wanted.end else _newest(settings)
    start = end - wanted.days * _DAY_SECONDS
    if wanted.begin:
        start = _time(wanted.begin, "--from")
    elif settings.kind == "recorder" and settings.path is not None:
        start = _oldest(settings.path, start, end)
    if start >= end:
        raise InputError(f"--from {wanted.begin}: it is not before the end, {_utc(end)}")
    return start, end


def _newest(settings: MetricsSettings) -> float:
    """The present; of a recording that is over, when its last scrape was."""
    now = time.time()
    if settings.kind != "recorder" or settings.path is None:
        return now
    samples = _recorded(settings.path)
    [newest] = samples.newest_scrapes_ms(np.array([round(now * 1000)])).tolist()
    samples.close()
    if newest < 0:
        raise InputError(f"{settings.path}: nothing is recorded in it")
    return newest / 1000


def _oldest(folder: Path, start: float, end: float) -> float:
    """Where the recording begins after `start`, a moment before it: empty days cost time."""
    samples = _recorded(folder)
    looks = np.linspace(start, end, _LOOKS)
    newest = samples.newest_scrapes_ms(np.round(looks * 1000).astype(np.int64))
    samples.close()
    without = int((newest < 0).sum())
    return float(looks[max(0, without - 1)])


def _recorded(folder: Path) -> RecordedSamples:
    return RecordedSamples(folder)


def _time(text: str, option: str) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{option} {text}: no time", hint="write 2026-01-31T12:00:00Z") from None
    if at.tzinfo is None:
        raise InputError(f"{option} {text}: its zone is missing", hint="add Z for UTC")
    return at.timestamp()


def _check_numbers(wanted: PastRequest) -> None:
    given = (
        ("--days", wanted.days),
        ("--step", wanted.step_seconds),
        ("--scrape-interval", wanted.scrape_seconds),
    )
    for option, value in given:
        if value is not None and not 0 < value < float("inf"):
            raise InputError(f"{option} {value:g}: it must be greater than 0")


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
