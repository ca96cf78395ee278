"""Examines a configuration and prints the report. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.text import Text

from holdfast.catalog.check import Check
from holdfast.catalog.config import load_config
from holdfast.catalog.doctor import AskCurrent, examine, worst
from holdfast.delivery.registry import deployers_by_service
from holdfast.integrations.sources import open_source
from holdfast.model.config import Config
from holdfast.model.service import Service
from holdfast.surfaces.cli.print_rows import width_of, write
from holdfast.surfaces.cli.styles import wrap
from holdfast.surfaces.lab import lab_deployer

_MARKS = {
    "ok": ("✓", "green"),
    "warn": ("!", "yellow"),
    "fail": ("✗", "red"),
    "unknown": ("?", "yellow"),
}


def run_doctor(stream: TextIO, config_path: Path, *, as_json: bool) -> int:
    """Print every check; return 1 where something failed or is not known, else 0."""
    config = load_config(config_path)
    source = open_source(config.metrics)
    checks = examine(config, source, current=_ask_current(config, config_path.parent))
    if as_json:
        for check in checks:
            print(check.model_dump_json(), file=stream)
    else:
        console = Console(file=stream, highlight=False)
        for check in checks:
            write(console, *rows_of(check, width_of(console)))
    return worst(checks)


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
