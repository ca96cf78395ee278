"""Numbers in a report: how they are written, what counts as one, how others are quoted."""

from __future__ import annotations

import pytest
from story import after, instant

from holdfast.errors import EvidenceError
from holdfast.learning.figures import PLACEHOLDER, FigureBook, placeholders
from holdfast.learning.formats import render
from holdfast.learning.numerals import bare_numerals, is_quantity, number_of
from holdfast.learning.quotes import Quoter, code, names_of, prepared, text_numbers
from holdfast.model.alert import Alert
from holdfast.model.base import canonical_json
from holdfast.model.case import Case
from holdfast.model.event import Opened
from holdfast.model.evidence import Evidence, EvidenceKind, Outcome, Sample, Vector
from holdfast.model.figure import Figure
from holdfast.model.incident import Severity

AT = 1763917512.7


@pytest.mark.parametrize(
    ("value", "style", "unit", "text"),
    [
        (0.412, "duration", "", "412 ms"),
        (0.00041, "duration", "", "0.41 ms"),
        (0.9999, "duration", "", "1 s"),
        (2.34, "duration", "", "2.3 s"),
        (161, "duration", "", "2 min 41 s"),
        (120, "duration", "", "2 min"),
        (3900, "duration", "", "1 h 5 min"),
        (3599.7, "duration", "", "1 h"),
        (266_400, "duration", "", "3 d 2 h"),
        (0.931, "percent", "", "93.1 %"),
        (0.95, "percent", "", "95 %"),
        (0.99949, "percent", "", "99.949 %"),
        (0.000123, "percent", "", "0.012 %"),
        (1.294, "percent", "", "129.4 %"),
        (1.0, "percent", "", "100 %"),
        (14.23, "multiple", "", "14.2\N{MULTIPLICATION SIGN}"),
        (12_043.21, "count", "requests", "12,043 requests"),
        (51.4, "number", "statements", "51.4 statements"),
        (AT, "clock", "", "17:05:12 UTC"),
        (AT, "date", "", "2025-11-23"),
        (AT, "datetime", "", "2025-11-23 17:05:12 UTC"),
        (1234.5, "money", "EUR", "1,234.50 EUR"),
        (None, "duration", "", "no data"),
        (float("inf"), "multiple", "", "∞"),
    ],
)
def test_a_value_is_written_as_people_write_it(
    value: float | None, style: str, unit: str, text: str
) -> None:
    assert render(value, style, unit) == text


def test_a_quotation_keeps_its_words_only_while_they_say_the_value() -> None:
    assert render(50.0, "as:50 ms") == "50 ms"
    assert render(51.0, "as:50 ms") == "51"


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(EvidenceError, match="no format"):
        render(1.0, "roman")


@pytest.mark.parametrize(
    "text",
    [
        "v2.3.4 of SEV1, p95, P95, N+1, HTTP/2, UTF-8, sha256",
        "at app/orders.py:42 in orders_v2",
        "version 2.3.4 on 127.0.0.1:9090",
        "`412 requests served` and ``a ` 7``",
        "[page](https://a.example/7?x=8) ![chart](charts/p95.svg) https://b.example/9",
        '<a id="ev-01k-7"></a> inc-01kazq3v7t-4f9k2m',
    ],
)
def test_identifiers_code_and_links_hold_no_numerals(text: str) -> None:
    assert bare_numerals(text) == []


@pytest.mark.parametrize(
    ("text", "numerals"),
    [
        ("it took 412 ms", ["412"]),
        ("it took 412ms, P95=2s", ["412ms", "2s"]),
        ("about 93.1 % of 1,234.5", ["93.1", "1,234.5"]),
        ("at 17:05:12 UTC on 2026-11-23", ["17:05:12", "2026-11-23"]),
        ("since 2026-11-23T17:05:12Z", ["2026-11-23T17:05:12Z"]),
        ("many 5xx, x² and ½", ["5xx", "²", "½"]),
        ("hidden in `412 ms` or `≤ 0.05`", ["412", "0.05"]),
        ("no link \\[x\\](412)", ["412"]),
        ("3scale", ["3scale"]),
    ],
)
def test_everything_else_that_begins_with_a_digit_is_a_numeral(
    text: str, numerals: list[str]
) -> None:
    assert [span.text for span in bare_numerals(text)] == numerals


def test_a_version_that_looks_like_a_number_is_a_name_where_the_ledger_says_so() -> None:
    assert bare_numerals("`7.5` is out", {"7.5"}) == []
    assert [s.text for s in bare_numerals("`7.5` is out")] == ["7.5"]
    assert is_quantity("7.5")
    assert not is_quantity("rate(x[5m])")


def test_a_quoted_numeral_says_its_number() -> None:
    assert number_of("1,234.5") == 1234.5
    assert number_of("412ms") == 412
    assert number_of("09:40 UTC") == 9 * 3600 + 40 * 60
    assert number_of("2026-03-14T09:30:00Z") == after(0).timestamp()


def test_the_same_derivation_and_format_are_one_figure() -> None:
    item = instant("up", AT, 3.0)
    book = FigureBook({item.id: item})
    first, second = (book.of("value", item, style="count") for _ in range(2))
    assert str(first) == str(second) == "{f:f1}"
    assert str(book.of("value", item, style="duration")) == "{f:f2}"
    assert [f.text for f in book.figures] == ["3", "3 s"]
    assert placeholders([f"{second} and {first}, {book.figures[1].text}"]) == ("f1",)


def test_a_figure_over_no_data_says_so_and_one_over_missing_evidence_is_refused() -> None:
    item = instant("up", AT, None)
    assert FigureBook({item.id: item}).of("value", item, style="count").figure.text == "no data"
    with pytest.raises(EvidenceError, match="missing"):
        FigureBook({}).of("value", item, style="count")


def _quoter(text: str, names: set[str]) -> tuple[FigureBook, Quoter]:
    item = Evidence.seal(
        kind=EvidenceKind.LEDGER,
        query="quotations",
        source="ledger",
        asked_at=after(0),
        outcome=Outcome.DATA,
        value=text_numbers([text], names, "entry"),
    )
    book = FigureBook({item.id: item})
    return book, Quoter(book, names, [item])


def test_numbers_in_a_persons_sentence_become_figures_as_written() -> None:
    said = "P95 went from 50 ms to 2 s on 7.5, since 09:40"
    book, quote = _quoter(said, {"7.5"})
    quoted = quote(said)
    assert bare_numerals(PLACEHOLDER.sub("", quoted), {"7.5"}) == []
    assert [f.text for f in book.figures] == ["09:40", "2 s", "50 ms"]
    assert "`7.5`" in quoted


def test_a_hostile_text_stays_a_text() -> None:
    said = "<script>alert(`x`)</script> **bold** [a](http://b) {f:f1} [^f1] | cell"
    _, quote = _quoter(said, set())
    quoted = quote(said)
    assert "{ f:f1}" in quoted
    assert PLACEHOLDER.findall(quoted) == []
    for escaped in (r"\<script\>", r"\*\*bold", r"\[a\]", r"\[^f1\]", r"\|"):
        assert escaped in quoted


def test_a_sentence_that_no_record_holds_cannot_be_quoted_with_its_numbers() -> None:
    _, quote = _quoter("all is well", set())
    assert quote("all is well") == "all is well"
    with pytest.raises(EvidenceError, match="no record says"):
        quote("412 users are angry")


def test_code_holds_any_name() -> None:
    assert code("a") == "`a`"
    assert code("a`b") == "`` a`b ``"
    assert prepared("labels\n  and  `orders`", set()) == "labels and `orders`"


def test_several_series_where_one_is_needed_are_an_error_not_a_guess() -> None:
    item = Evidence.seal(
        kind=EvidenceKind.METRIC,
        query="up",
        source="prometheus",
        asked_at=after(0),
        outcome=Outcome.DATA,
        value=Vector(
            samples=tuple(Sample(labels={"i": str(n)}, at=AT, value=1.0) for n in range(2))
        ),
    )
    with pytest.raises(EvidenceError, match="2 values"):
        FigureBook({item.id: item}).of("value", item, style="count")


def test_what_an_alerts_labels_say_is_a_number_not_a_name() -> None:
    alert = Alert(
        fingerprint="a1",
        source="alertmanager",
        status="firing",
        severity="page",
        starts_at=after(0),
        labels={"alertname": "SlowShop", "quantile": "0.95"},
    )
    opened = Opened(
        title="slow",
        service="shop",
        slo=None,
        severity=Severity.SEV2,
        severity_reason="an alert",
        alert=alert,
    )
    case = Case(
        incident_id="inc-1",
        opened_at=after(0),
        opened=opened,
        last_event_at=after(0),
        last_sequence=1,
    )
    assert "0.95" not in names_of(case)
    assert "SlowShop" in names_of(case)


def test_an_infinite_ratio_is_written_and_read_back() -> None:
    item = instant("ratio", AT, float("inf"))
    (figure,) = _figures_of(item)
    assert figure.text == "∞"
    assert Figure.model_validate_json(canonical_json(figure.model_dump(mode="json"))) == figure


def _figures_of(item: Evidence) -> tuple[Figure, ...]:
    book = FigureBook({item.id: item})
    book.of("value", item, style="multiple")
    return book.figures
