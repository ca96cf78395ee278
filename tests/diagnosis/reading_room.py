"""A small system that the tests of whole investigations share: a reading room and its services."""

from __future__ import annotations

from diagnosis.snippets import diff_of
from diagnosis.worlds import T0, Part, Release

ONSET = T0 + 100
ALERT = ONSET + 9

N_PLUS_ONE_DIFF = diff_of(
    """
    def shelf(session, reader):
        loans = session.scalars(select(Loan).options(selectinload(Loan.fines))).all()
        return [(loan.title, len(loan.fines)) for loan in loans]
    """,
    """
    GREETING = "Welcome"

    def shelf(session, reader):
        loans = session.scalars(select(Loan)).all()
        return [(loan.title, len(loan.fines)) for loan in loans]
    """,
    path="lending/shelf.py",
)

CPU_DIFF = diff_of(
    "def rank(titles):\n    return sorted(titles)\n",
    "def rank(titles):\n    return [sum(near(a, b) for b in titles) for a in titles]\n",
    path="lending/rank.py",
)

HARMLESS_DIFF = diff_of("X = 1\n", "X = 2\n", path="lending/x.py")


def library() -> dict[str, Part]:
    """A reading room: the desk calls lending and search; search calls an index."""
    return {
        "desk": Part(calls={"lending": 0.8, "search": 0.5}, self_seconds=0.01),
        "lending": Part(self_seconds=0.03),
        "search": Part(calls={"index": 1.0}, self_seconds=0.01),
        "index": Part(self_seconds=0.02),
    }


def n_plus_one() -> Release:
    return Release(
        service="lending",
        at=ONSET - 1,
        old="4.1.0",
        new="4.2.0",
        effect={"self_seconds": 0.6, "statements": 40, "cpu_seconds": 0.015, "repeats": 36},
        diff=N_PLUS_ONE_DIFF,
    )
