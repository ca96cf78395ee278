"""The order of `sort_by_label`: numbers inside labels count as numbers.

After Prometheus, promql/functions.go `funcSortByLabel`, and the natural order it uses
(github.com/facette/natsort).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cmp_to_key

import numpy as np

from holdfast.promql.values import Block, Labels

_CHUNKS = re.compile(r"[0-9]+|[^0-9]+")


def sort_by_labels(block: Block, names: Sequence[str], *, descending: bool) -> Block:
    """Order the rows of a single step by labels, then by all labels; else nothing changes."""
    if block.values.shape[1] != 1:
        return block

    def compare(left: int, right: int) -> int:
        order = _compare_labels(block.labels[left], block.labels[right], names)
        return -order if descending else order

    rows = sorted(np.flatnonzero(block.present[:, 0]).tolist(), key=cmp_to_key(compare))
    return block.take(np.array(rows, dtype=np.intp))


def _compare_labels(left: Labels, right: Labels, names: Sequence[str]) -> int:
    for name in names:
        one, other = left.get(name, ""), right.get(name, "")
        if one != other:
            return -1 if natural_less(one, other) else 1
    ours, theirs = sorted(left.items()), sorted(right.items())
    return (ours > theirs) - (ours < theirs)


def natural_less(left: str, right: str) -> bool:
    """Return whether one text comes before another, runs of digits compared as numbers."""
    ours, theirs = _CHUNKS.findall(left) or [""], _CHUNKS.findall(right) or [""]
    for one, other in zip(ours, theirs, strict=False):
        if one.isdigit() and other.isdigit():
            if int(one) != int(other):
                return int(one) < int(other)
        elif one != other:
            return one < other
    return len(ours) <= len(theirs)
