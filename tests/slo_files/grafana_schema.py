"""Grafana's dashboard schema, as the classes of grafana-foundation-sdk say it.

Every JSON object is compared with its class: unknown fields, wrong types and values outside an
enumeration are told with their path. The classes are generated from Grafana's own schema.
"""

from __future__ import annotations

import enum
import re
import types
import typing
from collections.abc import Iterator
from typing import Any

import pytest

dashboard = pytest.importorskip("grafana_foundation_sdk.models.dashboard")
heatmap = pytest.importorskip("grafana_foundation_sdk.models.heatmap")
stat = pytest.importorskip("grafana_foundation_sdk.models.stat")
timeseries = pytest.importorskip("grafana_foundation_sdk.models.timeseries")
prometheus = pytest.importorskip("grafana_foundation_sdk.models.prometheus")
common = pytest.importorskip("grafana_foundation_sdk.models.common")

_OPTIONS = {"heatmap": heatmap.Options, "stat": stat.Options, "timeseries": timeseries.Options}
_CUSTOM = {"heatmap": heatmap.FieldConfig, "timeseries": common.GraphFieldConfig}


def mistakes(document: dict[str, Any]) -> list[str]:
    """Return what Grafana's schema does not know, or knows otherwise."""
    return [
        *_object(document, dashboard.Dashboard, "dashboard", {"panels"}),
        *(
            each
            for index, panel in enumerate(document["panels"])
            for each in _panel(panel, f"panels[{index}]")
        ),
    ]


def _panel(panel: dict[str, Any], path: str) -> Iterator[str]:
    kind = panel["type"]
    if kind == "row":
        yield from _object(panel, dashboard.RowPanel, path)
        return
    yield from _object(panel, dashboard.Panel, path, {"options", "fieldConfig", "targets"})
    yield from _object(panel["options"], _OPTIONS[kind], f"{path}.options")
    config = panel["fieldConfig"]
    yield from _object(config, dashboard.FieldConfigSource, f"{path}.fieldConfig", {"defaults"})
    defaults = {k: v for k, v in config["defaults"].items() if k != "custom"}
    yield from _object(defaults, dashboard.FieldConfig, f"{path}.fieldConfig.defaults")
    if "custom" in config["defaults"]:
        custom = config["defaults"]["custom"]
        yield from _object(custom, _CUSTOM[kind], f"{path}.fieldConfig.defaults.custom")
    for index, target in enumerate(panel["targets"]):
        yield from _object(target, prometheus.Dataquery, f"{path}.targets[{index}]")


def _object(value: Any, kind: Any, path: str, apart: set[str] | None = None) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: no object"
        return
    hints = typing.get_type_hints(kind)
    for key, item in value.items():
        name = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower()
        hint = hints.get(name, hints.get(f"{name}_val"))
        if hint is None:
            yield f"{path}.{key}: {kind.__name__} has no such field"
        elif key not in (apart or set()):
            yield from _value(item, hint, f"{path}.{key}")


def _value(value: Any, hint: Any, path: str) -> Iterator[str]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if not any(next(_value(value, one, path), None) is None for one in arguments):
            wrong = [next(_value(value, one, path), "") for one in arguments]
            yield wrong[0]
    elif origin is list:
        if not isinstance(value, list):
            yield f"{path}: {value!r} is no list"
            return
        for index, item in enumerate(value):
            yield from _value(item, arguments[0], f"{path}[{index}]")
    elif origin is typing.Literal:
        if value not in arguments:
            yield f"{path}: {value!r} is none of {arguments}"
    elif origin is dict or hint in (object, Any):
        return
    elif isinstance(hint, type) and issubclass(hint, enum.Enum):
        if value not in [member.value for member in hint]:
            yield f"{path}: {value!r} is none of {[member.value for member in hint]}"
    elif hint is type(None):
        if value is not None:
            yield f"{path}: {value!r} is not null"
    elif hint in (int, float, str, bool):
        numbers = (int, float) if hint is float else (hint,)
        if not isinstance(value, numbers) or (isinstance(value, bool) and hint is not bool):
            yield f"{path}: {value!r} is no {hint.__name__}"
    else:
        yield from _object(value, hint, path)
