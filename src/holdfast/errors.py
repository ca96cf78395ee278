"""Every error that Holdfast raises on purpose.

    HoldfastError
    ├── InputError               what the user gave cannot be used        (retry: no)
    │   ├── ConfigError          holdfast.yaml, a policy, an SLO or a runbook
    │   ├── PromQLError          an expression that cannot be parsed
    │   │   └── PromQLUnsupported    parsed, but the embedded evaluator refuses it by name
    │   ├── PayloadError         a field of what a sender posted; `path` names it
    │   └── NotFound             an incident, service, runbook or file that does not exist
    ├── SourceError              a source of facts did not answer as asked
    │   ├── SourceUnavailable    it cannot be reached or timed out         (retry: yes)
    │   └── QueryRefused         it answered that the question is wrong    (retry: no)
    ├── DeliveryError            a deployer did not do as asked
    │   ├── PreconditionFailed   the world is not in the state planned for (retry: no)
    │   ├── DeployerTimeout      it did not answer in time: state unknown  (retry: probe first)
    │   ├── DeployerFailed       it answered that it failed                (retry: no)
    │   └── CodeHostFailed       a change of code could not be made        (retry: no)
    │       └── MergeConflict    it does not apply; nothing was changed    (retry: no)
    ├── GuardDenied              policy, approval or precondition forbids  (retry: no)
    │   └── SenderRefused        a signature, token or time does not verify
    ├── LedgerError
    │   ├── StepTaken            another worker has claimed this step      (retry: no)
    │   ├── AnotherWorker        another process works on the incidents    (retry: no)
    │   └── ChainBroken          an entry was changed, removed or reordered (retry: no)
    └── EvidenceError            evidence is missing, altered or cannot carry the figure

Each says what happened, where, and what to do; `retryable` says whether trying again can help.
"""

from __future__ import annotations


class HoldfastError(Exception):
    """Base of all. `hint` is what the reader can do about it."""

    retryable = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class InputError(HoldfastError):
    """What the user gave cannot be used as it is."""


class ConfigError(InputError):
    """A configuration file is wrong; the message names the file and the field."""


class PromQLError(InputError):
    """An expression that cannot be parsed or typed."""


class PromQLUnsupported(PromQLError):
    """A valid expression that the embedded evaluator does not evaluate; never approximated."""


class NotFound(InputError):
    """A named thing does not exist."""


class PayloadError(InputError):
    """What a sender posted cannot be read. `path` is the field's, as in `alerts[3].startsAt`.

    `path` is the sender's own spelling, and empty where the whole body cannot be read.
    """

    def __init__(self, message: str, *, path: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.path = path


class SourceError(HoldfastError):
    """A source of facts did not answer as asked."""


class SourceUnavailable(SourceError):
    """The source cannot be reached, timed out or answered 5xx."""

    retryable = True


class QueryRefused(SourceError):
    """The source answered that the question is wrong (4xx)."""


class DeliveryError(HoldfastError):
    """A deployer did not do as asked."""


class PreconditionFailed(DeliveryError):
    """The world is not in the state that the action was planned for; nothing was done."""


class DeployerTimeout(DeliveryError):
    """No answer in time. Whether it took effect is unknown: ask the effect probe."""


class DeployerFailed(DeliveryError):
    """The deployer answered that it failed."""


class CodeHostFailed(DeliveryError):
    """A repository did not do as asked; the message carries its own words."""


class MergeConflict(CodeHostFailed):
    """A change does not apply to the code as it is; the message names the files."""


class GuardDenied(HoldfastError):
    """A policy, an approval or a precondition forbids the action."""


class SenderRefused(GuardDenied):
    """Who posted is not shown to be the sender, or what was signed is too old."""


class LedgerError(HoldfastError):
    """The ledger refused an operation."""


class StepTaken(LedgerError):
    """The step key is already in the ledger: somebody else has done or claimed it."""


class AnotherWorker(LedgerError):
    """Another process works on the incidents of the data folder: hand over to it."""


class ChainBroken(LedgerError):
    """An entry of the audit chain was changed, removed or reordered."""


class EvidenceError(HoldfastError):
    """Evidence is missing, was altered, or cannot carry the figure that names it."""
