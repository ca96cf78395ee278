"""Secrets are taken out before anything becomes evidence; ordinary text stays as it is."""

from __future__ import annotations

import ast
import time

import pytest

from holdfast.evidence.redact import MARK, Redactor

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("key AKIAIOSFODNN7EXAMPLE was used", "AKIAIOSFODNN7EXAMPLE"),
        ("pushed with ghp_0123456789abcdefghijklmnopqrstuvwxyz01", "ghp_0123456789"),
        ("glpat-ABCDEFGHIJKLMNOPQRST in the job", "glpat-ABCDEF"),
        ("posted by xoxb-123456789012-abcdefghij", "xoxb-123456789012"),
        ("https://hooks.slack.com/services/T000/B000/XXXXYYYY failed", "XXXXYYYY"),
        ("map key AIzaSyA1234567890abcdefghijklmnopqrstuv", "AIzaSyA12345"),
        ("charged with sk_live_0123456789abcdef", "sk_live_0123"),
        (f"session {JWT} ended", JWT[:30]),
        ('curl -H "Authorization: Bearer abcdefgh12345678"', "abcdefgh12345678"),
        ("authorization=Basic dXNlcjpodW50ZXIy", "dXNlcjpodW50ZXIy"),
        ("connect postgres://shop:hunter2@db:5432/shop", "hunter2"),
        ("login with password=hunter2 failed", "hunter2"),
        ('{"db.password": "hun ter2", "a": 1}', "hun ter2"),
        ("+API_KEY = 'correct-horse'", "correct-horse"),
        ("aws_secret_access_key: wJalrXUtnFEMI/K7MDENG", "wJalrXUtnFEMI"),
        ("DB_PASSWORD=p@ss;word", "p@ss"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nabc\n-----END RSA PRIVATE KEY-----",
            "MIIEpAIBAAKCAQEA",
        ),
        ("-----BEGIN PRIVATE KEY-----\nMIIEcutoff", "MIIEcutoff"),
    ],
)
def test_a_secret_of_a_known_shape_is_taken_out(line: str, secret: str) -> None:
    cleaned = Redactor().text(line)
    assert secret not in cleaned
    assert MARK in cleaned


@pytest.mark.parametrize(
    "line",
    [
        "GET /customers/42 took 0.213 s, trace 4bf92f3577b34da6a3ce929d0e0e4736",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8 fixes #12",
        "SELECT customers.id FROM customers WHERE customers.id = ?",
        "tokens=512 max_tokens: 100 in 3 passwords_checked",
        "def login(user: str, password: str, token: str | None = None) -> bool:",
        "token = get_token(request)",
        "    password = os.environ['DB_PASSWORD']",
        "see https://example.org/a:b/c and http://localhost:9090/graph",
    ],
)
def test_ordinary_lines_stay_as_they_are(line: str) -> None:
    assert Redactor().text(line) == line


def test_configured_values_are_taken_out_wherever_they_stand() -> None:
    redactor = Redactor(["tr0ub4dor", "tr0ub4dor&3", "abc"])
    assert redactor.text("x tr0ub4dor&3 y tr0ub4dor abc") == f"x {MARK} y {MARK} abc"


def test_code_can_still_be_parsed_after_redaction() -> None:
    code = "password = 'hunter2'\nconnect(api_key=KEY, token='t0ps3cret', secret=settings.secret)\n"
    cleaned = Redactor().text(code)
    assert "hunter2" not in cleaned
    assert "t0ps3cret" not in cleaned
    ast.parse(cleaned)


def test_it_is_fast_enough_for_logs_and_never_runs_away() -> None:
    lines = "\n".join(f"2026-01-01 GET /orders/{n} user=u{n} took 0.{n} s" for n in range(20_000))
    hostile = "password" * 5_000 + "a:" * 20_000 + "eyJ" * 10_000
    began = time.perf_counter()
    Redactor().text(lines)
    seconds = time.perf_counter() - began
    Redactor().text(hostile)
    print(f"{20_000 / seconds:.0f} lines a second")
    assert time.perf_counter() - began < 5
