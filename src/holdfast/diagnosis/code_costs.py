"""Costs that a diff adds: quadratic loops, heavy work per item, sleeps, locks, changed limits."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from holdfast.diagnosis.code_queries import Found
from holdfast.diagnosis.code_walk import Loop, Place, called_name, chain, names_in, words

_HEAVY = words(
    "deepcopy pbkdf2_hmac scrypt bcrypt hashpw kdf sha256 sha512 sha1 md5 blake2b compress "
    "decompress compile parse_xml fromstring"
)
_HEAVY_MODULES = words("hashlib bcrypt copy re json pickle zlib gzip lzma")
_JSON = frozenset(("dumps", "loads"))
_ALWAYS_HEAVY = words("pbkdf2_hmac scrypt hashpw gensalt")
_SCANS = words("sorted index count")
_MANY = 10_000

_LOCK = re.compile(r"(^|_)(lock|mutex|semaphore|sem|barrier)$", re.IGNORECASE)
_LOCK_TYPES = words("Lock RLock Semaphore BoundedSemaphore Barrier")
_RETRYING = re.compile(r"^(retry|retrying|backoff|on_exception)$")

_LIMITS = re.compile(
    r"(pool_(size|timeout|recycle|maxsize|pre_ping)|max_overflow|max_connections|maxconn|max_size|"
    r"min_size|maxsize|pool_limit|connection_limit|limit_per_host|(\w+_)?timeout(_\w+)?|max_workers)$",
    re.IGNORECASE,
)


def cpu_in_loops(places: Sequence[Place]) -> Iterator[Found]:
    """Yield work that grows faster than the data, or is heavy and done for each item."""
    for place in places:
        node = place.node
        if isinstance(node, ast.Call):
            yield from _heavy_call(place, node)
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            yield from _quadratic(place, node.iter)
        elif isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            yield from _quadratic(place, node.generators[0].iter)
        elif isinstance(node, ast.While) and _is_busy(node):
            yield Found(place, ast.unparse(node.test), "a loop waits by computing")


def added_waits(places: Sequence[Place]) -> Iterator[Found]:
    """Yield sleeps, locks and retries."""
    for place in places:
        node = place.node
        if isinstance(node, ast.Call):
            yield from _waiting_call(place, node)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                names = chain(item.context_expr)
                if names and _LOCK.search(names[-1]):
                    text = ast.unparse(item.context_expr)
                    yield Found(place, f"with {text}", f"requests wait for {text} in turn")


def changed_limits(places: Sequence[Place]) -> Iterator[Found]:
    """Yield settings of pools and timeouts; those that both sides have alike drop out later."""
    for place in places:
        node = place.node
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg and _LIMITS.search(keyword.arg):
                    yield _limit(place, keyword.arg, keyword.value)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Constant):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                names = chain(target)
                if names and _LIMITS.search(names[-1]):
                    yield _limit(place, names[-1], node.value)


def _limit(place: Place, name: str, value: ast.expr) -> Found:
    return Found(place, f"{name}={ast.unparse(value)}", f"the limit {name} is set anew")


def _heavy_call(place: Place, call: ast.Call) -> Iterator[Found]:
    name, names = called_name(call), chain(call.func)
    known = name in _HEAVY and (len(names) < 2 or names[0] in _HEAVY_MODULES)
    encoding = name in _JSON and names[0] in _HEAVY_MODULES if names else False
    scanning = name in _SCANS and bool(place.loops) and _is_invariant(call, place)
    if name in _ALWAYS_HEAVY or (place.loops and (known or encoding)):
        yield Found(place, ast.unparse(call), f"{name} is costly, and done for each item")
    elif scanning:
        yield Found(place, ast.unparse(call), f"{name} goes over the same data for each item")
    elif name == "range" and _is_many(call):
        yield Found(place, ast.unparse(call), "a loop runs a great many times")


def _quadratic(place: Place, source: ast.expr) -> Iterator[Found]:
    """An inner loop over data that does not depend on the outer loop's item."""
    around = [loop for loop in place.loops if loop.source is not None]
    if not around or _is_short(source) or names_in(source) & _derived(around):
        return
    if any(_is_short(loop.source) for loop in around if loop.source is not None):
        return
    yield Found(
        place, ast.unparse(source), "all of it is gone over again for each item of the outer loop"
    )


def _derived(loops: Sequence[Loop]) -> frozenset[str]:
    return frozenset(name for loop in loops for name in loop.variables)


def _is_short(source: ast.expr) -> bool:
    if isinstance(source, (ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Constant)):
        return True
    if isinstance(source, ast.Call) and called_name(source) == "range":
        return all(isinstance(a, ast.Constant) for a in source.args) and not _is_many(source)
    names = chain(source)
    return bool(names) and names[-1].isupper()  # a constant table


def _is_invariant(call: ast.Call, place: Place) -> bool:
    """Whether what is scanned is the same for every item: no variable of a loop, no local call."""
    method = call.func.value if isinstance(call.func, ast.Attribute) else None
    scanned = method or next(iter(call.args), None)
    if scanned is None or isinstance(scanned, ast.Constant):
        return False
    return not names_in(scanned) & place.loop_variables and bool(names_in(scanned))


def _is_many(call: ast.Call) -> bool:
    numbers = [
        a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, int)
    ]
    return any(number >= _MANY for number in numbers)


def _is_busy(node: ast.While) -> bool:
    """Whether the body only passes while the clock, or a flag, is watched."""
    idle = all(isinstance(s, (ast.Pass, ast.Continue)) for s in node.body)
    return idle and not any(isinstance(n, (ast.Await, ast.Yield)) for n in ast.walk(node))


def _waiting_call(place: Place, call: ast.Call) -> Iterator[Found]:
    name, names = called_name(call), chain(call.func)
    zero = bool(call.args) and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0
    if name == "sleep" and not zero:
        yield Found(place, ast.unparse(call), "a sleep is added")
    elif name in _LOCK_TYPES and names[0] in ("threading", "asyncio", "multiprocessing", name):
        yield Found(place, ast.unparse(call), "a lock is added")
    elif name == "acquire":
        yield Found(place, ast.unparse(call), "a lock is taken")
    elif _RETRYING.match(name):
        yield Found(place, ast.unparse(call), "a retry is added")
