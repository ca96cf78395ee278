"""A statement's template stays the same when its values change."""

from __future__ import annotations

import pytest

from holdfast.evidence.statements import template_of


@pytest.mark.parametrize(
    ("statement", "template"),
    [
        ("SELECT a FROM t WHERE id = 42", "SELECT a FROM t WHERE id = ?"),
        ("SELECT a FROM t WHERE id = 'it''s'", "SELECT a FROM t WHERE id = ?"),
        ("SELECT a FROM t WHERE id = ?", "SELECT a FROM t WHERE id = ?"),
        ("SELECT a FROM t WHERE id = $1", "SELECT a FROM t WHERE id = ?"),
        ("SELECT a FROM t WHERE id = :id_1", "SELECT a FROM t WHERE id = ?"),
        ("SELECT a FROM t WHERE id = %(id_1)s", "SELECT a FROM t WHERE id = ?"),
        ("SELECT a FROM t WHERE id = %s;", "SELECT a FROM t WHERE id = ?"),
        ("SELECT a\n  FROM t -- why\n WHERE id=-1.5e3", "SELECT a FROM t WHERE id=?"),
        ("SELECT /* job:7 */ a FROM t", "SELECT a FROM t"),
        ("SELECT a FROM t WHERE id IN (1, 2,3)", "SELECT a FROM t WHERE id IN (?)"),
        ("SELECT a FROM t WHERE id IN (?, ?)", "SELECT a FROM t WHERE id IN (?)"),
        ("SELECT a FROM t WHERE id IN (?)", "SELECT a FROM t WHERE id IN (?)"),
        ("INSERT INTO t VALUES (1, 'a'), (2, 'b')", "INSERT INTO t VALUES (?)"),
        ("SELECT t1.a2 FROM t1 LIMIT 10", "SELECT t1.a2 FROM t1 LIMIT ?"),
        ('SELECT "x1" FROM orders_2', 'SELECT "x1" FROM orders_2'),
        ("SELECT a::text FROM t WHERE b = '1'::int", "SELECT a::text FROM t WHERE b = ?::int"),
    ],
)
def test_values_become_question_marks_and_names_stay(statement: str, template: str) -> None:
    assert template_of(statement) == template


def test_a_template_is_its_own_template() -> None:
    once = template_of("SELECT a FROM t WHERE id IN (1,2) AND n = 'x' LIMIT 5")
    assert template_of(once) == once
