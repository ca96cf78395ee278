"""Random expressions over random series, answered as `promtool test rules` (2.x) answers them.

`HOLDFAST_FUZZ_ROUNDS` sets how many files of expressions are tried, `HOLDFAST_FUZZ_SEED` where the
randomness starts; the suite runs a bounded part.
"""

from __future__ import annotations

import math
import os
import random
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from expressions import Grammar

from holdfast.errors import PromQLError
from holdfast.promql.conformance.corpus import Labels, cells
from holdfast.promql.conformance.loaded import LoadedSamples
from holdfast.promql.engine import Engine

PROMTOOL = shutil.which("promtool")
ROUNDS = int(os.environ.get("HOLDFAST_FUZZ_ROUNDS", "12"))
SEED = int(os.environ.get("HOLDFAST_FUZZ_SEED", "1"))
INTERVAL_SECONDS = 15
SAMPLES = 60
EXPRESSIONS = 60

Answer = dict[frozenset[tuple[str, str]], float]

_CASE = re.compile(
    r'^    expr: ".*?", time: (\S+?),(?: err: ([^\n]*)|\s*\n\s*exp: .*?\n\s*got: (.*?))'
    r'(?=\n    expr: "|\Z)',
    re.S | re.M,
)
_SAMPLE = re.compile(r"(\{[^}]*\}) ([^\s,]+)")
_UNANSWERABLE = ("multiple matches for labels: many-to-one",)
"""2.42 checks this after it has filtered by comparison; 3.x, and so we, before."""


def _sequence(chance: random.Random) -> str:
    """Write a counter with resets, a gauge, or a constant, with gaps and staleness markers."""
    kind = chance.choice(["counter", "counter", "gauge", "flat"])
    value, out = float(chance.randint(0, 50)), []
    for _ in range(SAMPLES):
        if kind == "counter":
            reset = chance.random() < 0.06
            value = float(chance.randint(0, 5)) if reset else value + chance.randint(0, 20)
        elif kind == "gauge":
            value = round(chance.uniform(-100, 100), chance.randint(0, 6))
        roll = chance.random()
        out.append("_" if roll < 0.1 else "stale" if roll < 0.13 else repr(value))
    return " ".join(out)


def _series(chance: random.Random) -> list[tuple[Labels, str]]:
    names = [("a_total", 6), ("b_total", 6), ("g", 4), ("h_bucket", 0)]
    found = [
        ({"__name__": name, "job": f"j{n % 3}", "inst": f"i{n}"}, _sequence(chance))
        for name, count in names
        for n in range(count)
    ]
    for n in range(2):
        counts = [sorted(chance.randint(0, 30) for _ in range(4)) for _ in range(SAMPLES)]
        for place, bound in enumerate(["0.1", "0.5", "1", "+Inf"]):
            labels = {"__name__": "h_bucket", "inst": f"i{n}", "le": bound}
            found.append((labels, " ".join(_with_gaps(chance, (row[place] for row in counts)))))
    return found


def _with_gaps(chance: random.Random, values: Iterable[int]) -> Iterator[str]:
    for value in values:
        yield chance.choices(["_", "stale", str(value)], [4, 1, 95])[0]


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _unaligned(expr: str, at_ms: int) -> int:
    """Keep the time of a pinned subquery off its steps.

    2.42 shifts an `@` inside of a pinned subquery where it is asked at the subquery's first step:
    it corrects the offset only where the two times differ (engine.go, `SubqueryExpr`).
    """
    pinned_inside = ":" in expr and expr.count("@") > 1
    return at_ms + 1 if pinned_inside and at_ms % 1000 == 0 else at_ms


def _rule_test(series: list[tuple[Labels, str]], asked: list[tuple[str, int]]) -> str:
    lines = ["evaluation_interval: 15s", "tests:", f"- interval: {INTERVAL_SECONDS}s"]
    lines.append("  input_series:")
    for labels, values in series:
        inside = ",".join(f'{k}="{v}"' for k, v in labels.items() if k != "__name__")
        lines.append(f"  - series: {_quote(labels['__name__'] + '{' + inside + '}')}")
        lines.append(f"    values: {_quote(values)}")
    lines.append("  promql_expr_test:")
    for expr, at_ms in asked:
        lines.append(f"  - expr: {_quote(expr)}")
        lines.append(f"    eval_time: {at_ms}ms")
        lines.append("    exp_samples: [{labels: '{never=\"this\"}', value: 1}]")
    return "\n".join(lines) + "\n"


def _ask_promtool(path: Path, text: str, count: int) -> list[Answer | str]:
    """Return for each expression promtool's answer, or its error."""
    assert PROMTOOL is not None
    path.write_text(text)
    done = subprocess.run(
        [PROMTOOL, "test", "rules", str(path)], capture_output=True, text=True, timeout=60
    )
    report = done.stderr.split("FAILED:\n", 1)[-1].rstrip()
    found = [_case(match) for match in _CASE.finditer(report)]
    assert len(found) == count, report[-2000:]
    return found


def _case(match: re.Match[str]) -> Answer | str:
    if match[2] is not None:
        return match[2]
    if match[3].strip() == "nil":
        return {}
    return {_labels(labels): float(value) for labels, value in _SAMPLE.findall(match[3])}


def _labels(text: str) -> frozenset[tuple[str, str]]:
    return frozenset(re.findall(r'(\w+)="([^"]*)"', text))


def _ours(engine: Engine, expr: str, at_ms: int) -> Answer | PromQLError:
    try:
        answer = engine.instant(expr, at_ms / 1000)
    except PromQLError as error:
        return error
    return {frozenset(one.labels.items()): one.value for one in answer.samples}


def _ours_as_step(engine: Engine, expr: str, at_ms: int) -> Answer | PromQLError:
    at = at_ms / 1000
    try:
        answer = engine.range(expr, at - 90, at + 60, 15)
    except PromQLError as error:
        return error
    points = {frozenset(one.labels.items()): dict(one.points) for one in answer.series}
    return {labels: values[at] for labels, values in points.items() if at in values}


def _agree(theirs: Answer, ours: Answer) -> bool:
    if theirs.keys() != ours.keys():
        return False
    return all(_close(theirs[labels], ours[labels]) for labels in theirs)


def _close(theirs: float, ours: float) -> bool:
    if math.isnan(theirs) or math.isnan(ours):
        return math.isnan(theirs) and math.isnan(ours)
    return math.isclose(theirs, ours, rel_tol=1e-9, abs_tol=1e-9)


def _difference(theirs: Answer | str, ours: Answer | PromQLError) -> str:
    if isinstance(theirs, str):
        return "" if isinstance(ours, PromQLError) else f"promtool: error {theirs}; ours: {ours}"
    if isinstance(ours, PromQLError):
        known = any(text in ours.message for text in _UNANSWERABLE)
        return "" if known else f"promtool: {theirs}; ours: error {ours}"
    return "" if _agree(theirs, ours) else f"promtool: {theirs}\n  ours: {ours}"


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_random_expressions_are_answered_as_promtool_answers_them(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if seed % 2:  # search and compute each series by itself, as is done for long ones
        monkeypatch.setattr("holdfast.promql.selectors._LONG", 0)
        monkeypatch.setattr("holdfast.promql.counters._CELLS_AT_ONCE", 4)
    chance = random.Random(seed)
    series = _series(chance)
    store = LoadedSamples()
    for labels, values in series:
        store.add(labels, INTERVAL_SECONDS, cells(values))
    grammar = Grammar(chance)
    span_ms = SAMPLES * INTERVAL_SECONDS * 1000
    asked = [
        (grammar.expression(), chance.choice([15_000, 1, 333]) * chance.randint(0, 70) % span_ms)
        for _ in range(EXPRESSIONS)
    ]
    asked = [(expr, _unaligned(expr, at + chance.choice([0, 300_000]))) for expr, at in asked]
    asked.append(("vector(0)", span_ms))  # promtool loads no sample later than the last question
    theirs = _ask_promtool(tmp_path / "rules.yml", _rule_test(series, asked), len(asked))
    engine = Engine(store, windows="closed", keep_nan=True)
    wrong: list[str] = []
    for (expr, at_ms), answer in zip(asked, theirs, strict=True):
        for ask in (_ours, _ours_as_step):
            if ask is _ours_as_step and isinstance(answer, str):
                continue
            ours = ask(engine, expr, at_ms)
            if ask is _ours_as_step and isinstance(ours, PromQLError):
                continue  # another step of the range may be ambiguous
            if found := _difference(answer, ours):
                wrong.append(f"{ask.__name__} at {at_ms} ms: {expr}\n  {found}")
    assert not wrong, "\n".join(wrong)
