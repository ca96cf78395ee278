"""`holdfast init`: writes a first `holdfast.yaml` of what was found, and says what was not."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from holdfast.catalog.config import parse_config
from holdfast.catalog.discover import HEALTHY_FRACTION, Discovery, Finding
from holdfast.errors import InputError
from holdfast.model.base import Record
from holdfast.model.service import UNASSIGNED, Service
from holdfast.model.slo import SLO

_WIDTH = 96


def render(discovery: Discovery) -> str:
    """Return the text of a configuration that loads, with comments on every finding."""
    parts = [
        *_comment(
            f"What Holdfast found behind {discovery.source}. Correct it, fill in what is missing, "
            "then ask `holdfast doctor`."
        ),
        *_gaps(discovery.gaps),
        "",
        "version: 1",
        f"environment: {discovery.config.environment}",
        "data_folder: .holdfast",
        _section("metrics", discovery.config.metrics),
        *_services(discovery.findings),
        *_slos(discovery),
        *_list_section("changes", discovery.config.changes),
        *_comment(
            "Without a policy Holdfast observes: it says what it would do, and does nothing."
        ),
        "# policy: policy.yaml",
    ]
    return "\n".join(parts) + "\n"


def write(discovery: Discovery, path: Path, *, force: bool = False) -> str:
    """Write the configuration and return its text. An existing file is kept unless `force`."""
    text = render(discovery)
    parse_config(text, path)  # what is written must load
    if path.parent != Path() and not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent}", hint="make it, or choose another")
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(
            f"{path} exists and is kept", hint="choose another file, or write over it with --force"
        ) from None
    return text


def _gaps(gaps: Iterable[str]) -> Iterator[str]:
    for gap in gaps:
        yield from _comment(f"- {gap}")


def _services(findings: tuple[Finding, ...]) -> Iterator[str]:
    if not findings:
        yield "services: []"
        return
    yield "services:"
    for finding in findings:
        yield from _comment(f"Found: {'; '.join(finding.found)}.")
        if finding.missing:
            yield from _comment(f"Not found: {'; '.join(finding.missing)}.")
        if finding.service.owner == UNASSIGNED:
            yield from _comment("Nobody is named as its owner: Holdfast invents none.")
        yield _entry(finding.service)


def _slos(discovery: Discovery) -> Iterator[str]:
    slos: tuple[SLO, ...] = discovery.config.slos
    if not slos:
        return
    yield from _comment(
        "Proposals, to be agreed with those who depend on the service. A latency bound is the "
        f"smallest bucket boundary that {HEALTHY_FRACTION:.1%} of the last day's requests kept. "
        "The alerts are the Site Reliability Workbook's (chapter 5)."
    )
    yield from _list_section("slos", slos)


def _list_section(name: str, records: Iterable[Record]) -> Iterator[str]:
    entries = [_entry(record) for record in records]
    if entries:
        yield f"{name}:"
        yield from entries


def _section(name: str, record: Record) -> str:
    return f"{name}:\n{textwrap.indent(_yaml(record).rstrip(), '  ')}"


def _entry(record: Record) -> str:
    indented = textwrap.indent(_yaml(record).rstrip(), "    ")
    return "  - " + indented[4:]


def _yaml(record: Record) -> str:
    plain = record.model_dump(mode="json", exclude_defaults=True)
    if isinstance(record, Service):
        plain = {"name": record.name, "owner": record.owner, **plain}
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=_WIDTH)


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(" ".join(text.split()), _WIDTH)]
