"""What the canary judge is given and what it answers. All frozen, all with units in the names."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, model_validator

from holdfast.model.base import Record, UtcTime


class Metric(StrEnum):
    """What is compared between the arms. Every one is better when lower."""

    LATENCY_MEAN = "latency_mean_seconds"
    LATENCY_P95 = "latency_p95_seconds"
    ERRORS = "failed_requests"
    STATEMENTS = "statements_per_request"
    CPU = "cpu_seconds_per_request"


class Decision(StrEnum):
    """The three answers. `inconclusive` never lets a canary go on by itself."""

    PROMOTE = "promote"
    ROLL_BACK = "roll_back"
    INCONCLUSIVE = "inconclusive"


class Monitoring(StrEnum):
    """When a paired metric may be decided.

    `planned_looks` decides at the plan's looks only and finds more under heavy noise of the arms;
    `every_interval` may be asked at any time and without an end, and pays for it in power.
    """

    PLANNED_LOOKS = "planned_looks"
    EVERY_INTERVAL = "every_interval"


class ArmMeasurements(Record):
    """One arm in one interval, as its clients saw it. None = not measured: never read as zero."""

    requests: int = Field(ge=0)
    failed_requests: int | None = Field(default=None, ge=0)
    latency_mean_seconds: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    latency_p95_seconds: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    statements_per_request: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    cpu_seconds_per_request: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _failures_are_requests(self) -> ArmMeasurements:
        if self.failed_requests is not None and self.failed_requests > self.requests:
            raise ValueError(f"{self.failed_requests} of {self.requests} requests cannot fail")
        return self

    def value(self, metric: Metric) -> float | None:
        """Return the measurement of a metric, in its unit; None where there is none."""
        return {
            Metric.LATENCY_MEAN: self.latency_mean_seconds,
            Metric.LATENCY_P95: self.latency_p95_seconds,
            Metric.ERRORS: self.failed_requests,
            Metric.STATEMENTS: self.statements_per_request,
            Metric.CPU: self.cpu_seconds_per_request,
        }[metric]


class Interval(Record):
    """Both arms over the same interval of time. `planned_canary_fraction` is the weight set."""

    started_at: UtcTime
    duration_seconds: float = Field(gt=0, allow_inf_nan=False)
    planned_canary_fraction: float = Field(gt=0, lt=1)
    baseline: ArmMeasurements
    canary: ArmMeasurements


class MetricPlan(Record):
    """How one metric is judged.

    Rolled back when the ratio canary/baseline is shown above `roll_back_above`; passed when it is
    shown below `promote_below`. `alpha_share` is this metric's part of the plan's alpha.
    `resolution` is added to both arms before dividing, in the metric's unit: the smallest amount
    that matters, needed where a baseline may be zero. `promote_below_fraction` is for errors only:
    a canary whose failed fraction is shown below it passes too, since few failures say little
    about a ratio. A metric that is not `required` may be absent without stopping a promotion.
    """

    metric: Metric
    roll_back_above: float = Field(ge=1, allow_inf_nan=False)
    promote_below: float = Field(gt=1, allow_inf_nan=False)
    alpha_share: float = Field(gt=0, le=1)
    resolution: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    promote_below_fraction: float | None = Field(default=None, gt=0, lt=1)
    required: bool = True

    @model_validator(mode="after")
    def _leaves_room(self) -> MetricPlan:
        if self.promote_below < self.roll_back_above:
            raise ValueError(f"{self.metric}: promote_below is under roll_back_above")
        if self.promote_below_fraction is not None and self.metric is not Metric.ERRORS:
            raise ValueError(f"{self.metric}: promote_below_fraction is for {Metric.ERRORS} only")
        return self


DEFAULT_METRICS = (
    MetricPlan(
        metric=Metric.LATENCY_MEAN, roll_back_above=1.02, promote_below=1.10, alpha_share=0.45
    ),
    MetricPlan(
        metric=Metric.ERRORS,
        roll_back_above=1.5,
        promote_below=2.5,
        alpha_share=0.35,
        promote_below_fraction=0.0015,
    ),
    MetricPlan(
        metric=Metric.STATEMENTS,
        roll_back_above=1.10,
        promote_below=1.25,
        alpha_share=0.1,
        resolution=0.1,
        required=False,
    ),
    MetricPlan(
        metric=Metric.CPU,
        roll_back_above=1.05,
        promote_below=1.25,
        alpha_share=0.1,
        required=False,
    ),
)
"""What is judged unless the plan says otherwise: alpha shares 45, 35, 10 and 10 %."""


class JudgePlan(Record):
    """What was decided before the canary began; `alpha` is spent over metrics and looks.

    alpha: the chance of any roll-back while every ratio is at most its `roll_back_above`.
    looks: counts of paired intervals at which `planned_looks` decides; the last is the horizon,
    and no metric is passed before it. `aim_intervals`: by when most of alpha is spent.
    """

    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    metrics: tuple[MetricPlan, ...] = DEFAULT_METRICS
    monitoring: Monitoring = Monitoring.PLANNED_LOOKS
    looks: tuple[int, ...] = (3, 5, 7, 10, 15, 20, 30, 45, 60)
    aim_intervals: int = Field(default=10, ge=1)
    min_requests_per_arm: int = Field(default=500, ge=1)
    min_requests_per_interval: int = Field(default=20, ge=1)
    max_gap_fraction: float = Field(default=0.2, ge=0, lt=1)
    max_trailing_gap_intervals: int = Field(default=2, ge=0)
    split_alpha: float = Field(default=0.001, gt=0, lt=0.5)
    split_tolerance: float = Field(default=0.05, ge=0, lt=1)

    @model_validator(mode="after")
    def _adds_up(self) -> JudgePlan:
        if not self.metrics or len({one.metric for one in self.metrics}) < len(self.metrics):
            raise ValueError("metrics: at least one, and each only once")
        if sum(one.alpha_share for one in self.metrics) > 1 + 1e-9:
            raise ValueError("metrics: the alpha shares sum to more than 1")
        rising = all(a < b for a, b in zip(self.looks, self.looks[1:], strict=False))
        if not self.looks or self.looks[0] < 1 or not rising:
            raise ValueError("looks: counts of intervals, rising, at least one")
        return self

    @property
    def horizon_intervals(self) -> int:
        """How many paired intervals the plan asks for before a promotion."""
        return self.looks[-1]

    def alpha_of(self, metric: MetricPlan) -> float:
        """Return the error probability that one metric may spend."""
        return self.alpha * metric.alpha_share


class PairedNoise(Record):
    """How the log ratio of two equal arms moves: white noise plus a persistent part.

    `variance` is of one interval's log ratio; `persistent_variance` the part of it that carries
    over, by `persistence` from one interval to the next. `intervals`: how many it was learnt from.
    """

    variance: float = Field(ge=0, allow_inf_nan=False)
    persistent_variance: float = Field(ge=0, allow_inf_nan=False)
    persistence: float = Field(ge=0, lt=1)
    intervals: int = Field(ge=0)


class MetricNoise(Record):
    """The noise of one metric between equal arms."""

    metric: Metric
    noise: PairedNoise


class Calibration(Record):
    """What equal arms (A/A) did in healthy history: how much of a difference means nothing.

    `error_dispersion` ≥ 1: how much more than by chance the failures fall to one arm.
    """

    paired: tuple[MetricNoise, ...] = ()
    error_dispersion: float | None = Field(default=None, ge=1, allow_inf_nan=False)
    from_equal_arms: bool = True
    """False: put together from one version's own history (see rollout/calibration)."""

    def noise(self, metric: Metric) -> PairedNoise | None:
        """Return the noise of a metric, or None where history had too little."""
        return next((one.noise for one in self.paired if one.metric is metric), None)


class MetricVerdict(Record):
    """What one metric says, and on what. Ratios are canary/baseline; None = cannot be said.

    The interval holds at every look at once, with the metric's alpha on either side.
    """

    metric: Metric
    decision: Decision
    reason: str
    effect_ratio: float | None
    interval_low_ratio: float | None
    interval_high_ratio: float | None
    roll_back_above: float
    promote_below: float
    alpha: float
    paired_intervals: int
    gap_intervals: int
    decided_at_interval: int | None = None
    """How many paired intervals the evidence against the canary had taken, where it is shown."""
    calibrated: bool
    """Whether A/A history stands behind it."""


class SplitCheck(Record):
    """Whether the canary got the share of requests that was set."""

    matches: bool
    reason: str
    planned_canary_fraction: float | None
    actual_canary_fraction: float | None
    log_e_value: float


class CanaryVerdict(Record):
    """The judgement over all metrics: roll back if any says so, promote only if all may."""

    decision: Decision
    reason: str
    metrics: tuple[MetricVerdict, ...]
    split: SplitCheck
    baseline_requests: int
    canary_requests: int
    canary_failed_requests: int | None
    """What the canary has cost so far; None where failures were not measured throughout."""
