"""Functions of instant vectors that look at one value at a time, dates included.

Each takes the values, shape (series, steps), and its scalar parameters, shape (steps,).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from holdfast.promql.values import Floats

Elementwise = Callable[..., Floats]
DateField = Callable[[NDArray[np.datetime64]], Floats]


def round_to(values: Floats, nearest: Floats | None = None) -> Floats:
    """Round half up to the nearest multiple."""
    inverse = 1.0 / (np.ones(1) if nearest is None else nearest)
    return np.floor(values * inverse + 0.5) / inverse


def clamp(values: Floats, low: Floats, high: Floats) -> Floats:
    """Limit values from both sides; NaN limits give NaN. `low > high` is the caller's case."""
    return np.maximum(low, np.minimum(high, values))


def sgn(values: Floats) -> Floats:
    """Return -1, 0 or 1; NaN stays."""
    return np.sign(values)


ELEMENTWISE: dict[str, Elementwise] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "floor": np.floor,
    "exp": np.exp,
    "ln": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "sqrt": np.sqrt,
    "sgn": sgn,
    "round": round_to,
    "clamp": clamp,
    "clamp_min": np.maximum,
    "clamp_max": np.minimum,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "deg": np.degrees,
    "rad": np.radians,
}


def _since(when: NDArray[np.datetime64], unit: str, within: str) -> Floats:
    start = when.astype(f"datetime64[{within}]").astype(f"datetime64[{unit}]")
    passed = when.astype(f"datetime64[{unit}]").astype(np.int64) - start.astype(np.int64)
    return passed.astype(np.float64)


def _day_of_week(when: NDArray[np.datetime64]) -> Floats:
    days = when.astype("datetime64[D]").astype(np.int64)
    return ((days + 4) % 7).astype(np.float64)


def _days_in_month(when: NDArray[np.datetime64]) -> Floats:
    month = when.astype("datetime64[M]")
    return ((month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")).astype(np.float64)


def _year(when: NDArray[np.datetime64]) -> Floats:
    return (when.astype("datetime64[Y]").astype(np.int64) + 1970).astype(np.float64)


DATE_FIELDS: dict[str, DateField] = {
    "minute": lambda when: _since(when, "m", "h"),
    "hour": lambda when: _since(when, "h", "D"),
    "day_of_week": _day_of_week,
    "day_of_month": lambda when: _since(when, "D", "M") + 1,
    "day_of_year": lambda when: _since(when, "D", "Y") + 1,
    "days_in_month": _days_in_month,
    "month": lambda when: _since(when, "M", "Y") + 1,
    "year": _year,
}
"""Fields of a UTC date; `date_field` applies them."""


def date_field(name: str, seconds: Floats) -> Floats:
    """Return a field of Unix times; what is not finite has none and stays NaN."""
    finite = np.isfinite(seconds)
    whole = np.where(finite, seconds, 0.0).astype(np.int64)
    return np.where(finite, DATE_FIELDS[name](whole.astype("datetime64[s]")), np.nan)
