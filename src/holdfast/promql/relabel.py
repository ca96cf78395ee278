"""label_replace and label_join."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from holdfast.errors import PromQLError, PromQLUnsupported
from holdfast.promql.regex import compile_anchored, expand
from holdfast.promql.tree import Call
from holdfast.promql.values import (
    NAME,
    Block,
    Bools,
    Evaluates,
    Frame,
    Labels,
    merge_same_labels,
)

_CLASSIC_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def label_replace(evaluator: Evaluates, call: Call, frame: Frame) -> Block:
    """Set a label from a template where a pattern matches another label wholly."""
    block = evaluator.mixed(call.args[0], frame)
    target, template, source, pattern = (evaluator.text(arg) for arg in call.args[1:5])
    compiled = compile_anchored(pattern)
    check_label_name(target)
    found = [compiled.fullmatch(labels.get(source, "")) for labels in block.labels]
    labels = [
        labels if match is None else _with_label(labels, target, expand(template, match))
        for labels, match in zip(block.labels, found, strict=True)
    ]
    touched = np.array([match is not None for match in found], dtype=np.bool_)
    return _relabelled(block, labels, touched, target)


def label_join(evaluator: Evaluates, call: Call, frame: Frame) -> Block:
    """Set a label to other labels joined by a separator."""
    block = evaluator.mixed(call.args[0], frame)
    target, separator, *sources = (evaluator.text(arg) for arg in call.args[1:])
    check_label_name(target)
    labels = [
        _with_label(labels, target, separator.join(labels.get(source, "") for source in sources))
        for labels in block.labels
    ]
    return _relabelled(block, labels, np.ones(block.rows, dtype=np.bool_), target)


def check_label_name(name: str) -> None:
    """Refuse what is no label name, and what may be one but cannot be told from wrong bytes."""
    if _CLASSIC_NAME.fullmatch(name):
        return
    if not name:
        raise PromQLError("invalid label name: it is empty")
    if any("\udc80" <= letter <= "\udcff" for letter in name):
        raise PromQLError(f"invalid label name {name!r}: it is no UTF-8")
    raise PromQLUnsupported(f"the label name {name!r}", hint="use letters, digits and _")


def _with_label(labels: Labels, name: str, value: str) -> Labels:
    kept = {key: text for key, text in labels.items() if key != name}
    return {**kept, name: value} if value else kept


def _relabelled(block: Block, labels: list[Labels], touched: Bools, target: str) -> Block:
    unnamed = block.unnamed & ~touched if target == NAME else block.unnamed
    return merge_same_labels(replace(block, labels=labels, unnamed=unnamed))
