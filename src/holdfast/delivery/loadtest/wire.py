"""What goes between the command and its generator process: an order, and exact samples back."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import BinaryIO

from holdfast.delivery.loadtest.open_loop import OUTCOMES, Outcome
from holdfast.delivery.loadtest.schedule import Shape
from holdfast.errors import SourceError
from holdfast.model.base import Record


class WireRequest(Record):
    """One kind of request."""

    weight: float
    method: str
    path: str
    body: str = ""


class WireArm(Record):
    """Where one arm's requests go; `tls_name` set = https, checked against that name."""

    address: str
    port: int
    tls_name: str | None
    headers: tuple[tuple[str, str], ...]
    requests: tuple[WireRequest, ...]


class WireOrder(Record):
    """What the generator process is told, one JSON line on its input."""

    arms: tuple[WireArm, ...]
    rate_per_second: float
    duration_seconds: float
    arrivals: Shape
    seed: int
    timeout_seconds: float
    ca_file: str


class WireHead(Record):
    """The first line of its answer; the arrays of each arm follow, `lengths` say how long."""

    cpu_seconds: float
    wall_seconds: float
    missed: tuple[int, ...]
    lengths: tuple[tuple[int, int], ...]
    """Per arm: requests ended, requests due."""


@dataclass
class ArmSamples:
    """Exact samples of one arm. `starts` are seconds from its first possible start."""

    begin: float = 0.0
    missed_count: int = 0
    starts: array[float] = field(default_factory=lambda: array("d"))
    seconds: array[float] = field(default_factory=lambda: array("d"))
    outcomes: array[int] = field(default_factory=lambda: array("b"))
    lags: array[float] = field(default_factory=lambda: array("d"))

    def rate(self, per_second: float) -> None:
        """The rate of a load test does not change."""

    def due(self, lag_seconds: float) -> None:
        """Note a request whose time has come."""
        self.lags.append(lag_seconds)

    def missed(self) -> None:
        """Note a request that was not sent."""
        self.missed_count += 1

    def ended(self, outcome: Outcome, intended: float, seconds: float) -> None:
        """Note a request that ended."""
        self.starts.append(intended - self.begin)
        self.seconds.append(seconds)
        self.outcomes.append(OUTCOMES.index(outcome))

    @property
    def arrays(self) -> tuple[array[float], array[float], array[int], array[float]]:
        """All arrays, in the order of the wire."""
        return self.starts, self.seconds, self.outcomes, self.lags


@dataclass(frozen=True)
class Measured:
    """All that the generator process measured."""

    head: WireHead
    arms: tuple[ArmSamples, ...]


def write_measured(
    stream: BinaryIO, arms: list[ArmSamples], *, cpu_seconds: float, wall_seconds: float
) -> None:
    """Write a head line and the arrays."""
    head = WireHead(
        cpu_seconds=cpu_seconds,
        wall_seconds=wall_seconds,
        missed=tuple(arm.missed_count for arm in arms),
        lengths=tuple((len(arm.seconds), len(arm.lags)) for arm in arms),
    )
    stream.write(head.model_dump_json().encode() + b"\n")
    for arm in arms:
        for values in arm.arrays:
            stream.write(values.tobytes())


def parse_measured(answer: bytes) -> Measured:
    """Read what `write_measured` wrote. Raises SourceError where it is cut short."""
    line, newline, rest = answer.partition(b"\n")
    if not newline:
        raise SourceError("the load generator ended without an answer")
    head = WireHead.model_validate_json(line)
    arms: list[ArmSamples] = []
    for missed, (ended, due) in zip(head.missed, head.lengths, strict=True):
        arm = ArmSamples(missed_count=missed)
        for values, count in zip(arm.arrays, (ended, ended, ended, due), strict=True):
            size = count * values.itemsize
            if len(rest) < size:
                raise SourceError("the load generator's answer is cut short")
            values.frombytes(rest[:size])
            rest = rest[size:]
        arms.append(arm)
    return Measured(head, tuple(arms))
