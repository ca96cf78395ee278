"""The small production: which services there are, who calls whom, and what runs at first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from holdfast.errors import InputError


@dataclass(frozen=True)
class ServiceSpec:
    """One service. `requests` is what clients ask of it where it is the one they reach."""

    name: str
    first_version: str
    owner: str
    criticality: Literal["critical", "high", "medium", "low"]
    depends_on: tuple[str, ...] = ()
    database: bool = False
    requests: tuple[str, ...] = ()
    """Each `WEIGHT METHOD PATH`, as the load generator reads it."""
    configuration: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    """Environment variables that a roll-out can change, and what they are at first."""
    flags: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    """What can be switched `on` and `off` while it runs, and how it is at first."""

    @property
    def module(self) -> str:
        """The Python module that serves it."""
        return self.name.replace("-", "_")


SERVICES = {
    spec.name: spec
    for spec in (
        ServiceSpec(
            name="storefront",
            first_version="v1.8.0",
            owner="team-shop",
            criticality="critical",
            depends_on=("customer-api", "checkout"),
            requests=("1 GET /",),
        ),
        ServiceSpec(
            name="customer-api",
            first_version="v2.3.3",
            owner="team-customers",
            criticality="high",
            database=True,
            requests=("1 GET /customers?offset={customer}",),
            configuration={"DATABASE_POOL_SIZE": "40", "SERVICE_THREADS": "40"},
        ),
        ServiceSpec(
            name="checkout",
            first_version="v1.4.0",
            owner="team-shop",
            criticality="high",
            depends_on=("inventory", "payments"),
            requests=("1 GET /quotes/{customer}",),
            configuration={"SERVICE_THREADS": "40"},
            flags={"payments_optional": "off"},
        ),
        ServiceSpec(
            name="inventory",
            first_version="v1.2.0",
            owner="team-warehouse",
            criticality="medium",
            requests=("1 GET /stock/tent-1",),
        ),
        ServiceSpec(
            name="payments",
            first_version="v3.1.0",
            owner="team-payments",
            criticality="high",
            requests=("1 GET /methods/{customer}",),
        ),
    )
}
"""In the order of the call graph: who is called stands after who calls."""


def chosen(names: Iterable[str]) -> tuple[ServiceSpec, ...]:
    """Return the named services in call order. Raises InputError where the choice cannot run."""
    wanted = set(names)
    unknown = sorted(wanted - SERVICES.keys())
    if unknown or not wanted:
        raise InputError(
            f"the lab has no service {', '.join(unknown) or 'chosen'}",
            hint=f"known: {', '.join(SERVICES)}",
        )
    specs = tuple(spec for spec in SERVICES.values() if spec.name in wanted)
    for spec in specs:
        if missing := sorted(set(spec.depends_on) - wanted):
            raise InputError(f"{spec.name} needs {', '.join(missing)}", hint="choose them as well")
    return specs
