"""`holdfast.yaml`: read, resolved against its own folder, and checked before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import yaml

from holdfast.catalog.consistency import mistakes
from holdfast.catalog.documents import parse_mapping, read_text, refusal, validate
from holdfast.catalog.openslo import from_openslo
from holdfast.errors import ConfigError
from holdfast.model.config import ChangesSettings, Config, DeployerSettings, MetricsSettings
from holdfast.model.service import LogSettings, Service

_ARGV_FIELDS = (
    "current",
    "deploy",
    "rollback",
    "weights",
    "endpoints",
    "settings_current",
    "settings_set",
)


def load_config(path: Path) -> Config:
    """Return the configuration of a file, with absolute paths.

    Raises ConfigError naming the file, the field, what is wrong and what to do.
    """
    return parse_config(read_text(path, "configuration"), path)


def parse_config(text: str, path: Path) -> Config:
    """Return the configuration that `text` says; `path` is where it stands (or would stand)."""
    fields = parse_mapping(text, path)
    base = path.absolute().parent
    if "slos" in fields:
        fields["slos"] = _with_openslo_files(fields["slos"], base, path)
    config = _resolve(validate(Config, fields, path), base)
    found = mistakes(config)
    if found:
        raise refusal(path, found)
    return config


def dump_config(config: Config) -> str:
    """Return YAML that loads back as the same configuration."""
    plain = config.model_dump(mode="json", exclude_defaults=True, exclude={"schema_version"})
    return yaml.safe_dump(_without_versions(plain), sort_keys=False, allow_unicode=True, width=100)


def _without_versions(value: object) -> object:
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return {k: _without_versions(v) for k, v in items if k != "schema_version"}
    if isinstance(value, list):
        return [_without_versions(item) for item in cast("list[object]", value)]
    return value


def _with_openslo_files(entries: object, base: Path, path: Path) -> list[object]:
    """An entry that is a string is the path of an OpenSLO file: its SLOs stand in its place."""
    if not isinstance(entries, list):
        raise ConfigError(f"{path}: slos: a list is needed", hint="begin each entry with `- `")
    found: list[object] = []
    for entry in cast("list[object]", entries):
        if isinstance(entry, str):
            file = base / entry
            found.extend(from_openslo(read_text(file, "OpenSLO file"), file))
        else:
            found.append(entry)
    return found


# ---- paths -----------------------------------------------------------------------------------


def _resolve(config: Config, base: Path) -> Config:
    def at(path: Path) -> Path:
        return base / path.expanduser()

    return config.model_copy(
        update={
            "data_folder": at(config.data_folder),
            "metrics": _resolve_metrics(config.metrics, at),
            "services": tuple(_resolve_service(service, at) for service in config.services),
            "deployers": tuple(_resolve_deployer(deployer, at) for deployer in config.deployers),
            "changes": tuple(_resolve_changes(changes, at) for changes in config.changes),
            "policy": None if config.policy is None else at(config.policy),
            "runbooks": tuple(at(folder) for folder in config.runbooks),
        }
    )


Resolver = Callable[[Path], Path]


def _resolve_metrics(metrics: MetricsSettings, at: Resolver) -> MetricsSettings:
    return metrics.model_copy(
        update={
            "path": None if metrics.path is None else at(metrics.path),
            "ca_file": None if metrics.ca_file is None else at(metrics.ca_file),
        }
    )


def _resolve_service(service: Service, at: Resolver) -> Service:
    repository = None if service.repository is None else str(at(Path(service.repository)))
    logs = None if service.logs is None else _resolve_logs(service.logs, at)
    return service.model_copy(update={"repository": repository, "logs": logs})


def _resolve_logs(logs: LogSettings, at: Resolver) -> LogSettings:
    return logs.model_copy(update={"paths": tuple(str(at(Path(p))) for p in logs.paths)})


def _resolve_deployer(deployer: DeployerSettings, at: Resolver) -> DeployerSettings:
    """A program written as `./deploy` or `../deploy` is beside the file; others are on PATH."""
    return deployer.model_copy(
        update={name: _resolve_argv(getattr(deployer, name), at) for name in _ARGV_FIELDS}
    )


def _resolve_argv(argv: tuple[str, ...], at: Resolver) -> tuple[str, ...]:
    if argv and argv[0].startswith(("./", "../")):
        return (str(at(Path(argv[0]))), *argv[1:])
    return argv


def _resolve_changes(changes: ChangesSettings, at: Resolver) -> ChangesSettings:
    return changes.model_copy(update={"path": at(changes.path)})
