"""A plugin of pytest: counts the statements of tests that are functions."""

from __future__ import annotations

import importlib
from collections.abc import Generator
from typing import Any

import pytest

_statements: Any = importlib.import_module("holdfast_statements")


@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call(pyfuncitem: Any) -> Generator[None, Any, None]:
    """Count around the function itself: its fixtures are not part of it."""
    before = _statements.sent()
    outcome = yield
    _statements.tell(
        "pytest",
        str(pyfuncitem.fspath),
        _statements.sent() - before,
        outcome.excinfo is None,
        name=pyfuncitem.nodeid.partition("::")[2],
    )
