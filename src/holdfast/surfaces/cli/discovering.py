"""Asks a metrics source what it knows, and writes a first configuration of that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from holdfast.catalog.discover import discover
from holdfast.catalog.init import write
from holdfast.errors import InputError
from holdfast.integrations.sources import open_source
from holdfast.model.config import MetricsSettings


def run_init(
    metrics: MetricsSettings, repositories: Sequence[Path], config: Path, *, force: bool
) -> Iterator[str]:
    """Write the configuration, and say what was found and what was not, a line each."""
    _check(metrics, repositories, config, force=force)
    with closing(open_source(metrics)) as source:
        found = discover(
            source,
            prometheus_url=metrics.url or "",
            metrics=metrics,
            repositories=repositories,
        )
    write(found, config, force=force)
    for finding in found.findings:
        objectives = ", ".join(slo.name for slo in finding.slos) or "no objective"
        yield f"{finding.service.name}: {objectives}"
        for missing in finding.missing:
            yield f"  not found: {missing}"
    for gap in found.gaps:
        yield f"not found: {gap}"
    yield f"{config} is written; read it, then ask `holdfast doctor`"


def _check(
    metrics: MetricsSettings, repositories: Sequence[Path], config: Path, *, force: bool
) -> None:
    """Refuse what cannot be used before anything is asked or written."""
    if config.exists() and not force:
        raise InputError(
            f"{config} exists and is kept",
            hint="choose another file, or write over it with --force",
        )
    url = urlsplit(metrics.url or "")
    if url.username or url.password:
        raise InputError(
            "--prometheus: the URL holds a user or a password, and it would be written down",
            hint="give --username and --password-env, or --token-env",
        )
    if metrics.password_env and not metrics.username:
        raise InputError("--password-env is for basic auth", hint="give --username too")
    for repository in repositories:
        if not repository.is_dir():
            raise InputError(f"--repository: there is no folder {repository}")
