"""What a deployment may do and how it shares traffic: decided here, done elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.lab.records import Deployment, DeployRequest

Weights = dict[str, float]


def refusal(
    request: DeployRequest, weights: Mapping[str, float], under_way: Deployment | None
) -> str | None:
    """Return why the world is not the one that the request was made for, or None.

    While a release is under way it can be taken back, and nothing else can be done.
    """
    serving = {version for version, weight in weights.items() if weight > 0}
    if serving - {request.version} != {request.expect_version}:
        shown = ", ".join(sorted(serving)) or "nothing"
        return f"{request.service}: {request.expect_version} was expected, {shown} serves"
    if under_way is not None and under_way.to_version != request.expect_version:
        return f"{request.service}: a deployment of {under_way.to_version} is under way"
    return None


def shared(weights: Mapping[str, float], version: str, percent: float) -> Weights:
    """Return weights where `version` has `percent` and the others share the rest as before."""
    others = {v: w for v, w in weights.items() if v != version and w > 0}
    total = sum(others.values())
    rest = {v: round((100 - percent) * w / total, 6) for v, w in others.items()} if total else {}
    return {**{v: w for v, w in rest.items() if w > 0}, version: percent}


def weights_refusal(weights: Mapping[str, float]) -> str | None:
    """Return why these weights cannot be set, or None."""
    if any(not weight >= 0 for weight in weights.values()) or not _is_whole(weights):
        return "weights are percents that sum to 100"
    return None


def begins(weights: Mapping[str, float], before: Mapping[str, float]) -> tuple[str, ...]:
    """Return the versions that get traffic and had none: the releases that begin by sharing."""
    return tuple(v for v, weight in weights.items() if weight > 0 and not before.get(v, 0.0) > 0)


def has_all(weights: Mapping[str, float], version: str) -> bool:
    """Whether all traffic goes to the version."""
    return {v for v, weight in weights.items() if weight > 0} == {version}


def _is_whole(weights: Mapping[str, float]) -> bool:
    return abs(sum(weights.values()) - 100) <= 1e-6
