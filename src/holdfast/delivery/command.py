"""A deployer made of a team's own commands: any tool that can deploy a version by argv."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from holdfast.delivery.deployer import DeploymentState
from holdfast.delivery.parameters import (
    check_template,
    checked_weights,
    fill_template,
    read_endpoints,
    safe_key,
    safe_name,
    weights_argument,
)
from holdfast.delivery.process import CommandResult, run_command
from holdfast.delivery.running import RunningMark
from holdfast.delivery.versions import is_earlier
from holdfast.errors import (
    ConfigError,
    DeployerFailed,
    DeployerTimeout,
    InputError,
    PreconditionFailed,
)
from holdfast.evidence.redact import Redactor
from holdfast.model.config import DeployerSettings

CURRENT_TIMEOUT_SECONDS = 15.0
"""How long `current` may take: it only reads."""

_CURRENT = frozenset({"service"})
_DEPLOY = frozenset({"service", "version", "expect_version", "idempotency_key"})
_WEIGHTS = frozenset({"service", "weights"})


class CommandDeployer:
    """Implements Deployer with argv templates. Commands run in `working_folder`.

    `rollback` is used instead of `deploy` where the wanted version is known to be earlier than
    the one it replaces, by their release numbers (see `is_earlier`); else `deploy` is used.

    A key that this deployer has carried out is not carried out again. Over a restart it is the
    condition that protects: `expect_version` no longer serves. A tool that knows keys itself
    can be given `{idempotency_key}`. While a command runs, which may outlive us, a lock in the
    folder `marks` says so, and the deployment counts as in progress; None = no such lock.
    """

    def __init__(
        self, settings: DeployerSettings, *, working_folder: Path, marks: Path | None = None
    ) -> None:
        _check(settings)
        self._marks = marks
        self._settings = settings
        self._working_folder = working_folder
        self._redactor = Redactor(os.environ.get(name, "") for name in settings.environment)
        self._done_keys: set[str] = set()

    @property
    def name(self) -> str:
        """How evidence names it."""
        return f"command {self._settings.name}"

    def current(self, service: str) -> DeploymentState:
        """Return what runs now, as the `current` command prints it.

        Raises DeployerTimeout, or DeployerFailed for what is not the JSON that is asked for.
        """
        _named(service, "service")
        argv = fill_template(self._settings.current, {"service": service})
        result = self._run(argv, CURRENT_TIMEOUT_SECONDS)
        if result.truncated:
            raise DeployerFailed(f"{self.name}: `current` prints more than can be a state")
        state = self._read_state(result.stdout, service)
        mark = self._mark(service)
        running = mark is not None and mark.is_held()
        return state.model_copy(update={"in_progress": state.in_progress or running})

    def deploy(
        self,
        service: str,
        version: str,
        *,
        expect_version: str,
        idempotency_key: str,
        timeout_seconds: float,
    ) -> None:
        """Give all traffic to `version`, if `expect_version` serves and nothing is under way."""
        argv = self.deploy_argv(
            service, version, expect_version=expect_version, idempotency_key=idempotency_key
        )
        if idempotency_key in self._done_keys:
            return
        _require(self.current(service), expect_version)
        self._write(service, argv, timeout_seconds)
        self._done_keys.add(idempotency_key)

    def set_weights(
        self, service: str, weights: Mapping[str, float], *, timeout_seconds: float
    ) -> None:
        """Let these versions run with these shares, in percent, and no others.

        What the `weights` command does is the team's: it must start what does not run, give it
        traffic only once it is healthy, and end what is not named.
        """
        self._write(service, self.weights_argv(service, weights), timeout_seconds)

    def endpoints(self, service: str) -> Mapping[str, str]:
        """Return version → base URL of each that runs, as the `endpoints` command prints it.

        Raises DeployerTimeout, or DeployerFailed without such a command or for what is no answer.
        """
        if not self._settings.endpoints:
            raise DeployerFailed(
                f"{self.name} cannot say where versions run: it has no `endpoints` command",
                hint="no load test is possible: give the deployer an `endpoints` template in "
                "holdfast.yaml",
            )
        _named(service, "service")
        argv = fill_template(self._settings.endpoints, {"service": service})
        printed = self._run(argv, CURRENT_TIMEOUT_SECONDS).stdout
        try:
            return read_endpoints(printed)
        except InputError as error:
            raise DeployerFailed(
                f"{self.name}: `endpoints` answered {self._redactor.text(printed[:200])!r}: "
                f"{error.message}",
                hint='print JSON like {"v1": "http://10.0.0.7:8080"}',
            ) from error

    def deploy_argv(
        self, service: str, version: str, *, expect_version: str, idempotency_key: str
    ) -> tuple[str, ...]:
        """Return the command that `deploy` would run. Raises DeployerFailed for unsafe values."""
        back = self._settings.rollback and is_earlier(version, expect_version)
        template = self._settings.rollback if back else self._settings.deploy
        values = {
            "service": _named(service, "service"),
            "version": _named(version, "version"),
            "expect_version": _named(expect_version, "version"),
            "idempotency_key": _keyed(idempotency_key),
        }
        return fill_template(template, values)

    def weights_argv(self, service: str, weights: Mapping[str, float]) -> tuple[str, ...]:
        """Return the command that `set_weights` would run. Raises DeployerFailed."""
        if not self._settings.weights:
            raise DeployerFailed(
                f"{self.name} cannot share traffic: it has no `weights` command",
                hint="nothing was done; give the deployer a `weights` template in holdfast.yaml",
            )
        try:
            shares = weights_argument(checked_weights(weights))
        except InputError as error:
            raise DeployerFailed(error.message, hint=error.hint) from error
        values = {"service": _named(service, "service"), "weights": shares}
        return fill_template(self._settings.weights, values)

    def _mark(self, service: str) -> RunningMark | None:
        if self._marks is None:
            return None
        name = f"{self._settings.name}.{service}".replace("/", "_")
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
            raise DeployerFailed(
                f"{self.name}: `{argv[0]}` ended with {result.exit_code}: "
                f"{self._redactor.text(result.last_lines())}"
            )
        return result

    def _read_state(self, printed: str, service: str) -> DeploymentState:
        """Return the state that was printed: known fields, safe versions, a whole in sum."""
        try:
            answer = _Answer.model_validate_json(printed)
            weights = checked_weights(answer.weights)
        except (ValidationError, InputError) as error:
            raise DeployerFailed(
                f"{self.name}: `current` answered {self._redactor.text(printed[:200])!r}: "
                f"{_reason(error)}",
                hint='print JSON like {"weights": {"v1": 100}, "in_progress": false}',
            ) from error
        return DeploymentState(service=service, weights=weights, in_progress=answer.in_progress)


def _check(settings: DeployerSettings) -> None:
    where = f"holdfast.yaml: deployers: {settings.name}"
    if settings.kind != "command":
        raise ConfigError(f"{where}: kind {settings.kind} is no command deployer")
    check_template(settings.current, _CURRENT, f"{where}.current")
    check_template(settings.deploy, _DEPLOY, f"{where}.deploy")
    if settings.rollback:
        check_template(settings.rollback, _DEPLOY, f"{where}.rollback")
    if settings.weights:
        check_template(settings.weights, _WEIGHTS, f"{where}.weights")
    if settings.endpoints:
        check_template(settings.endpoints, _CURRENT, f"{where}.endpoints")


def _named(value: str, what: str) -> str:
    try:
        return safe_name(value, what)
    except InputError as error:
        raise DeployerFailed(error.message, hint=f"nothing was done; {error.hint}") from error


def _keyed(value: str) -> str:
    try:
        return safe_key(value)
    except InputError as error:
        raise DeployerFailed(error.message, hint="nothing was done") from error


def _require(state: DeploymentState, expect_version: str) -> None:
    if state.in_progress:
        raise PreconditionFailed(
            f"a deployment of {state.service} is under way", hint="nothing was done"
        )
    if not state.weights.get(expect_version, 0.0) > 0:
        raise PreconditionFailed(
            f"{expect_version} of {state.service} does not serve now: "
            f"{weights_argument(state.weights) or 'nothing does'}",
            hint="nothing was done",
        )


class _Answer(BaseModel):
    """What `current` must print; a missing `in_progress` is not read as false."""

    model_config = ConfigDict(strict=True, extra="forbid")

    weights: dict[str, float]
    in_progress: bool


def _reason(error: ValidationError | InputError) -> str:
    if isinstance(error, InputError):
        return error.message
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]
