"""Times in all units, identities, cleaning, and errors that name the field."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from holdfast.errors import NotFound, PayloadError
from holdfast.evidence.redact import MARK, Redactor
from holdfast.integrations.adapters import ADAPTERS
from holdfast.integrations.webhook import Delivery, NoteKind, Reading, Registry
from holdfast.integrations.webhook_clean import MOST_ANNOTATION, Cleaner
from holdfast.integrations.webhook_payload import fingerprint_of, read_time
from support.webhooks import alertmanager, alertmanager_alert, delivery

WHEN = datetime(2026, 11, 23, 12, 0, 1, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-23T12:00:01.5Z",
        "2026-11-23t12:00:01.500000999z",
        "2026-11-23 12:00:01.5+00:00",
        "2026-11-23T17:30:01.5+05:30",
        1795435201.5,
        1795435201500,
        1795435201500000,
        1795435201500000000,
        "1795435201500",
        "1795435201.5",
        1795435201500.0,
    ],
)
def test_a_time_is_read_in_every_unit(written: object) -> None:
    assert read_time(written) == WHEN


def test_epochs_of_all_units_agree_with_each_other() -> None:
    rng = random.Random(7)
    for _ in range(2_000):
        microseconds = rng.randrange(int(2e14), int(4e15))  # 1976 to 2096
        expected = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
        nanoseconds = microseconds * 1000 + rng.randrange(1000)
        assert read_time(microseconds) == read_time(nanoseconds) == expected
        assert read_time(microseconds // 1000) == expected - timedelta(
            microseconds=microseconds % 1000
        )
        assert read_time(microseconds // 10**6) == expected.replace(microsecond=0)
        assert read_time(expected.isoformat()) == expected


@pytest.mark.parametrize(
    "zero", [None, "", 0, 0.0, "0", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"]
)
def test_zero_times_are_no_times(zero: object) -> None:
    assert read_time(zero) is None


@pytest.mark.parametrize(
    "wrong",
    [True, -1, 5, 1e30, float("inf"), float("nan"), "soon", "2026-11-23", "2026-11-23T12:00:00",
     "2026-13-01T00:00:00Z", "2026-11-23T25:00:00Z", "2026-11-23T12:00:00+99:00", [], {},
     "9999-12-31T23:59:59-10:00", "9999-12-31T23:59:60Z", "1" * 40, "٣" * 10],
)  # fmt: skip
def test_what_is_no_time_is_an_error(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"time|number|hour"):
        read_time(wrong)


def test_a_leap_second_is_the_next_second() -> None:
    assert read_time("2016-12-31T23:59:60Z") == datetime(2017, 1, 1, tzinfo=UTC)


def test_fingerprints_are_those_of_prometheus() -> None:
    """The values of the tests of prometheus/common, `model/signature_test.go`."""
    assert fingerprint_of({}) == f"{14695981039346656037:016x}"
    labels = {"name": "garland, briggs", "fear": "love is not enough"}
    assert fingerprint_of(labels) == f"{5799056148416392346:016x}"
    assert fingerprint_of(dict(reversed(labels.items()))) == fingerprint_of(labels)


def _refused(body: object) -> PayloadError:
    with pytest.raises(PayloadError) as caught:
        ADAPTERS.get("alertmanager").parse(delivery(body), Reading())
    return caught.value


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (
            alertmanager(alertmanager_alert(), alertmanager_alert(startsAt=None)),
            "alerts[1].startsAt",
        ),
        (alertmanager(alertmanager_alert(status="pending")), "alerts[0].status"),
        (alertmanager(alertmanager_alert(labels={"a": ["b"]})), "alerts[0].labels.a"),
        (alertmanager(alertmanager_alert(endsAt="never")), "alerts[0].endsAt"),
        (alertmanager(truncatedAlerts=-1), "truncatedAlerts"),
        ({"version": "4"}, "alerts"),
        (["alerts"], ""),
        (b"", ""),
        (b"\xff\xfe", ""),
        (b"[" * 100_000, ""),
        (b'{"alerts": ' + b"9" * 5_000 + b"}", ""),
    ],
)
def test_an_error_names_the_field_in_the_senders_words(body: object, path: str) -> None:
    error = _refused(body)
    assert error.path == path
    assert (path or "the body") in str(error)


def test_an_error_quotes_no_value_and_no_wild_name() -> None:
    secret = "hunter2" * 3
    error = _refused(alertmanager(alertmanager_alert(startsAt=secret)))
    assert secret not in str(error)
    error = _refused(alertmanager(alertmanager_alert(labels={"\x1b[31m" + "n" * 9_999: []})))
    assert "\x1b" not in error.path
    assert len(error.path) < 100


def test_several_mistakes_are_counted() -> None:
    error = _refused(alertmanager(alertmanager_alert(status=1, startsAt="x", labels=3)))
    assert "and 2 more" in str(error)


def test_secrets_are_taken_out_of_labels_and_annotations() -> None:
    token = "ghp_" + "a" * 36
    alert = alertmanager_alert(
        labels={"alertname": "A", "dsn": "postgres://u:hunter22@db/x", "note": "configured-value"},
        annotations={"db_password": "correct horse battery", "summary": f"used {token} twice"},
        generatorURL="https://user:hunter22@prometheus/graph",
    )
    reading = Reading(redactor=Redactor(["configured-value"]))
    [found] = ADAPTERS.get("alertmanager").parse(delivery(alertmanager(alert)), reading).alerts
    text = found.model_dump_json()
    for secret in ("hunter22", token, "configured-value", "correct", "battery"):
        assert secret not in text
    assert found.annotations["db_password"] == MARK
    assert found.labels["alertname"] == "A"


def test_an_identity_that_holds_a_secret_stays_one_without_it() -> None:
    cleaner = Cleaner(Redactor())
    one, other = (f"ghp_{letter * 36}" for letter in "ab")
    assert cleaner.identity("c6eadffa33fcdf37") == "c6eadffa33fcdf37"
    assert cleaner.identity(one) != cleaner.identity(other)
    assert one not in cleaner.identity(one)
    assert cleaner.identity("x" * 300) != cleaner.identity("x" * 301)


def test_control_characters_and_excess_are_taken_out_with_a_note() -> None:
    cleaner = Cleaner(Redactor())
    assert cleaner.text("a\x00b\x1bc\n") == "a\ufffdb\ufffdc\n"
    assert not cleaner.notes
    assert len(cleaner.text("x" * 100_000, "alerts[0].annotations.d")) == MOST_ANNOTATION
    [note] = cleaner.notes
    assert (note.kind, note.path) == (NoteKind.SHORTENED, "alerts[0].annotations.d")


def test_a_secret_across_the_cut_is_not_left_in_half() -> None:
    cleaner = Cleaner(Redactor())
    text = "x" * (MOST_ANNOTATION - 20) + " ghp_" + "a" * 36
    assert "ghp_" not in cleaner.text(text)


def test_headers_have_no_case_and_are_joined_when_they_stand_twice() -> None:
    sent = Delivery.of(b"", [("X-A", "1"), ("x-a", "2")])
    assert sent.header("X-a") == "1, 2"
    assert sent.header("missing") == ""


def test_the_registry_knows_its_adapters_by_name() -> None:
    assert ADAPTERS.names == (
        *("alertmanager", "cdevents", "cloudevents"),
        *("github", "grafana", "pagerduty"),
    )
    with pytest.raises(NotFound, match="alertmanager"):
        ADAPTERS.get("nagios")
    with pytest.raises(ValueError, match="two adapters"):
        Registry([ADAPTERS.get("github")]).extended(ADAPTERS.get("github"))
