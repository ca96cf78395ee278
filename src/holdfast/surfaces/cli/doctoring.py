"""Examines a configuration and prints the report. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.text import Text

from holdfast.catalog.check import Check
from holdfast.catalog.config import load_config
from holdfast.catalog.doctor import AskCurrent, AskSettings, examine, worst
from holdfast.delivery.registry import deployers_by_service, settings_by_service
from holdfast.errors import ConfigError, SourceUnavailable
from holdfast.evidence.source import MetricsSource
from holdfast.integrations.sources import open_source
from holdfast.model.config import Config
from holdfast.model.evidence import Vector
from holdfast.model.service import Service
from holdfast.surfaces.cli.print_rows import width_of, write
from holdfast.surfaces.cli.styles import wrap
from holdfast.surfaces.lab import lab_deployer, lab_settings

_MARKS = {
    "ok": ("✓", "green"),
    "warn": ("!", "yellow"),
    "fail": ("✗", "red"),
    "unknown": ("?", "yellow"),
}


def run_doctor(stream: TextIO, config_path: Path, *, as_json: bool) -> int:
    """Print every check; return 1 where something failed or is not known, else 0."""
    config = load_config(config_path)
    with closing(_source(config)) as source:
        current = _ask_current(config, config_path.parent)
        settings = _ask_settings(config, config_path.parent)
        checks = examine(config, source, current=current, settings=settings)
    if as_json:
        for check in checks:
            print(check.model_dump_json(), file=stream)
    else:
        console = Console(file=stream, highlight=False)
        for check in checks:
            write(console, *rows_of(check, width_of(console)))
    return worst(checks)


class _Unusable:
    """Stands for a source whose settings cannot be used: says so at every question."""

    def __init__(self, config: Config, problem: ConfigError) -> None:
        self.name = config.metrics.url or str(config.metrics.path)
        self._problem = problem

    def query(self, promql: str, at: float) -> Vector:
        """See `MetricsReader.query`."""
        raise SourceUnavailable(f"{promql} at {at:g} was not asked: {self._problem}")

    def metric_names(self) -> tuple[str, ...]:
        """See `MetricsReader.metric_names`."""
        raise SourceUnavailable(str(self._problem))

    def close(self) -> None:
        """Nothing is open."""


def _source(config: Config) -> MetricsSource | _Unusable:
    try:
        return open_source(config.metrics)
    except ConfigError as error:
        return _Unusable(config, error)


def rows_of(check: Check, width: int) -> list[Text]:
    """Return a check in rows: what was found, what to do, which credentials."""
    mark, style = _MARKS[check.status]
    texts = [check.detail]
    if check.remedy:
        texts.append(f"to do: {check.remedy}")
    if check.credentials:
        texts.append(f"credentials: {', '.join(check.credentials)} ({check.access})")
    rows = [Text(f"{mark} ", style).append(check.name, "bold")]
    return [*rows, *(Text(f"  {row}", "dim") for text in texts for row in wrap(text, width - 2))]


def _ask_current(config: Config, folder: Path) -> AskCurrent:
    deployers = deployers_by_service(config, working_folder=folder, lab=lab_deployer)

    def ask(service: Service) -> Mapping[str, float]:
        return deployers[service.name].current(service.name).weights

    return ask


def _ask_settings(config: Config, folder: Path) -> AskSettings:
    settings = settings_by_service(config, working_folder=folder, lab=lab_settings)

    def ask(service: Service) -> Mapping[str, str] | None:
        known = settings.get(service.name)
        return None if known is None else known.current(service.name)

    return ask
