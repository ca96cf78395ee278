"""Queries and lazy loads inside loops are found in a diff, and only those that it adds."""

from __future__ import annotations

import pytest

from diagnosis.snippets import diff_of
from holdfast.diagnosis.code import Finding, NoPython, read_diff


def shapes(diff: str, shape: str = "query_in_loop") -> list[Finding]:
    return [finding for finding in read_diff(diff) if finding.shape == shape]


IN_LOOP = {
    "a statement executed in a for loop": (
        """
        def totals(session, shops):
            rows = session.execute(ALL_TOTALS).all()
            return {row.shop: row.total for row in rows}
        """,
        """
        def totals(session, shops):
            found = {}
            for shop in shops:
                found[shop.id] = session.execute(ONE_TOTAL, {"shop": shop.id}).scalar_one()
            return found
        """,
        "found[shop.id] = session.execute",
    ),
    "a query in a list comprehension": (
        """
        def authors(db, books):
            return db.query(Author).filter(Author.id.in_([b.author_id for b in books])).all()
        """,
        """
        def authors(db, books):
            return [db.query(Author).filter_by(id=b.author_id).one() for b in books]
        """,
        "return [db.query(Author)",
    ),
    "a query in a generator handed to gather": (
        """
        async def prices(conn, items):
            return await conn.fetch("select * from price where item = any($1)", ids(items))
        """,
        """
        async def prices(conn, items):
            return await asyncio.gather(
                *(conn.fetchrow("select * from price where item = $1", i.id) for i in items)
            )
        """,
        "*(conn.fetchrow(",
    ),
    "a helper that queries, called for each item": (
        """
        def page(session, albums):
            return [album.title for album in albums]
        """,
        """
        def _artist(session, album):
            return session.get(Artist, album.artist_id)

        def page(session, albums):
            return [(album.title, _artist(session, album).name) for album in albums]
        """,
        "return [(album.title, _artist",
    ),
    "a method that queries through another method": (
        """
        class Roster:
            def rows(self, teams):
                return [team.name for team in teams]

            def _fetch(self, team):
                return self.connection.execute(COACH, team.id).fetchone()
        """,
        """
        class Roster:
            def rows(self, teams):
                rows = []
                for team in teams:
                    rows.append((team.name, self._coach(team)))
                return rows

            def _coach(self, team):
                return self._fetch(team)[0]

            def _fetch(self, team):
                return self.connection.execute(COACH, team.id).fetchone()
        """,
        "rows.append((team.name, self._coach(team)))",
    ),
    "an eager load that was taken away": (
        """
        from sqlalchemy.orm import selectinload

        def feed(session):
            posts = session.scalars(select(Post).options(selectinload(Post.comments))).all()
            return [{"title": p.title, "n": len(p.comments)} for p in posts]
        """,
        """
        def feed(session):
            posts = session.scalars(select(Post)).all()
            return [{"title": p.title, "n": len(p.comments)} for p in posts]
        """,
        'return [{"title": p.title, "n": len(p.comments)} for p in posts]',
    ),
    "a lazy collection gone over in a nested loop": (
        """
        def report(session):
            return [w.name for w in session.scalars(select(Warehouse))]
        """,
        """
        def report(session):
            lines = []
            for w in session.scalars(select(Warehouse)):
                for pallet in w.pallets:
                    lines.append((w.name, pallet.weight))
            return lines
        """,
        "for pallet in w.pallets:",
    ),
    "a declared relationship read for each item": (
        """
        class Ticket(Base):
            owner: Mapped[Owner] = relationship()

        def rows(tickets):
            return [t.subject for t in tickets]
        """,
        """
        class Ticket(Base):
            owner: Mapped[Owner] = relationship()

        def rows(tickets):
            return [f"{t.subject} {t.owner.name}" for t in tickets]
        """,
        "{t.owner.name}",
    ),
    "django: select_related removed": (
        """
        def labels():
            parcels = Parcel.objects.select_related("depot").all()
            return [str(p.depot) for p in parcels]
        """,
        """
        def labels():
            parcels = Parcel.objects.all()
            return [str(p.depot) for p in parcels]
        """,
        "return [str(p.depot) for p in parcels]",
    ),
    "a query in a while loop": (
        """
        def ancestors(cursor, node):
            cursor.execute(RECURSIVE, (node,))
            return cursor.fetchall()
        """,
        """
        def ancestors(cursor, node):
            found = []
            while node is not None:
                cursor.execute("select parent from tree where id = %s", (node,))
                node = cursor.fetchone()[0]
                found.append(node)
            return found
        """,
        "cursor.execute(",
    ),
    "a loader given the session, defined elsewhere": (
        """
        from .loaders import load_badges, load_all_badges

        def profiles(session, people):
            badges = load_all_badges(session, people)
            return [(p, badges[p.id]) for p in people]
        """,
        """
        from .loaders import load_badges

        def profiles(session, people):
            return [(p, load_badges(session, p.id)) for p in people]
        """,
        "load_badges(session, p.id)",
    ),
}


@pytest.mark.parametrize("name", IN_LOOP)
def test_a_query_per_item_is_found_where_it_stands(name: str) -> None:
    old, new, excerpt = IN_LOOP[name]
    found = shapes(diff_of(old, new))
    assert found, "nothing found"
    assert any(excerpt in finding.spot.excerpt for finding in found)
    assert all(finding.spot.line > 0 and finding.spot.why for finding in found)


@pytest.mark.parametrize("name", IN_LOOP)
def test_the_fix_of_a_query_per_item_adds_none(name: str) -> None:
    old, new, _ = IN_LOOP[name]
    assert shapes(diff_of(new, old)) == []


HARMLESS = {
    "one query, its rows gone over": (
        "def a(session):\n    return []",
        "def a(session):\n    return [u.name for u in session.scalars(select(User))]",
    ),
    "a dictionary's get in a loop": (
        "def a(rows, names):\n    return rows",
        "def a(rows, names):\n    return [names.get(r.id, '') for r in rows]",
    ),
    "batches of ids": (
        "def a(session, ids):\n    return []",
        "def a(session, ids):\n    out = []\n    for batch in chunked(ids, 500):\n"
        "        out += session.scalars(select(User).where(User.id.in_(batch)))\n    return out",
    ),
    "a retry around one query": (
        "def a(session):\n    return session.execute(Q)",
        "def a(session):\n    for attempt in range(3):\n        try:\n"
        "            return session.execute(Q)\n        except Busy:\n            pass",
    ),
    "an eager load with its loop": (
        "def a(session):\n    return []",
        "def a(session):\n    xs = session.scalars(select(X).options(selectinload(X.ys)))\n"
        "    return [len(x.ys) for x in xs]",
    ),
    "plain attributes of rows": (
        "def a(rows):\n    return rows",
        "def a(rows):\n    return [(r.name.upper(), r.created.year) for r in rows]",
    ),
    "a query in a loop that stood there before": (
        "def a(session, xs):\n    for x in xs:\n        session.execute(Q, x)\n    return 1",
        "def a(session, xs):\n    for x in xs:\n        session.execute(Q, x)\n    return 2",
    ),
    "a test's own loop": ("", ""),
}


@pytest.mark.parametrize("name", [name for name in HARMLESS if HARMLESS[name][1]])
def test_what_is_harmless_is_not_found(name: str) -> None:
    assert shapes(diff_of(*HARMLESS[name])) == []


def test_a_diff_without_python_says_so() -> None:
    with pytest.raises(NoPython):
        read_diff(diff_of("a: 1", "a: 2", path="settings.yaml"))
    with pytest.raises(NoPython):
        read_diff("")
    with pytest.raises(NoPython):
        read_diff(diff_of("x = 1", "x = 2", path="tests/test_views.py"))


def test_the_loop_is_found_with_three_lines_of_context() -> None:
    filler = "\n".join(f"    step_{i}()" for i in range(30))
    old = f"def a(session, xs):\n{filler}\n    for x in xs:\n        note(x)\n{filler}\n"
    new = old.replace("note(x)", "note(session.get(Thing, x.id))")
    found = shapes(diff_of(old, new, context=3))
    assert [f.spot.line for f in found] == [33]


def test_a_broken_line_does_not_hide_the_loop_around_it() -> None:
    old = "def a(session, xs):\n    for x in xs:\n        pass\n"
    new = (
        "def a(session, xs):\n    for x in xs:\n        y = = 3\n"
        "        session.execute(Q, x)\n    return 1\n"
    )
    assert [f.spot.line for f in shapes(diff_of(old, new))] == [4]


def test_a_fragment_that_begins_inside_blocks_is_read() -> None:
    diff = "\n".join(
        [
            "--- a/shop/cart.py",
            "+++ b/shop/cart.py",
            "@@ -40,4 +40,6 @@ def checkout(conn, cart):",
            "         for line in cart.lines:",
            "-            total += line.price",
            "+            price = conn.execute(PRICE, line.sku).fetchone()",
            "+            total += price[0]",
            "     except Missing:",
            "         total = None",
            " ",
        ]
    )
    (finding,) = shapes(diff)
    assert (finding.spot.path, finding.spot.line) == ("shop/cart.py", 41)
    assert finding.spot.symbol == "checkout"


def test_any_text_is_survived() -> None:
    for text in ("@@ -1 +1 @@", "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n+\x00(", "--- \n+++ \n"):
        try:
            assert read_diff(text) == ()
        except NoPython:
            continue


def test_a_helper_in_another_file_of_the_diff_is_known() -> None:
    helper = diff_of(
        "", "def fetch_tags(db, note):\n    return db.query(Tag).all()", path="lib/tags.py"
    )
    use = diff_of(
        "def a(notes):\n    return notes",
        "def a(notes):\n    return [tags.fetch_tags(DB, n) for n in notes]",
        path="lib/notes.py",
    )
    assert [f.spot.path for f in shapes(f"{helper}\n{use}")] == ["lib/notes.py"]
