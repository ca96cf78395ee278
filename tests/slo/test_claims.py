"""Statements about budgets and burn rates: right, wrong and why, or not understood."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.model.claim import CheckedClaim
from holdfast.slo.claims.arithmetic import Given
from holdfast.slo.claims.check import EXAMPLES, check_statement


def test_five_percent_in_an_hour_is_36x_and_it_says_why() -> None:
    found = check_statement("5 % of the monthly budget in 1 h is a 6x burn")
    assert (found.verdict, found.claimed, found.actual) == ("wrong", "6x", "36x")
    assert found.arithmetic == (
        "burn rate = budget fraction x period / window = 0.05 x 720 h / 1 h = 36"
    )
    assert found.assumptions == ("a month = 30 d",)
    assert found.notes == ("6x is 5 % in 6 h, or 0.8333 % in 1 h",)


@pytest.mark.parametrize(
    ("statement", "verdict", "actual"),
    [
        ("5% in 1h → 0.006 (6\N{MULTIPLICATION SIGN})", "wrong", "36x, 0.036"),
        ("10% in 6h → 0.003 (3\N{MULTIPLICATION SIGN})", "wrong", "12x, 0.012"),
        ("0.1% of 30 d = 43.2 min", "right", "43.2 min"),
        ("10 min outage = 0.23% of monthly budget", "wrong", "23.15 %"),
        ("99.5→99.9 cuts downtime 75%", "wrong", "80 %"),
        ("2% of the monthly budget in 1h is a 14.4x burn", "right", "14.4x"),
        ("a burn rate of 14.4 for 1 h spends 2 % of the 30d error budget", "right", "14.4x"),
        ("a 6x burn is 5 % of the monthly budget in 6 hours", "right", "6x"),
        ("5% of the weekly budget in 1h is a 8.4x burn", "right", "8.4x"),
        ("10 % of the 28 d budget in 3 days is a burn rate of 0.933", "right", "0.9333x"),
        ("10 % of the 28 d budget in 3 days is a 1x burn", "right", "0.9333x"),
        ("6x on 99.9 % is an error ratio of 0.6 %", "right", "0.6 %"),
        ("14.4x at 99.5% is a threshold of 0.0144", "wrong", "0.072"),
        ("99.9 % allows 43 min of downtime per month", "right", "43.2 min"),
        ("99.9 % allows 43.8 min of downtime per month", "right", "43.8 min"),
        ("99.9 % allows 44 min of downtime per 30 d", "wrong", "43.2 min"),
        ("99.99% allows 52.6 minutes of downtime a year", "right", "52.56 min"),
        ("99.9% availability allows 8 h 45 min downtime a year", "right", "8.76 h"),
        ("a 99% SLO over 28 d allows 6.72 h of downtime", "right", "6.72 h"),
        ("43.2 min downtime per month is 99.9%", "right", "43.2 min"),
        ("on a 99.9% SLO, a 10 min outage spends 23% of the monthly budget", "right", "23.15 %"),
        ("a 14.4x burn exhausts the 30 d budget in 50 h", "right", "2.083 d"),
        ("a 14.4x burn exhausts the monthly budget in 3 days", "wrong", "2.083 d"),
        (
            "A burn rate of 14.4 consumes 2% of the monthly error budget in one hour",
            "right",
            "14.4x",
        ),
        ("Burning 2% of the budget in 1 hour corresponds to a burn rate of 14.4", "right", "14.4x"),
        ("If 5% of the monthly budget is spent in 1 h, the burn rate is 6x", "wrong", "36x"),
        ("5% of monthly budget in 1 hour (6x burn rate)", "wrong", "36x"),
        ("10% in 6 hours: 3x", "wrong", "12x"),
        ("10 % of the budget in 3 d is 1x, a threshold of 0.001", "right", "1x, 0.001"),
        ("99.99% = 4.32 min/month", "right", "4.32 min"),
        ("an SLO of 99.9% allows 43.2 minutes of downtime per 30 days", "right", "43.2 min"),
        ("three nines is 43 minutes a month", "right", "43.2 min"),
        ("A 99.9% SLO over 30 days has an error budget of 43.2 minutes", "right", "43.2 min"),
        ("the error budget of a 99.9% SLO is 1%", "wrong", "0.1 %"),
        ("an outage of 10 min spends 23 % of the monthly budget", "right", "23.15 %"),
        ("at a burn rate of 6 the monthly budget lasts 5 days", "right", "5 d"),
        ("the threshold for a 14.4x burn at 99.9% is 1.44%", "right", "1.44 %"),
        ("moving from 99.5% to 99.9% reduces downtime by 75%", "wrong", "80 %"),
        ("going from 99% to 99.9% reduces downtime 10x", "right", "10x"),
        ("2 % of the 30 d budget in 1 h is about 14x", "right", "14.4x"),
        ("2 % of the 30 d budget in 1 h is about 12x", "wrong", "14.4x"),
    ],
)
def test_statements_as_people_write_them(statement: str, verdict: str, actual: str) -> None:
    found = check_statement(statement)
    assert (found.verdict, found.actual) == (verdict, actual), found


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_that_it_offers_are_right(example: str) -> None:
    assert check_statement(example).verdict == "right"


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("the moon is made of cheese", "'moon', 'made', 'cheese'"),
        ("5 % of the monthly budget in 1 h is not a 6x burn", "'not'"),
        ("5 % of the monthly budget in 1 h is a 6x burn, unless it rains", "'unless'"),
        ("5 % of the monthly budget in 1 h is less than a 6x burn", "'less', 'than'"),
        ("5 % of the monthly budget in 1 h is at least a 6x burn", "'least'"),
        ("half of the monthly budget in 1 h is a 360x burn", "'half'"),
        ("5-10 % of the budget in 1 h is a 6x burn", "'-10'"),
        ("6x", "no form"),
        ("", "no form"),
        ("5 % of the monthly budget in 90 d is a 6x burn", "longer than the period"),
        ("5 % of the monthly budget in 0 h is a 6x burn", "makes no sense"),
        ("a 100 % SLO allows 0 min of downtime a month", "100 % is no objective"),
        ("p99 is 300 ms", "'p'"),
    ],
)
def test_what_it_does_not_understand_it_does_not_guess(statement: str, why: str) -> None:
    found = check_statement(statement)
    assert found.verdict == "not_understood"
    assert why in found.notes[0]


def test_what_is_not_said_is_assumed_aloud_or_given() -> None:
    statement = "a 10 min outage = 4.63 % of the budget"
    assumed = check_statement(statement)
    assert assumed.verdict == "wrong"
    assert assumed.assumptions == ("period 30 d (not said)", "objective 99.9 % (not said)")
    assert assumed.notes == ("it would be right for an objective of 99.5 %",)
    given = check_statement(statement, Given(objective=0.995, period_seconds=30 * 86_400))
    assert (given.verdict, given.assumptions) == ("right", ())


def test_a_statement_that_is_right_in_a_month_of_28_days_says_which() -> None:
    found = check_statement("2 % of the monthly budget in 1 h is a 13.44x burn")
    assert (found.verdict, found.assumptions) == ("right", ("a month = 28 d",))


@pytest.mark.parametrize("seed", range(60))
def test_random_burn_statements_agree_with_the_formula(seed: int) -> None:
    generator = np.random.default_rng(seed)
    fraction, days = int(generator.integers(1, 50)), int(generator.integers(7, 90))
    hours, factor = int(generator.integers(1, 72)), float(generator.uniform(0.3, 3))
    truth = fraction / 100 * days * 24 / hours
    said = f"{truth * (factor if seed % 2 else 1):.2f}"
    found = check_statement(f"{fraction} % of the {days} d budget in {hours} h is a {said}x burn")
    assert (found.verdict == "right") is (abs(float(said) - truth) <= 0.005 * (1 + 1e-9))


# ---- expressions -------------------------------------------------------------------------------


def quantile(expression: str) -> CheckedClaim:
    found = check_statement(expression)
    assert found.verdict == "wrong"
    assert "an SLI is good events over all events" in found.arithmetic
    return found


def test_a_quantile_of_a_plain_histogram_name_is_wrong_three_times() -> None:
    found = quantile("`histogram_quantile(0.95, http_request_duration_seconds)`")
    assert len(found.notes) == 2
    assert "without rate" in found.notes[0]
    assert "needs the _bucket series" in found.notes[1]
    assert found.actual == (
        'sum(rate(http_request_duration_seconds_bucket{le="BOUND"}[5m])) / '
        "sum(rate(http_request_duration_seconds_count[5m]))"
    )


@pytest.mark.parametrize(
    ("expression", "faults"),
    [
        ("histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m])))", []),
        ("histogram_quantile(0.95, rate(x_bucket[5m]))", []),
        ("histogram_quantile(0.95, sum without (pod) (rate(x_bucket[5m])))", []),
        ("histogram_quantile(0.95, sum(rate(x_bucket[5m])))", ["le is summed away"]),
        ("histogram_quantile(0.95, sum by (pod) (rate(x_bucket[5m])))", ["le is summed away"]),
        ("histogram_quantile(95, sum by (le) (rate(x_bucket[5m])))", ["between 0 and 1"]),
        ("histogram_quantile(0.95, sum by (le) (x_bucket))", ["without rate"]),
    ],
)
def test_what_else_is_wrong_with_a_quantile(expression: str, faults: list[str]) -> None:
    found = quantile(expression)
    assert len(found.notes) == len(faults)
    assert all(fault in note for fault, note in zip(faults, found.notes, strict=True))


@pytest.mark.parametrize("expression", ["sum(rate(x_total[5m]))", "sum(rate(x_total[5m])"])
def test_other_expressions_are_not_understood(expression: str) -> None:
    assert check_statement(expression).verdict == "not_understood"


def test_no_text_makes_it_fail() -> None:
    words = [
        *" ".join(EXAMPLES).split(),
        *["0%", "0x", "0h", "1e-3", "100%", "(", ")", "[5m]", "rate(", ":", "/", "-", "☃"],
    ]
    generator = np.random.default_rng(3)
    for _ in range(3000):
        text = " ".join(generator.choice(words, size=int(generator.integers(1, 14))))
        assert check_statement(text).verdict in ("right", "wrong", "not_understood")
