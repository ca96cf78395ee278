"""The doctor's look at files: repositories, logs, changes, policy, data folder. Writes nothing."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from holdfast.catalog.changes import ChangeLog
from holdfast.catalog.check import Check
from holdfast.catalog.git_tags import read_tags
from holdfast.catalog.policy import load_policy
from holdfast.errors import HoldfastError
from holdfast.model.config import Config
from holdfast.model.policy import Policy
from holdfast.model.service import LogSettings, Service

_TAIL_BYTES = 65_536
_ALL_TIME = (0.0, 4_000_000_000.0)


def file_checks(config: Config) -> Iterator[Check]:
    """Yield the checks of everything that is read from disk."""
    for service in config.services:
        yield _repository(service)
        yield _logs(service)
    yield _changes(config)
    yield _policy(config.policy)
    yield _runbooks(config)
    yield _data_folder(config.data_folder)


def _repository(service: Service) -> Check:
    name = f"repository of {service.name}"
    if service.repository is None:
        return Check(
            name=name,
            status="warn",
            detail="none: a release's diff cannot be read, so its mechanism is suspected only",
            remedy="give `repository`, a folder that git can read",
        )
    try:
        tags = read_tags(Path(service.repository), service.name)
    except HoldfastError as error:
        return Check(name=name, status="fail", detail=str(error), remedy=error.hint, access="read")
    if not tags:
        return Check(
            name=name,
            status="warn",
            detail=f"{service.repository} has no tags: versions cannot be found in it",
            remedy="tag releases with the version that is deployed",
            access="read",
        )
    return Check(
        name=name,
        status="ok",
        detail=f"{len(tags)} tags, the newest is {tags[-1].to_version}",
        access="read",
    )


def _logs(service: Service) -> Check:
    name = f"logs of {service.name}"
    if service.logs is None:
        return Check(
            name=name,
            status="warn",
            detail="none: users, traces and repeated statements cannot be read",
            remedy="give `logs.paths`, JSON lines",
        )
    files = sorted(f for pattern in service.logs.paths for f in glob.glob(pattern, recursive=True))
    if not files:
        return Check(
            name=name,
            status="warn",
            detail=f"no file matches {', '.join(service.logs.paths)}",
            remedy="correct the globs; they are relative to the configuration",
            access="read",
        )
    newest = max(files, key=lambda file: os.stat(file).st_mtime)
    return _log_file(name, Path(newest), len(files), service.logs)


def _log_file(name: str, file: Path, count: int, settings: LogSettings) -> Check:
    try:
        line = _last_line(file)
    except OSError as error:
        return Check(
            name=name,
            status="fail",
            detail=f"{file} cannot be read: {error}",
            remedy="let this user read it",
            access="read",
        )
    fields = _json_object(line)
    missing = _missing_fields(fields, settings)
    if fields is None or settings.time_field in missing:
        return Check(
            name=name,
            status="warn",
            detail=f"the newest line of {file} is no JSON object with {settings.time_field!r}",
            remedy="log JSON lines, or correct the names of the fields",
            access="read",
        )
    gaps = f"; the newest line lacks {', '.join(missing)}" if missing else ""
    return Check(name=name, status="ok", detail=f"{count} files{gaps}", access="read")


def _last_line(file: Path) -> str:
    with file.open("rb") as handle:
        handle.seek(0, os.SEEK_END)
        handle.seek(max(0, handle.tell() - _TAIL_BYTES))
        whole = handle.read().decode(errors="replace")
    complete = whole[: whole.rfind("\n")] if "\n" in whole else whole
    return complete.rsplit("\n", 1)[-1]


def _json_object(line: str) -> Mapping[str, object] | None:
    try:
        loaded: object = json.loads(line)
    except ValueError:  # not JSON: told by the caller
        return None
    return cast("Mapping[str, object]", loaded) if isinstance(loaded, dict) else None


def _missing_fields(fields: Mapping[str, object] | None, settings: LogSettings) -> list[str]:
    wanted = (settings.time_field, settings.trace_field, settings.version_field)
    return [name for name in wanted if not _has(fields or {}, name)]


def _has(fields: Mapping[str, object], name: str) -> bool:
    """A field is written flat, `a.b`, or nested."""
    if name in fields:
        return True
    head, _, rest = name.partition(".")
    inner = fields.get(head)
    return bool(rest) and isinstance(inner, dict) and _has(cast("dict[str, object]", inner), rest)


def _changes(config: Config) -> Check:
    if not config.changes:
        return Check(
            name="changes",
            status="warn",
            detail="none are read: no release can be suspected",
            remedy="give `changes`: a file of CDEvents, or a repository's tags",
        )
    try:
        read = ChangeLog(config).read(*_ALL_TIME)
    except HoldfastError as error:
        return Check(name="changes", status="fail", detail=str(error), remedy=error.hint)
    gaps = f"; {'; '.join(read.gaps)}" if read.gaps else ""
    status = "warn" if read.gaps or not read.changes else "ok"
    return Check(
        name="changes",
        status=status,
        detail=f"{len(read.changes)} changes are readable{gaps}",
        remedy="correct those lines, or the environment's name" if gaps else "",
        access="read",
    )


def _policy(path: Path | None) -> Check:
    try:
        policy = load_policy(path)
    except HoldfastError as error:
        return Check(
            name="policy",
            status="fail",
            detail=f"cannot be evaluated, so every write is denied: {error}",
            remedy="correct the policy file",
        )
    detail = "none: observe, nothing is written" if path is None else _levels(policy)
    return Check(name="policy", status="ok", detail=detail)


def _levels(policy: Policy) -> str:
    if policy.paused:
        return f"{policy.name} is paused: nothing is written"
    rules = [f"{rule.name}: {rule.autonomy.value}" for rule in policy.rules]
    return "; ".join((*rules, f"otherwise {policy.default.value}"))


def _runbooks(config: Config) -> Check:
    missing = [str(folder) for folder in config.runbooks if not folder.is_dir()]
    if missing:
        return Check(
            name="runbooks",
            status="fail",
            detail=f"no such folder: {', '.join(missing)}",
            remedy="correct `runbooks`",
        )
    return Check(name="runbooks", status="ok", detail="every folder of runbooks exists")


def _data_folder(folder: Path) -> Check:
    nearest = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return Check(
            name="data folder", status="ok", detail=f"{folder} can be written", access="write"
        )
    return Check(
        name="data folder",
        status="fail",
        detail=f"{folder} cannot be written (by {nearest})",
        remedy="choose another `data_folder`, or give this user the right to write",
        access="write",
    )
