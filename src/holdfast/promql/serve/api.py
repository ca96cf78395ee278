"""Answers requests of the Prometheus HTTP API from a store in memory; no network here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from holdfast import __version__
from holdfast.errors import HoldfastError, InputError, PromQLError, PromQLUnsupported
from holdfast.promql.engine import Engine
from holdfast.promql.memory import MemorySamples
from holdfast.promql.parse import parse
from holdfast.promql.result_type import ResultType, result_type
from holdfast.promql.serve.answers import (
    Answer,
    failure,
    matrix_data,
    scalar_data,
    string_data,
    success,
    vector_data,
)
from holdfast.promql.serve.parameters import (
    BadData,
    Fields,
    duration,
    instant_time,
    interval_ms,
    range_asked,
    selectors,
    text,
)

_NO_MATCH = "no match[] parameter provided"
_RANGE_TYPES = "must be Scalar or instant Vector"


@dataclass(frozen=True, slots=True)
class Semantics:
    """How queries are read, where Prometheus's versions and settings differ."""

    windows: Literal["left_open", "closed"] = "left_open"
    lookback_seconds: float = 300.0


class Api:
    """The endpoints under /api/v1. Each takes the request's fields. Safe for several threads."""

    def __init__(
        self,
        store: MemorySamples,
        semantics: Semantics,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Keep the store; `now` is the time where a request names none."""
        self._store = store
        self._semantics = semantics
        self._now = now

    def query(self, fields: Fields) -> Answer:
        """Answer an instant query of any type."""
        return _told(lambda: self._query(fields))

    def query_range(self, fields: Fields) -> Answer:
        """Answer a range query of at most 11,000 steps."""
        return _told(lambda: self._query_range(fields))

    def series(self, fields: Fields) -> Answer:
        """Answer with the label sets of the series that any `match[]` finds."""
        return _listed(lambda: self._labelsets(fields, match_needed=True))

    def labels(self, fields: Fields) -> Answer:
        """Answer with all label names."""
        return _listed(lambda: sorted({name for one in self._labelsets(fields) for name in one}))

    def label_values(self, name: str, fields: Fields) -> Answer:
        """Answer with all values of a label."""
        return _listed(lambda: _values_of(name, self._labelsets(fields)))

    def build_info(self, _fields: Fields) -> Answer:
        """Answer what runs here; its version is Holdfast's, not a Prometheus's."""
        return success({"version": __version__, "application": "holdfast", "features": {}})

    def _query(self, fields: Fields) -> Answer:
        at, promql = instant_time(fields, self._now()), text(fields, "query")
        engine, kind = self._engine(fields), _type_of(promql)
        if kind == "string":
            return success(string_data(at, engine.text(promql)))
        if kind == "matrix":
            return success(matrix_data(engine.samples(promql, at)))
        answer = engine.instant(promql, at)
        if kind == "scalar":
            return success(scalar_data(at, answer.samples[0].value), answer.warnings)
        return success(vector_data(answer), answer.warnings)

    def _query_range(self, fields: Fields) -> Answer:
        asked = range_asked(fields)
        kind = _type_of(asked.query)
        if kind in ("string", "matrix"):
            said = "range vector" if kind == "matrix" else kind
            problem = f'invalid expression type "{said}" for range query, {_RANGE_TYPES}'
            raise BadData(f'invalid parameter "query": {problem}')
        answer = self._engine(fields).range(asked.query, asked.start, asked.end, asked.step_seconds)
        return success(matrix_data(answer), answer.warnings)

    def _labelsets(self, fields: Fields, *, match_needed: bool = False) -> list[dict[str, str]]:
        found: dict[frozenset[tuple[str, str]], dict[str, str]] = {}
        start_ms, end_ms = interval_ms(fields)
        asked = selectors(fields)
        if match_needed and not asked:
            raise BadData(_NO_MATCH)
        for matchers in asked or [()]:
            for one in self._store.select(matchers, start_ms, end_ms):
                found.setdefault(frozenset(one.labels.items()), one.labels)
        return sorted(found.values(), key=lambda labels: sorted(labels.items()))

    def _engine(self, fields: Fields) -> Engine:
        lookback = self._semantics.lookback_seconds
        if asked := text(fields, "lookback_delta"):
            lookback = duration(asked, "lookback_delta") or lookback
        if lookback < 0:
            raise BadData('invalid parameter "lookback_delta": it is negative')
        return Engine(
            self._store,
            lookback_seconds=lookback,
            windows=self._semantics.windows,
            keep_nan=True,
        )


def _values_of(name: str, labelsets: list[dict[str, str]]) -> list[str]:
    return sorted({labels[name] for labels in labelsets if name in labels})


def _type_of(promql: str) -> ResultType:
    try:
        return result_type(parse(promql))
    except PromQLUnsupported:
        raise
    except PromQLError as error:
        raise BadData(f'invalid parameter "query": parse error: {error}') from None


def _listed(found: Callable[[], object]) -> Answer:
    return _told(lambda: success(found()))


def _told(answer: Callable[[], Answer]) -> Answer:
    """Return the answer, or the error in Prometheus's words and status."""
    try:
        return answer()
    except BadData as problem:
        return failure(400, "bad_data", str(problem))
    except PromQLUnsupported as refusal:
        return failure(422, "execution", f"not supported: {refusal}")
    except InputError as error:
        return failure(422, "execution", str(error))
    except HoldfastError as error:
        return failure(503, "unavailable", str(error))
