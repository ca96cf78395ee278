"""The few distribution functions that targets need, typed; scipy is loaded at the first call."""

from __future__ import annotations

import importlib
from typing import Protocol, cast

import numpy as np

from holdfast.slo.history import Counts


class _Special(Protocol):
    """The part of `scipy.special` that is used; it has no type stubs."""

    def ndtr(self, x: float) -> float: ...
    def stdtrit(self, df: float, p: float) -> float: ...
    def betaincinv(self, a: float, b: float, y: float) -> float: ...
    def gammaincinv(self, a: float, y: float) -> float: ...
    def gammainc(self, a: Counts, x: Counts) -> Counts: ...


def _special() -> _Special:
    return cast("_Special", importlib.import_module("scipy.special"))


def normal_below(x: float) -> float:
    """Return P(Z <= x) for a standard normal Z."""
    return float(_special().ndtr(x))


def student_quantile(probability: float, degrees: float) -> float:
    """Return the quantile of Student's distribution."""
    return float(_special().stdtrit(degrees, probability))


def beta_quantile(probability: float, a: float, b: float) -> float:
    """Return the quantile of the beta distribution."""
    return float(_special().betaincinv(a, b, probability))


def gamma_quantile(probability: float, shape: float) -> float:
    """Return the quantile of the gamma distribution of scale 1."""
    return float(_special().gammaincinv(shape, probability))


def poisson_at_least(counts: Counts, means: Counts) -> Counts:
    """Return P(Poisson(mean) >= count), place by place: the lower incomplete gamma function."""
    asked = np.maximum(counts, 1.0)
    return np.where(counts > 0, _special().gammainc(asked, means), 1.0)
