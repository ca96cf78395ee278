"""The database connection: a server or SQLite, both as far away as a server on the network."""

from __future__ import annotations

import time
from typing import Any, cast

from sqlalchemy import Engine, QueuePool, create_engine, event

from . import metrics
from .logs import log
from .settings import Settings, settings
from .trace import current_span


def connect(path: str | None = None, *, configured: Settings | None = None) -> Engine:
    """Return an engine whose statements take a round trip and are measured and logged.

    `path` is a file; ":memory:" gives a database of its own, for tests. Without a path it is what
    the environment names: the server of `DATABASE_URL`, else the file of `DATABASE_PATH`.
    """
    chosen = configured or settings()
    url = "" if path else chosen.database_url
    path = path or chosen.database_path
    if path == ":memory:" and not url:
        return create_engine("sqlite://")
    engine = create_engine(url or f"sqlite:///{path}", pool_size=chosen.pool_size, max_overflow=0)
    if not url:
        event.listen(engine, "connect", _tune)
    _instrument(engine, chosen)
    metrics.watch_pool(cast("QueuePool", engine.pool).checkedout, chosen.pool_size)
    return engine


def _tune(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _instrument(engine: Engine, chosen: Settings) -> None:
    histogram = metrics.statement_histogram() if chosen.statement_metrics else None

    def before(_conn: Any, _cursor: Any, _sql: str, _args: Any, context: Any, _many: bool) -> None:
        context.started = time.perf_counter()
        if chosen.round_trip_seconds:
            time.sleep(chosen.round_trip_seconds)

    def after(_conn: Any, _cursor: Any, sql: str, _args: Any, context: Any, _many: bool) -> None:
        seconds = time.perf_counter() - context.started
        if histogram is not None:
            histogram.observe(seconds)
        if chosen.statement_logs:
            _log_statement(sql, seconds, chosen.statement_log_fraction)

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)


def _log_statement(sql: str, seconds: float, fraction: float) -> None:
    span = current_span()
    if span is not None and span.logged(fraction):
        text = " ".join(sql.split())
        log("statement", level="debug", db__query__text=text, duration_seconds=round(seconds, 6))
