"""The ledger: the only durable state. Append-only, gapless per incident, chained by hashes."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    RowMapping,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    func,
    insert,
    select,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.schema import CreateTable

from holdfast.errors import LedgerError, NotFound, StepTaken
from holdfast.ledger.chain import GENESIS, envelope_hash
from holdfast.model.base import canonical_json, content_hash, utc_now
from holdfast.model.event import Event, Payload

_metadata = MetaData()
_events = Table(
    "events",
    _metadata,
    Column("incident_id", String(40), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("step_key", String(120), nullable=False),
    Column("at", String(40), nullable=False),
    Column("actor", String(80), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("payload", Text, nullable=False),
    Column("payload_hash", String(64), nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    PrimaryKeyConstraint("incident_id", "sequence"),
    UniqueConstraint("incident_id", "step_key", name="one_step_once"),
)

Entry = tuple[str, Payload]
"""A step key and what that step has to say."""


def _tune_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    """WAL lets readers read while one writes; full sync keeps an answered write on disk."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


class Ledger:
    """Appends and reads events. Safe for several threads and processes on one database.

    Raises LedgerError where the database cannot be opened, read or written.
    """

    def __init__(self, url: str) -> None:
        self._engine: Engine = create_engine(url)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _tune_sqlite)
        with self._begin() as connection:
            connection.execute(CreateTable(_events, if_not_exists=True))
        self._subscribers: list[Callable[[Event], None]] = []

    def subscribe(self, subscriber: Callable[[Event], None]) -> None:
        """Call `subscriber` with each event that this object appends, after it is durable."""
        self._subscribers.append(subscriber)

    @classmethod
    def at(cls, folder: Path) -> Ledger:
        """Open the embedded ledger of a data folder, making both where they are missing."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerError(
                f"the data folder {folder} cannot be made: {error.strerror}",
                hint="let `data_folder` name a folder that you may write in",
            ) from error
        return cls(f"sqlite:///{folder / 'ledger.db'}")

    def append(
        self,
        incident_id: str,
        entries: Iterable[Entry],
        *,
        actor: str,
        at: datetime | None = None,
    ) -> tuple[Event, ...]:
        """Append all entries in one transaction, or none.

        Raises StepTaken where one of the step keys is in the ledger already.
        """
        with self._begin() as connection:
            sequence, previous = _head(connection, incident_id)
            appended: list[Event] = []
            for step_key, payload in entries:
                sequence += 1
                entry = _seal(
                    incident_id, sequence, step_key, at or utc_now(), actor, payload, previous
                )
                _refuse_second(connection, incident_id, step_key)
                connection.execute(insert(_events).values(_row(entry)))
                appended.append(entry)
                previous = entry.hash
        for entry in appended:
            for subscriber in self._subscribers:
                subscriber(entry)
        return tuple(appended)

    def events(self, incident_id: str, *, after: int = 0) -> tuple[Event, ...]:
        """Return the incident's events in order, those behind sequence `after` only."""
        query = (
            select(_events)
            .where(_events.c.incident_id == incident_id, _events.c.sequence > after)
            .order_by(_events.c.sequence)
        )
        with self._begin() as connection:
            return tuple(_read(row) for row in connection.execute(query).mappings())

    def incident_ids(self) -> tuple[str, ...]:
        """Return all incidents, oldest first."""
        query = select(_events.c.incident_id).distinct().order_by(_events.c.incident_id)
        with self._begin() as connection:
            return tuple(connection.execute(query).scalars())

    def find(self, wanted: str) -> str:
        """Return the incident that is meant: a whole id, a unique part of one, or `last`."""
        known = self.incident_ids()
        if wanted == "last" and known:
            return known[-1]
        if not known:
            raise NotFound(
                "there is no incident so far",
                hint="`holdfast watch` opens them, and `holdfast respond`",
            )
        matches = [wanted] if wanted in known else [i for i in known if wanted in i]
        if len(matches) == 1:
            return matches[0]
        if not matches:
            raise NotFound(
                f"no incident matches {wanted!r}", hint="`holdfast incidents` lists them"
            )
        raise NotFound(
            f"{len(matches)} incidents match {wanted!r}",
            hint=f"give more of its id, for example {matches[-1]}",
        )

    def has(self, incident_id: str, step_key: str) -> bool:
        """Whether that step is in the ledger."""
        query = select(func.count()).where(
            _events.c.incident_id == incident_id, _events.c.step_key == step_key
        )
        with self._begin() as connection:
            return bool(connection.execute(query).scalar_one())

    @contextmanager
    def _begin(self) -> Generator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise LedgerError(
                f"the ledger {self._engine.url.database} cannot be used: {error.orig}",
                hint="it must be a database of Holdfast's that you may write to, on a disk with "
                "room",
            ) from error

    def close(self) -> None:
        """Release the database."""
        self._engine.dispose()


def _head(connection: Connection, incident_id: str) -> tuple[int, str]:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # one writer at a time, from here on
    query = (
        select(_events.c.sequence, _events.c.hash)
        .where(_events.c.incident_id == incident_id)
        .order_by(_events.c.sequence.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return (row[0], row[1]) if row else (0, GENESIS)


def _refuse_second(connection: Connection, incident_id: str, step_key: str) -> None:
    query = select(_events.c.sequence).where(
        _events.c.incident_id == incident_id, _events.c.step_key == step_key
    )
    if connection.execute(query).first():
        raise StepTaken(f"step {step_key} of {incident_id} is already in the ledger")


def _seal(
    incident_id: str,
    sequence: int,
    step_key: str,
    at: datetime,
    actor: str,
    payload: Payload,
    previous: str,
) -> Event:
    unsealed = Event(
        incident_id=incident_id,
        sequence=sequence,
        step_key=step_key,
        at=at,
        actor=actor,
        payload=payload,
        payload_hash=content_hash(payload),
        previous_hash=previous,
        hash="",
    )
    return unsealed.model_copy(update={"hash": envelope_hash(unsealed)})


def _row(entry: Event) -> dict[str, str | int]:
    return {
        "incident_id": entry.incident_id,
        "sequence": entry.sequence,
        "step_key": entry.step_key,
        "at": entry.at.isoformat(),
        "actor": entry.actor,
        "kind": entry.payload.kind,
        "payload": canonical_json(entry.payload.model_dump(mode="json")).decode(),
        "payload_hash": entry.payload_hash,
        "previous_hash": entry.previous_hash,
        "hash": entry.hash,
    }


def _read(row: RowMapping) -> Event:
    fields = {column.name: row[column] for column in _events.columns if column.name != "kind"}
    try:
        fields["payload"] = json.loads(row[_events.c.payload])
        return Event.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        why = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
        raise _unreadable(row, why, "a newer holdfast may have written it") from error
    except json.JSONDecodeError as error:
        raise _unreadable(row, f"no JSON: {error}", "keep the ledger as it is") from error


def _unreadable(row: RowMapping, why: str, hint: str) -> LedgerError:
    entry = f"entry {row[_events.c.sequence]} of {row[_events.c.incident_id]}"
    return LedgerError(f"{entry} cannot be read: {why}", hint=hint)
