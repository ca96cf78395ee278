"""Log lines become templates, without settings, redacted, and compared per call."""

from __future__ import annotations

import random
import time

import pytest
from scipy import stats

from holdfast.diagnosis.templates import Template, compare, mine_templates
from holdfast.diagnosis.templates.masks import mask, shape
from holdfast.errors import InputError
from holdfast.evidence.redact import Redactor


def _texts(*messages: str) -> dict[str, int]:
    (window,) = mine_templates([[("", message) for message in messages]]).counts
    return {template.text: count for template, count in window.items()}


@pytest.mark.parametrize(
    ("message", "masked"),
    [
        ("took 12.5ms, retry 3 of 5", "took <*>, retry <*> of <*>"),
        ("from /10.250.14.224:50010", "from <*>"),
        ("listening on 0.0.0.0:8080", "listening on <*>"),
        ("block blk_-1608999687919862906 lost", "block <*> lost"),
        ("id 3f2a9c1e-0d4b-4c1e-9f00-aa12bb34cc56 seen", "id <*> seen"),
        ("GET http://shop/cart?id=a done", "GET <*> done"),
        ("mail to alice@example.com sent", "mail to <*> sent"),
        ("cannot open /var/lib/data", "cannot open <*>"),
        ("cannot open C:\\Users\\bob\\data.txt now", "cannot open <*> now"),
        ('user=alice tag="two words" ok', "user=<*> tag=<*> ok"),
        ("size 3.5 MB, free 12 GiB", "size <*>, free <*>"),
        ("at Mon Jun 20 09:01:22 2005", "at <*> <*> <*> <*>"),
        ("ids 1, 2, 3 gone", "ids <*> gone"),
        ("auxiliary processor........0", "auxiliary processor... <*>"),
        ("and/or nothing varies here", "and/or nothing varies here"),
        ("first line\n  at Foo.bar(Foo.java:3)", "first line"),
        ("  \n ", ""),
    ],
)
def test_what_looks_like_a_value_is_masked(message: str, masked: str) -> None:
    assert mask(message) == masked


def test_equal_shapes_have_equal_masks() -> None:
    chance = random.Random(3)
    pieces = ["a", "b.c", "/", "10", "7", "-", " ", "=", "x9", ":", '"', "@", ".", "B", "K"]
    by_shape: dict[str, str] = {}
    for _ in range(20_000):
        text = "".join(chance.choices(pieces, k=8))
        assert by_shape.setdefault(shape(text), mask(text)) == mask(text)


def test_names_are_a_variable_and_verbs_are_not() -> None:
    names = ["root", "alice", "bob"]
    found = _texts(
        *(f"session {verb} for user {name}" for verb in ("opened", "closed") for name in names)
    )
    assert found == {"session opened for user <*>": 3, "session closed for user <*>": 3}


def test_many_words_in_one_place_are_a_variable() -> None:
    animals = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu"]
    assert _texts(*(f"{one} went home" for one in animals)) == {"<*> went home": 7}


def test_order_of_lines_changes_nothing() -> None:
    chance = random.Random(1)
    lines = [f"{chance.choice('abcdefgh')} did {chance.choice('xyz')} {i}" for i in range(200)]
    expected = _texts(*lines)
    chance.shuffle(lines)
    assert _texts(*lines) == expected
    assert sum(expected.values()) == 200


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("login with password: swordfish failed", "swordfish"),
        ("header Authorization: Basic QWxhZGRpbjpvcGVu refused", "QWxhZGRpbjpvcGVu"),
        ("url is postgres-db://bob:swordfish@db and so on", "swordfish"),
        ("token=swordfishes was used", "swordfish"),
        ("uses ghp_abcdefghijklmnopqrstuvwxyzABCD to push", "ghp_abcdef"),
        ("the phrase is sesame open 9 today", "sesame open"),
        ("-----BEGIN RSA PRIVATE KEY-----MIIabc\nDEFghi", "MIIabc"),
    ],
)
def test_no_secret_is_in_a_template(line: str, secret: str) -> None:
    redactor = Redactor(["sesame open 9"])
    for times in (1, 3):
        mined = mine_templates([[("", line)] * times], redactor=redactor)
        (template,) = mined.templates
        assert secret not in template.text
        assert mined.counts[0][template] == times
    for other in (f"{line} again", f"x {line}"):
        mined = mine_templates([[("", line), ("", other)]], redactor=redactor)
        assert not any(secret in template.text for template in mined.templates)


def test_templates_are_counted_per_operation_and_window() -> None:
    mined = mine_templates(
        [
            [("pay", "charged 5"), ("pay", "charged 7"), ("ship", "charged 7"), ("pay", "")],
            [("pay", "charged 9")],
            [],
        ]
    )
    assert mined.templates == [Template("pay", "charged <*>"), Template("ship", "charged <*>")]
    pay, ship = mined.templates
    assert mined.counts == ({pay: 2, ship: 1}, {pay: 1}, {})


def _repeated(**lines: int) -> list[tuple[str, str]]:
    return [("pay", name) for name, count in lines.items() for _ in range(count)]


def test_changes_are_told_per_call_of_the_operation() -> None:
    before = _repeated(steady=1000, gone=200, rising=100)
    after = _repeated(steady=4000, fresh=300, rising=2000)
    found = compare(mine_templates([before, after]), {"pay": 1000}, {"pay": 4000})
    assert {(c.template.text, c.kind) for c in found} == {
        ("gone", "vanished"),
        ("fresh", "new"),
        ("rising", "more"),
    }
    (rising,) = [c for c in found if c.kind == "more"]
    assert (rising.rate_before, rising.rate_after) == (0.1, 0.5)


def test_the_p_value_is_the_binomial_tail_given_the_calls() -> None:
    mined = mine_templates([_repeated(odd=20), _repeated(odd=100)])
    (change,) = compare(mined, {"pay": 300}, {"pay": 600}, least_ratio=1.0, significance=1.0)
    assert change.p_value == pytest.approx(2 * stats.binom.sf(99, 120, 2 / 3), rel=1e-9)
    assert not compare(mined, {"pay": 300}, {"pay": 600}, least_ratio=3.0, significance=1.0)


def test_what_could_not_have_been_logged_has_not_vanished() -> None:
    mined = mine_templates([_repeated(hello=500), []])
    assert compare(mined, {"pay": 500}, {"pay": 0}) == []
    assert compare(mined, {"pay": 500}, {}) == []
    (change,) = compare(mined, {"pay": 500}, {"pay": 500})
    assert change.kind == "vanished"


def test_a_rare_template_that_is_missing_by_chance_is_no_finding() -> None:
    mined = mine_templates([_repeated(rare=3, usual=10_000), _repeated(usual=10_000)])
    assert compare(mined, {"pay": 10_000}, {"pay": 10_000}) == []


def test_equal_windows_hold_no_change() -> None:
    findings = 0
    for seed in range(40):
        chance = random.Random(seed)
        windows = [
            [("pay", f"step {chance.choice('abcdefgh')} done") for _ in range(500)]
            for _ in range(2)
        ]
        findings += len(compare(mine_templates(windows), {"pay": 500}, {"pay": 500}))
    assert findings == 0


def test_only_two_windows_can_be_compared() -> None:
    with pytest.raises(InputError, match="3 windows cannot be compared"):
        compare(mine_templates([[], [], []]), {}, {})


@pytest.mark.parametrize(
    "line",
    ["/" * 1500, "a.-" * 600, "a@" * 900, "abcdefgh" * 240, "=" * 1900, "<*>" * 600, '="' * 900],
)
def test_no_line_takes_long(line: str) -> None:
    started = time.perf_counter()
    mine_templates([[("", f"{line} {number}") for number in range(20)]])
    mask(line)
    assert time.perf_counter() - started < 0.5


def test_free_text_makes_a_bounded_number_of_templates() -> None:
    chance = random.Random(5)
    letters = "abcdefghijklmnopqrstuvwxyz"
    lines = [
        "event " + " ".join("".join(chance.choices(letters, k=6)) for _ in range(5))
        for _ in range(2000)
    ]
    assert len(_texts(*lines)) <= 100
