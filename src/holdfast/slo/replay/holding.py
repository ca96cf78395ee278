"""`for` and `keep_firing_for`, as Prometheus has them: from a condition to firing. Pure.

Prometheus, rules/alerting.go, `AlertingRule.Eval`: an alert fires once its condition has held since
an evaluation at least `for` ago; it goes on firing until `keep_firing_for` has passed since the
first evaluation at which the condition no longer held.
"""

from __future__ import annotations

import math

import numpy as np

from holdfast.slo.replay.windows import Bools, Ints


def firing_of(
    condition: Bools, step_seconds: float, for_seconds: float = 0.0, keep_seconds: float = 0.0
) -> Bools:
    """Return where an alert fires, of the same shape; the last axis is time."""
    firing = held(condition, _steps(for_seconds, step_seconds))
    keep = _steps(keep_seconds, step_seconds)
    return _kept_rows(condition, firing, keep) if keep else firing


def held(condition: Bools, for_steps: int) -> Bools:
    """Return where the condition has held at this step and at each of the `for_steps` before."""
    if for_steps <= 0:
        return condition
    places: Ints = np.arange(condition.shape[-1], dtype=np.int64)
    last_without = np.maximum.accumulate(np.where(condition, -1, places), axis=-1)
    return condition & (places - last_without > for_steps)


def runs(flags: Bools) -> tuple[Ints, Ints]:
    """Return the first and the one-after-last index of each unbroken run of True, shape (m,)."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    return edges[0::2], edges[1::2]


def _kept_rows(condition: Bools, firing: Bools, keep: int) -> Bools:
    rows = condition.shape[-1]
    flat = [
        _kept(one, fires, keep)
        for one, fires in zip(condition.reshape(-1, rows), firing.reshape(-1, rows), strict=True)
    ]
    return np.array(flat, dtype=np.bool_).reshape(condition.shape)


def _kept(condition: Bools, firing: Bools, keep: int) -> Bools:
    """Go through the runs of the condition: one that begins while firing is kept fires at once."""
    found = firing.copy()
    until = -1  # the first evaluation at which it no longer fires
    first_fires = np.concatenate(([0], np.cumsum(firing)))
    for start, end in zip(*(edge.tolist() for edge in runs(condition)), strict=True):
        if start <= until:
            found[start:end] = True
        elif first_fires[end] == first_fires[start]:
            continue
        until = end + keep
        found[end:until] = True
    return found


def _steps(seconds: float, step_seconds: float) -> int:
    return max(0, math.ceil(seconds / step_seconds - 1e-9))
