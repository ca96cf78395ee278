"""The seam to a service's settings: its configuration and flags, and how one is changed.

A team's own commands are described beside its deployer in `holdfast.yaml`:

    deployers:
      - name: team
        kind: command
        settings_current: [./config, show, "{service}"]
        settings_set: [./config, set, "{service}", "{key}", "{value}", "--if", "{expect_value}"]
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from holdfast.delivery.command import CURRENT_TIMEOUT_SECONDS
from holdfast.delivery.parameters import check_template, fill_template, safe_key, safe_name
from holdfast.delivery.process import CommandResult, run_command
from holdfast.delivery.running import RunningMark
from holdfast.errors import (
    ConfigError,
    DeployerFailed,
    DeployerTimeout,
    InputError,
    PreconditionFailed,
)
from holdfast.evidence.redact import Redactor
from holdfast.model.config import DeployerSettings

LONGEST_VALUE = 500

_CURRENT = frozenset({"service"})
_SET = frozenset({"service", "key", "value", "expect_value", "idempotency_key"})
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ANSWER = TypeAdapter(dict[str, str])


class Settings(Protocol):
    """Every method raises DeployerTimeout, DeployerFailed, PreconditionFailed or NotFound."""

    @property
    def name(self) -> str:
        """How evidence names it."""
        ...

    def current(self, service: str) -> Mapping[str, str]:
        """Return key → value of what is in force now. Read-only."""
        ...

    def set(
        self,
        service: str,
        key: str,
        value: str,
        *,
        expect_value: str,
        idempotency_key: str,
        timeout_seconds: float,
    ) -> None:
        """Set a key if `expect_value` is in force now; else PreconditionFailed, nothing done.

        Returns when the value is in force. The same key a second time does nothing more.
        """
        ...


class CommandSettings:
    """Implements Settings with a team's argv templates, run in `working_folder`.

    A key that this object has carried out is not carried out again; over a restart it is the
    condition that protects. While a command runs, which may outlive us, a lock in the folder
    `marks` says so, and what is in force cannot be told; None = no such lock.
    """

    def __init__(
        self, settings: DeployerSettings, *, working_folder: Path, marks: Path | None = None
    ) -> None:
        where = f"holdfast.yaml: deployers: {settings.name}"
        check_template(settings.settings_current, _CURRENT, f"{where}.settings_current")
        check_template(settings.settings_set, _SET, f"{where}.settings_set")
        if not any("{expect_value}" in word for word in settings.settings_set):
            raise ConfigError(
                f"{where}.settings_set: {{expect_value}} is missing",
                hint="the program must refuse where another value is in force: pass it on",
            )
        self._settings, self._working_folder, self._marks = settings, working_folder, marks
        self._redactor = Redactor(os.environ.get(name, "") for name in settings.environment)
        self._done_keys: set[str] = set()

    @property
    def name(self) -> str:
        """How evidence names it."""
        return f"settings of command {self._settings.name}"

    def current(self, service: str) -> Mapping[str, str]:
        """Return key → value, as `settings_current` prints it. See the seam for errors."""
        mark = self._mark(service)
        if mark is not None and mark.is_held():
            raise DeployerTimeout(
                f"{self.name}: a change of {service} that was begun earlier is under way",
                hint="ask again when it has ended",
            )
        argv = fill_template(self._settings.settings_current, {"service": _service(service)})
        result = self._run(argv, CURRENT_TIMEOUT_SECONDS)
        if result.truncated:
            raise DeployerFailed(f"{self.name}: it prints more than settings can be")
        try:
            return _ANSWER.validate_json(result.stdout, strict=True)
        except ValidationError as error:
            raise DeployerFailed(
                f"{self.name}: `settings_current` answered what is no JSON object of texts: "
                f"{error.errors()[0]['msg']}",
                hint='print JSON like {"POOL_SIZE": "20", "fast_checkout": "on"}',
            ) from error

    def set(
        self,
        service: str,
        key: str,
        value: str,
        *,
        expect_value: str,
        idempotency_key: str,
        timeout_seconds: float,
    ) -> None:
        """Run `settings_set` if `expect_value` is in force. See the seam for errors."""
        argv = self.set_argv(
            service, key, value, expect_value=expect_value, idempotency_key=idempotency_key
        )
        if idempotency_key in self._done_keys:
            return
        in_force = self.current(service).get(key)
        if in_force != expect_value:
            raise PreconditionFailed(_mismatch(service, key, in_force, expect_value))
        self._write(service, argv, timeout_seconds)
        self._done_keys.add(idempotency_key)

    def set_argv(
        self, service: str, key: str, value: str, *, expect_value: str, idempotency_key: str
    ) -> tuple[str, ...]:
        """Return the command that `set` would run. Raises DeployerFailed for unsafe values."""
        try:
            values = {
                "service": safe_name(service, "service"),
                "key": safe_name(key, "setting"),
                "value": safe_value(value),
                "expect_value": safe_value(expect_value),
                "idempotency_key": safe_key(idempotency_key),
            }
        except InputError as error:
            raise DeployerFailed(error.message, hint=f"nothing was done; {error.hint}") from error
        return fill_template(self._settings.settings_set, values)

    def _mark(self, service: str) -> RunningMark | None:
        if self._marks is None:
            return None
        name = f"{self._settings.name}.{service}.settings".replace("/", "_")
        return RunningMark(self._marks / f"{name}.lock")

    def _write(self, service: str, argv: tuple[str, ...], timeout_seconds: float) -> None:
        mark = self._mark(service)
        if mark is None:
            self._run(argv, timeout_seconds)
            return
        with mark.held() as descriptor:
            self._run(argv, timeout_seconds, inherit=(descriptor,))

    def _run(
        self, argv: tuple[str, ...], timeout_seconds: float, inherit: tuple[int, ...] = ()
    ) -> CommandResult:
        try:
            result = run_command(
                argv,
                working_folder=self._working_folder,
                timeout_seconds=timeout_seconds,
                pass_variables=self._settings.environment,
                inherit=inherit,
            )
        except DeployerTimeout as error:
            raise DeployerTimeout(f"{self.name}: {error.message}", hint=error.hint) from error
        if result.exit_code != 0:
            said = self._redactor.text(result.last_lines())
            raise DeployerFailed(f"{self.name}: `{argv[0]}` ended with {result.exit_code}: {said}")
        return result


def safe_value(value: str) -> str:
    """Return a setting's value unchanged, or raise InputError: it goes into an argument alone."""
    if value.startswith("-") or _UNPRINTABLE.search(value) or len(value) > LONGEST_VALUE:
        raise InputError(
            f"the value {value[:60]!r} is refused",
            hint=f"at most {LONGEST_VALUE} printable characters, not beginning with -",
        )
    return value


def _service(value: str) -> str:
    try:
        return safe_name(value, "service")
    except InputError as error:
        raise DeployerFailed(error.message, hint=f"nothing was done; {error.hint}") from error


def _mismatch(service: str, key: str, in_force: str | None, expected: str) -> str:
    found = "is not set" if in_force is None else f"is {in_force!r}"
    return f"{key} of {service} {found}, not {expected!r}: nothing was done"
