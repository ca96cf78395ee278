"""What steps are done with: deployers, settings, repositories, and programs of the team's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from holdfast.actions.conditions import same_weights, shares
from holdfast.actions.steps import weights_of
from holdfast.delivery.codehost import CodeHost
from holdfast.delivery.deployer import Deployer
from holdfast.delivery.process import run_command
from holdfast.delivery.settings import Settings
from holdfast.errors import DeployerFailed, NotFound, PreconditionFailed
from holdfast.model.runbook import (
    CommandStep,
    DeployStep,
    MergeStep,
    SettingStep,
    Step,
    TagStep,
    WeightsStep,
    WithdrawStep,
)


@dataclass(frozen=True)
class Hands:
    """Each mapping is by service. Programs run in `working_folder`, with PATH alone."""

    deployers: Mapping[str, Deployer]
    settings: Mapping[str, Settings] = field(default_factory=dict[str, Settings])
    code_hosts: Mapping[str, CodeHost] = field(default_factory=dict[str, CodeHost])
    working_folder: Path = Path()

    def require(self, steps: tuple[Step, ...]) -> None:
        """Raise NotFound unless there is something to do each step with."""
        for step in steps:
            match step:
                case CommandStep():
                    pass
                case DeployStep() | WeightsStep():
                    self.deployer(step.service)
                case SettingStep():
                    self.settings_of(step.service)
                case MergeStep() | TagStep() | WithdrawStep():
                    self.code_host(step.service)

    def do(self, step: Step, key: str, expect_weights: Mapping[str, float] | None = None) -> None:
        """Do one step, under an idempotency key where its tool knows keys.

        `expect_weights` is what a share of traffic is planned to replace; None = whatever there
        is. Raises DeliveryError or NotFound.
        """
        match step:
            case CommandStep():
                self._run_program(step)
            case DeployStep():
                self._deploy(step, key)
            case WeightsStep():
                self._share(step, expect_weights)
            case SettingStep():
                self._set(step, key)
            case MergeStep():
                host = self.code_host(step.service)
                host.merge(step.branch, step.into, expect_head=step.expect_head)
            case TagStep():
                self.code_host(step.service).tag(step.version, step.commit)
            case WithdrawStep():
                message = f"Take back what was merged since {step.expect_base[:12]}\n\n{key}"
                host = self.code_host(step.service)
                host.withdraw(step.into, base=step.expect_base, message=message)

    def deployer(self, service: str) -> Deployer:
        """Return the deployer of a service, or raise NotFound."""
        if service not in self.deployers:
            raise NotFound(f"{service} has no deployer", hint="name one in holdfast.yaml")
        return self.deployers[service]

    def settings_of(self, service: str) -> Settings:
        """Return what sets the settings of a service, or raise NotFound."""
        if service not in self.settings:
            raise NotFound(
                f"there is no way to set settings of {service}",
                hint="give its deployer settings_current and settings_set in holdfast.yaml",
            )
        return self.settings[service]

    def code_host(self, service: str) -> CodeHost:
        """Return where the code of a service is, or raise NotFound."""
        if service not in self.code_hosts:
            raise NotFound(
                f"the code of {service} cannot be changed",
                hint="give it `repository` and `code` in holdfast.yaml",
            )
        return self.code_hosts[service]

    def name_for(self, service: str, steps: tuple[Step, ...]) -> str:
        """Return, for evidence, the names of what the steps are done with."""
        used = (self._done_with(step).get(service) for step in steps)
        return ", ".join(dict.fromkeys(tool.name for tool in used if tool)) or "no deployer"

    def _done_with(self, step: Step) -> Mapping[str, Deployer | Settings | CodeHost]:
        match step:
            case SettingStep():
                return self.settings
            case MergeStep() | TagStep() | WithdrawStep():
                return self.code_hosts
            case CommandStep() | DeployStep() | WeightsStep():
                return self.deployers

    def _deploy(self, step: DeployStep, key: str) -> None:
        self.deployer(step.service).deploy(
            step.service,
            step.version,
            expect_version=step.expect_version,
            idempotency_key=key,
            timeout_seconds=step.timeout_seconds,
        )

    def _share(self, step: WeightsStep, expected: Mapping[str, float] | None) -> None:
        """Share traffic. The deployer knows no condition for it: what serves is looked at first."""
        deployer = self.deployer(step.service)
        if expected is not None:
            state = deployer.current(step.service)
            if state.in_progress or not same_weights(state.weights, expected):
                moving = "a deployment is under way" if state.in_progress else "it does not"
                raise PreconditionFailed(
                    f"{step.service} was to serve {shares(expected)}: {moving} "
                    f"({shares(state.weights)})",
                    hint="nothing was done",
                )
        weights = weights_of(step)
        deployer.set_weights(step.service, weights, timeout_seconds=step.timeout_seconds)

    def _set(self, step: SettingStep, key: str) -> None:
        self.settings_of(step.service).set(
            step.service,
            step.key,
            step.value,
            expect_value=step.expect_value,
            idempotency_key=key,
            timeout_seconds=step.timeout_seconds,
        )

    def _run_program(self, step: CommandStep) -> None:
        result = run_command(
            step.argv, working_folder=self.working_folder, timeout_seconds=step.timeout_seconds
        )
        if result.exit_code != 0:
            raise DeployerFailed(
                f"`{step.argv[0]}` ended with {result.exit_code}: {result.last_lines()}"
            )
