"""The source code of a regression test that counts statements: for unittest, and for pytest."""

from __future__ import annotations

import textwrap
from pathlib import PurePosixPath

from holdfast.actions.repair.count import CountedTest

_WIDTH = 88

_UNITTEST = '''"""Guards how many SQL statements a test sends.

{told}
"""

import unittest

from sqlalchemy import event
from sqlalchemy.engine import Engine

{imported}

NAME = "{name}"
AT_MOST = {at_most}


class StatementsTest(unittest.TestCase):
    """Counted is what the test itself does, not what prepares its data."""

    def test_it_sends_at_most_{at_most}_statements(self) -> None:
        statements = []
        counts = []
        case = {case}(NAME)
        method = getattr(case, NAME)

        def note(connection, cursor, statement, parameters, context, executemany):
            statements.append(statement)

        {define} counted():
            statements.clear()
            {call}
            counts.append(len(statements))

        setattr(case, NAME, counted)
        event.listen(Engine, "before_cursor_execute", note)
        self.addCleanup(event.remove, Engine, "before_cursor_execute", note)
        result = unittest.TestResult()
        unittest.TestSuite([case]).run(result)
        if result.skipped:
            self.skipTest(result.skipped[0][1])
        self.assertTrue(result.wasSuccessful(), result.errors + result.failures)
        last = statements[-1] if statements else "none"
        self.assertLessEqual(max(counts), AT_MOST, "statements; the last one: " + last)
'''

_PYTEST = '''"""Guards how many SQL statements a test sends.

{told}
"""

import pathlib

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

FILE = "{file}"
NAME = {name}
AT_MOST = {at_most}
OPTIONS = ("-q", "-o", "addopts=", "-p", "no:cacheprovider")


class Counting:
    """A plugin: counts what the test itself does, not what prepares its data."""

    def __init__(self):
        self.statements = []
        self.counts = []

    def note(self, connection, cursor, statement, parameters, context, executemany):
        self.statements.append(statement)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_pyfunc_call(self):
        self.statements.clear()
        yield
        self.counts.append(len(self.statements))


def test_it_sends_at_most_{at_most}_statements():
    counting = Counting()
    test = str(pathlib.Path(__file__).with_name(FILE)) + "::" + NAME
    event.listen(Engine, "before_cursor_execute", counting.note)
    try:
        assert pytest.main([*OPTIONS, test], plugins=[counting]) == 0
    finally:
        event.remove(Engine, "before_cursor_execute", counting.note)
    assert max(counting.counts) <= AT_MOST
'''


def unittest_file(test: CountedTest, module: str, at_most: int, told: str) -> str:
    """Return a file that runs a method of a TestCase of `module`; `told` says what it guards."""
    package, _, name = module.rpartition(".")
    return _UNITTEST.format(
        told=_wrapped(told),
        imported=f"from {package} import {name}" if package else f"import {name}",
        name=test.name,
        at_most=at_most,
        case=f"{name}.{test.class_name}",
        define="async def" if test.asynchronous else "def",
        call="await method()" if test.asynchronous else "method()",
    )


def pytest_file(name: str, path: str, at_most: int, told: str) -> str:
    """Return a file that runs a test function beside it; `name` as pytest names it in its file."""
    file = PurePosixPath(path).name
    return _PYTEST.format(told=_wrapped(told), file=file, name=_quoted(name), at_most=at_most)


def _wrapped(text: str) -> str:
    safe = text.replace("\\", "/").replace('"""', "'''")
    return textwrap.fill(safe, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _quoted(text: str) -> str:
    """Return a text as a literal in double quotes, as formatters write it."""
    return repr(text) if '"' in text or "\\" in text else f'"{text}"'
