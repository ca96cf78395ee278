"""Joining arrays that lie side by side in memory, without a copy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

ScalarT = TypeVar("ScalarT", np.int64, np.float64)


def joined(parts: Sequence[NDArray[ScalarT]]) -> NDArray[ScalarT]:
    """Return the parts one after another: a view where they are neighbours in one array."""
    base = parts[0].base
    if not isinstance(base, np.ndarray) or base.ndim != 1 or base.dtype != parts[0].dtype:
        return np.concatenate(parts)
    ends = [(_address(part), _address(part) + part.nbytes, part.base is base) for part in parts]
    if not all(same for _, _, same in ends) or any(a[1] != b[0] for a, b in pairwise(ends)):
        return np.concatenate(parts)
    if any(part.strides != (part.itemsize,) for part in parts):
        return np.concatenate(parts)
    low = (ends[0][0] - _address(base)) // base.itemsize
    return base[low : low + sum(part.size for part in parts)]


def laid_out(parts: Sequence[NDArray[ScalarT]]) -> list[NDArray[ScalarT]]:
    """Return copies of the parts as neighbours in one array, which `joined` joins for nothing."""
    whole = np.concatenate(parts)
    bounds: list[int] = np.cumsum([0, *(part.size for part in parts)]).tolist()
    return [whole[low:high] for low, high in pairwise(bounds)]


def _address(array: NDArray[ScalarT]) -> int:
    return array.__array_interface__["data"][0]
