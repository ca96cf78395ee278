"""Costs that a diff adds: heavy work per item, quadratic loops, waits, changed limits."""

from __future__ import annotations

import pytest

from diagnosis.snippets import diff_of
from holdfast.diagnosis.code import read_diff


def found(old: str, new: str) -> set[str]:
    return {finding.shape for finding in read_diff(diff_of(old, new))}


BEFORE = "def a(xs, ys):\n    return xs\n"

CPU = {
    "a nested loop over all": "def a(xs, ys):\n  for x in xs:\n    for y in ys:\n      f(x, y)\n",
    "a comprehension in a loop": "def a(xs, ys):\n    return [[g(x, y) for y in ys] for x in xs]\n",
    "a sort for each item": "def a(xs, ys):\n    return [sorted(ys)[0] + x for x in xs]\n",
    "a hash for each item": "def a(xs, ys):\n    return [hashlib.sha256(x) for x in xs]\n",
    "a copy for each item": "def a(xs, ys):\n    for x in xs:\n        h(copy.deepcopy(x))\n",
    "a password hash": "def a(xs, ys):\n    return hashlib.pbkdf2_hmac('sha256', xs, ys, 9)\n",
    "a wait by computing": "def a(xs, ys):\n    while time.time() < xs:\n        pass\n",
    "a very long count": "def a(xs, ys):\n    return sum(i * i for i in range(2_000_000))\n",
}


@pytest.mark.parametrize("name", CPU)
def test_added_computing_is_found(name: str) -> None:
    assert found(BEFORE, CPU[name]) == {"cpu_in_loop"}
    assert found(CPU[name], BEFORE) == set()


FRUGAL = {
    "one loop": "def a(xs, ys):\n    return [x + 1 for x in xs]\n",
    "what belongs to each item": "def a(xs, ys):\n    return [p for x in xs for p in x.parts]\n",
    "a short table": "def a(xs, ys):\n  for x in xs:\n    for k in (1, 2):\n      f(x, k)\n",
    "one sort": "def a(xs, ys):\n    return sorted(xs)\n",
    "one encoding": "def a(xs, ys):\n    return json.dumps(xs)\n",
}


@pytest.mark.parametrize("name", FRUGAL)
def test_frugal_code_is_not_found(name: str) -> None:
    assert found(BEFORE, FRUGAL[name]) == set()


WAITS = {
    "a sleep": "def a(xs, ys):\n    time.sleep(0.2)\n    return xs\n",
    "an async sleep": "async def a(xs, ys):\n    await asyncio.sleep(delay)\n    return xs\n",
    "a lock around it all": "def a(xs, ys):\n    with _cache_lock:\n        return xs\n",
    "a new lock": "gate = threading.Lock()\ndef a(xs, ys):\n    return xs\n",
    "a retry": "@retry(stop=3)\ndef a(xs, ys):\n    return xs\n",
}


@pytest.mark.parametrize("name", WAITS)
def test_an_added_wait_is_found(name: str) -> None:
    assert found(BEFORE, WAITS[name]) == {"wait_added"}


def test_a_yield_to_the_loop_is_no_wait() -> None:
    assert (
        found(BEFORE, "async def a(xs, ys):\n    await asyncio.sleep(0)\n    return xs\n") == set()
    )


LIMITS = (
    ("e = create_engine(U, pool_size=20)", "e = create_engine(U, pool_size=2)"),
    ("c = Client(timeout=3.0)", "c = Client(timeout=30.0)"),
    ("MAX_POOL_SIZE = 10", "MAX_POOL_SIZE = 1"),
)


@pytest.mark.parametrize(("old", "new"), LIMITS)
def test_a_changed_limit_is_found(old: str, new: str) -> None:
    assert found(old, new) == {"pool_changed"}


def test_an_unchanged_limit_is_not_found() -> None:
    assert found("c = Client(timeout=3)\nx = 1", "c = Client(timeout=3)\nx = 2") == set()
