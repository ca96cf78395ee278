"""Counts what each test sends to a database through SQLAlchemy, whatever runs the tests.

Only the test's own function counts: not what prepares its data. Each test is a line of JSON in the
file that HOLDFAST_STATEMENTS_FILE names: `kind` (unittest, pytest), `runner`, `executable`, `path`
(from where the tests were started), `module`, `class_name`, `name`, `asynchronous`, `statements`,
`passed`. Nothing is imported before the tests import it themselves.
"""

from __future__ import annotations

import functools
import inspect
import json
import os
import sys
import threading
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any, cast

_FOLDER = os.getcwd()
_sent = 0
_lock = threading.Lock()


def start() -> None:
    """Watch for SQLAlchemy and unittest being imported, and have pytest load its plugin."""
    sys.meta_path.insert(0, _AfterImport({"sqlalchemy": _listen, "unittest.case": _wrap}))
    plugins = os.environ.get("PYTEST_PLUGINS", "")
    os.environ["PYTEST_PLUGINS"] = f"{plugins},holdfast_pytest".lstrip(",")


def sent() -> int:
    """Return how many statements were sent since the start."""
    return _sent


def tell(kind: str, path: str, statements: int, passed: bool, **test: Any) -> None:
    """Write one test's line, at once and whole, so that several processes can."""
    runner = "pytest" if "holdfast_pytest" in sys.modules else "unittest"
    test.update(kind=kind, runner=runner, executable=sys.executable)
    test.update(path=os.path.relpath(path, _FOLDER), statements=statements, passed=passed)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    file = os.open(os.environ["HOLDFAST_STATEMENTS_FILE"], flags, 0o600)
    try:
        os.write(file, f"{json.dumps(test)}\n".encode())
    finally:
        os.close(file)


class _AfterImport:
    """Finds the named modules as Python would, and acts when one of them has been run."""

    def __init__(self, actions: dict[str, Callable[[Any], None]]) -> None:
        self._actions = actions

    def find_spec(self, name: str, path: Any = None, *_: Any) -> ModuleSpec | None:
        act = self._actions.get(name)
        spec = PathFinder.find_spec(name, path) if act else None
        if act is None or spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def run_and_act(module: Any) -> None:
            run(module)
            act(module)

        spec.loader.exec_module = run_and_act
        return spec


def _listen(_sqlalchemy: Any) -> None:
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    event.listen(Engine, "before_cursor_execute", _count)


def _count(*_: Any) -> None:
    global _sent
    with _lock:
        _sent += 1


def _wrap(case_module: Any) -> None:
    """Have each TestCase count while its test method runs."""
    run = case_module.TestCase.run

    @functools.wraps(run)
    def counted(self: Any, result: Any = None) -> Any:
        name = self._testMethodName
        method = getattr(self, name, None)
        if method is None:
            return run(self, result)
        own = cast("dict[str, Any]", vars(self)).get(name)
        setattr(self, name, _counting(self, name, method))
        try:
            return run(self, result)
        finally:
            delattr(self, name)
            if own is not None:
                setattr(self, name, own)

    case_module.TestCase.run = counted


def _counting(case: Any, name: str, method: Any) -> Any:
    owner: Any = case.__class__
    asynchronous = inspect.iscoroutinefunction(method)

    def told(before: int, passed: bool) -> None:
        path = getattr(sys.modules.get(owner.__module__), "__file__", None) or _FOLDER
        test = {"module": owner.__module__, "class_name": owner.__qualname__, "name": name}
        tell("unittest", path, _sent - before, passed, asynchronous=asynchronous, **test)

    @functools.wraps(method)
    def run_counted(*given: Any, **named: Any) -> Any:
        before, passed = _sent, False
        try:
            result = method(*given, **named)
            passed = True
            return result
        finally:
            told(before, passed)

    @functools.wraps(method)
    async def await_counted(*given: Any, **named: Any) -> Any:
        before, passed = _sent, False
        try:
            result = await method(*given, **named)
            passed = True
            return result
        finally:
            told(before, passed)

    return await_counted if asynchronous else run_counted
