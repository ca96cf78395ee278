"""Asks the closing checks of action items again, and prints what was found."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.text import Text

from holdfast.catalog.config import load_config
from holdfast.delivery.git_host import GitHost
from holdfast.delivery.registry import deployers_by_service
from holdfast.errors import NotFound
from holdfast.evidence.ask import Asker
from holdfast.evidence.source import MetricsSource
from holdfast.integrations.sources import open_source
from holdfast.learning.item_checks import ItemCheck, check_items
from holdfast.model.base import utc_now
from holdfast.model.config import Config
from holdfast.model.evidence import Evidence
from holdfast.model.service import Service
from holdfast.surfaces.cli.action_list import read_cases, state_of, tell
from holdfast.surfaces.cli.incident_list import open_ledger
from holdfast.surfaces.cli.print_rows import width_of, write
from holdfast.surfaces.cli.styles import wrap
from holdfast.surfaces.lab import lab_deployer

_STYLES = {"holds": "green", "does not hold": "red", "cannot be asked": "dim"}
_INDENT = "  "


class WorldAsks:
    """Implements `Asks` on what a configuration names. Everything is asked, nothing is written."""

    def __init__(self, config: Config, folder: Path, source: MetricsSource) -> None:
        self._config = config
        self._folder = folder
        self._asker = Asker(source)

    def weights(self, service: str) -> dict[str, float]:
        """See `Asks.weights`."""
        deployers = deployers_by_service(
            self._config, working_folder=self._folder, lab=lab_deployer
        )
        if service not in deployers:
            raise NotFound(f"{service} has no deployer that could say what serves")
        return deployers[service].current(service).weights

    def contains(self, service: Service, branch: str, commit: str) -> bool:
        """See `Asks.contains`."""
        if service.repository is None:
            raise NotFound(f"{service.name} has no repository")
        work_folder = self._config.data_folder / "work"
        return GitHost(Path(service.repository), work_folder=work_folder).contains(branch, commit)

    def measure(self, query: str) -> Evidence:
        """See `Asks.measure`."""
        return self._asker.instant(query, utc_now().timestamp())


def run_checks(stream: TextIO, config_path: Path, incident: str, *, as_json: bool) -> int:
    """Print what each check says; return 1 where one does not hold or an item is overdue."""
    config = load_config(config_path)
    with open_ledger(config_path) as ledger:
        found = read_cases(ledger, incident)
    with closing(open_source(config.metrics)) as source:
        asks = WorldAsks(config, config_path.parent, source)
        today = utc_now().date()
        checks = [c for case in found.cases for c in check_items(case, config, asks, today)]
    if as_json:
        for check in checks:
            print(check.model_dump_json(), file=stream)
    else:
        console = Console(file=stream, highlight=False)
        write(console, *check_texts(checks, width_of(console)))
    tell(found.problems)
    failed = any(check.overdue or check.result == "does not hold" for check in checks)
    return int(failed or bool(found.problems))


def check_texts(checks: Iterable[ItemCheck], width: int) -> list[Text]:
    """Return the checks below their incidents, and how many came to what."""
    texts: list[Text] = []
    counts = dict.fromkeys(_STYLES, 0)
    overdue = 0
    incident = ""
    for check in checks:
        if check.incident_id != incident:
            incident = check.incident_id
            texts.append(Text(incident, "bold"))
        texts += _texts(check, width)
        counts[check.result] += 1
        overdue += check.overdue
    said = ", ".join(f"{count} {result}" for result, count in counts.items())
    return [*texts, Text(f"{sum(counts.values())} checks: {said}; {overdue} overdue")]


def _texts(check: ItemCheck, width: int) -> list[Text]:
    word, _ = state_of(check.item, overdue=check.overdue)
    head = Text(f"{_INDENT}{check.result:<16}", _STYLES[check.result])
    head.append(f"{check.item.id}  {word}", "bold red" if check.overdue else "")
    inside = max(20, width - 2 * len(_INDENT))
    said = [Text(2 * _INDENT + part) for part in wrap(check.item.title, inside)]
    return [head, *said, *(Text(2 * _INDENT + p, "dim") for p in wrap(check.detail, inside))]
