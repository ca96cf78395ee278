"""What a service's users, business and dependencies ask of it: the input of a design.

Everything is optional. What is not given is not made up: a cost, an owner, a signature.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from holdfast.model.base import Record
from holdfast.model.budget import Dependency
from holdfast.model.service import UNASSIGNED
from holdfast.model.slo import RatioIndicator

IndicatorKind = Literal["availability", "latency"]


def _reachable(value: float) -> float:
    if value >= 1:
        raise ValueError(
            "an objective of 100 % or more leaves no budget: nothing could ever be changed; "
            "write a fraction below 1, such as 0.999"
        )
    if value <= 0:
        raise ValueError("an objective of 0 % promises nothing: write a fraction, such as 0.999")
    return value


Objective = Annotated[float, AfterValidator(_reachable)]
"""A fraction of good events, between 0 and 1, both excluded."""


class UserExpectation(Record):
    """What users need of one indicator, and who says so."""

    kind: IndicatorKind
    objective: Objective
    threshold_seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """For latency: what users call fast enough. None = the design chooses a bucket's boundary."""
    source: str = "the requirements"

    @model_validator(mode="after")
    def _threshold_of_latency_only(self) -> UserExpectation:
        if self.kind == "availability" and self.threshold_seconds is not None:
            raise ValueError("threshold_seconds is for kind latency: leave it out, or correct kind")
        return self


class BusinessConstraints(Record):
    """What an outage costs. Documents speak of money only where this is given."""

    downtime_cost_per_hour: float = Field(gt=0, allow_inf_nan=False)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    """ISO 4217, for example EUR."""
    source: str = "the requirements"


class ServiceLevelAgreement(Record):
    """A promise with consequences that is already in force."""

    kind: IndicatorKind = "availability"
    objective: Objective
    name: str = "the SLA"


class GivenIndicator(RatioIndicator):
    """An indicator of the team's own, where its metrics have other names than the known ones."""

    name: str = Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]*$")
    kind: IndicatorKind = "availability"
    threshold_seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False)


class Signatory(Record):
    """Who has to agree to the objectives."""

    role: str = Field(min_length=1)
    name: str = UNASSIGNED


class Requirements(Record):
    """A requirements file."""

    service: str = ""
    """Empty = whichever service is designed; else it must be that one."""
    owner: str = UNASSIGNED
    period_days: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """The rolling period of the objectives. None = 30."""
    user_expectations: tuple[UserExpectation, ...] = ()
    business: BusinessConstraints | None = None
    sla: ServiceLevelAgreement | None = None
    dependencies: tuple[Dependency, ...] = ()
    indicators: tuple[GivenIndicator, ...] = ()
    """Beside those that are found; one of a kind replaces the found one of that kind."""
    sign_off: tuple[Signatory, ...] = ()
    review_dates: tuple[date, ...] = ()
    """When the objectives are looked at again. Empty = once a quarter from the design on."""

    @model_validator(mode="after")
    def _each_kind_once(self) -> Requirements:
        kinds = [expectation.kind for expectation in self.user_expectations]
        for place, kind in enumerate(kinds):
            if kind in kinds[:place]:
                raise ValueError(f"user_expectations[{place}].kind: {kind} stands twice")
        names = [indicator.name for indicator in self.indicators]
        for place, name in enumerate(names):
            if name in names[:place]:
                raise ValueError(f"indicators[{place}].name: {name} stands twice")
        return self

    def expectation(self, kind: IndicatorKind) -> UserExpectation | None:
        """Return what users need of this kind."""
        return next((e for e in self.user_expectations if e.kind == kind), None)
