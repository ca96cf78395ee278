"""The seam of everything that others post to Holdfast: a delivery in, alerts and changes out.

An adapter is two functions: `verify` (who sent it, on the raw body) and `parse` (what it says).
Both are pure: the server listens, keeps and answers. What each error is for a server:

    SenderRefused   401   nothing in the body was read
    PayloadError    400   `path` names the field; keep the body (`webhook_inspect.py`)
    ConfigError     503   the receiver is set up wrongly: the sender may try again

What Holdfast does not read (an event of a kind it has no use for, an environment that is not
production) is no error: it is a note, and the answer is 2xx. Senders drop what is answered 4xx,
and some switch the webhook off after a few of them.

Retries, and the same alert from two replicas, are harmless: `delivery_id` tells deliveries apart
(`webhook_replay.py`), and source, fingerprint and start tell alerts apart (`webhook_merge.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from pydantic import Field

from holdfast.errors import NotFound
from holdfast.evidence.redact import Redactor
from holdfast.integrations.webhook_verify import Credentials, Verified
from holdfast.model.alert import Alert
from holdfast.model.base import Record, UtcTime, utc_now
from holdfast.model.change import Change


@dataclass(frozen=True)
class Delivery:
    """One request as it came. `headers` have lower-case names; `body` is the raw bytes.

    Neither shows in a repr: both may hold secrets.
    """

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    received_at: datetime
    instance: str = ""
    """Which of several senders of one kind, where there are several: part of alerts' source."""

    @classmethod
    def of(
        cls,
        body: bytes,
        headers: Iterable[tuple[str, str]],
        *,
        received_at: datetime | None = None,
        instance: str = "",
    ) -> Delivery:
        """Return the delivery. Headers that stand twice are joined, as RFC 9110, 5.2 has it."""
        joined: dict[str, str] = {}
        for name, written in headers:
            key, value = name.lower(), written.encode("utf-8", "replace").decode()
            joined[key] = f"{joined[key]}, {value}" if key in joined else value
        return cls(body, MappingProxyType(joined), received_at or utc_now(), instance)

    def header(self, name: str) -> str:
        """Return a header's value, empty where it is missing."""
        return self.headers.get(name.lower(), "").strip()

    def source(self, kind: str) -> str:
        """Return the source of what it tells: the kind of sender, and which of them."""
        return f"{kind}/{self.instance}" if self.instance else kind


class NoteKind(StrEnum):
    """What a delivery holds beside its alerts and changes, or does not hold."""

    TRUNCATED = "truncated"
    """The sender left alerts out: what is absent is not resolved."""
    IGNORED = "ignored"
    """An event of a kind, or of an environment, that Holdfast does not read."""
    INCOMPLETE = "incomplete"
    """An event without what an alert needs; nothing was made of it."""
    ESTIMATED = "estimated"
    """A field that Holdfast has set, because the sender's cannot be."""
    SHORTENED = "shortened"
    """A text that was too long to keep whole."""
    NOT_RECOVERED = "not_recovered"
    """Resolved by the sender for another reason than that the trouble is over."""
    VERSION = "version"
    """A version of the payload that this adapter was not written for; it was read all the same."""


class Note(Record):
    """Something to know about a delivery. `path` is the sender's field."""

    kind: NoteKind
    sentence: str
    path: str = ""


class Received(Record):
    """What a delivery says."""

    alerts: tuple[Alert, ...] = ()
    changes: tuple[Change, ...] = ()
    delivery_id: str = ""
    """Equal for all attempts of one delivery; empty where the sender gives no such thing.

    Never from a header that the sender's signature does not cover: who repeats a stolen request
    can write there what they like.
    """
    notes: tuple[Note, ...] = ()
    receiver: str = ""
    """The receiver or contact point at the sender by which it came here."""
    group_key: str = ""
    truncated_alerts: int = Field(default=0, ge=0)
    """How many alerts the sender has left out. Never take absence for resolution."""
    verified_by: str = ""
    """`signature`, `bearer`, `basic`, or `nobody`; several are joined by `+`."""
    signed_at: UtcTime | None = None
    """When it was sent, where the signature covers that."""
    said_at: UtcTime | None = None
    """When it became so, where the sender says that of all of it: shows what overtook what."""


@dataclass(frozen=True)
class Reading:
    """What parsers need to know of the receiver."""

    redactor: Redactor = field(default_factory=Redactor)
    environments: frozenset[str] = frozenset()
    """Changes that name another environment are left out, with a note. Empty: all are read."""

    def reads(self, environment: str | None) -> bool:
        """Whether changes of that environment are read; None = the sender names none."""
        return not self.environments or environment is None or environment in self.environments


@dataclass(frozen=True)
class Adapter:
    """How one kind of sender is read. See docs/adapters.md for how to write the next."""

    name: str
    verify: Callable[[Delivery, Credentials], Verified]
    """Raises SenderRefused; ConfigError where the credentials are none for this sender."""
    parse: Callable[[Delivery, Reading], Received]
    """Raises PayloadError and nothing else, whatever the bytes are."""


class Registry:
    """Adapters by name."""

    def __init__(self, adapters: Iterable[Adapter]) -> None:
        self._adapters: dict[str, Adapter] = {}
        for adapter in adapters:
            if adapter.name in self._adapters:
                raise ValueError(f"two adapters are called {adapter.name!r}")
            self._adapters[adapter.name] = adapter

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in order of the alphabet."""
        return tuple(sorted(self._adapters))

    def get(self, name: str) -> Adapter:
        """Return the adapter. Raises NotFound."""
        adapter = self._adapters.get(name)
        if adapter is None:
            raise NotFound(
                f"there is no adapter {name[:64]!r}", hint=f"there are {', '.join(self.names)}"
            )
        return adapter

    def extended(self, *adapters: Adapter) -> Registry:
        """Return a registry that has these too. Raises ValueError where a name is taken."""
        return Registry((*self._adapters.values(), *adapters))


def receive(
    adapter: Adapter, delivery: Delivery, credentials: Credentials, reading: Reading | None = None
) -> Received:
    """Verify, then parse. Raises SenderRefused, PayloadError or ConfigError, and nothing else."""
    verified = adapter.verify(delivery, credentials)
    received = adapter.parse(delivery, reading or Reading())
    return received.model_copy(update={"verified_by": verified.by, "signed_at": verified.signed_at})
