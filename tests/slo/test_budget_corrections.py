"""The file of corrections: only added to, and whatever else is done to it is noticed."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdfast.errors import ChainBroken, InputError, NotFound
from holdfast.model.budget import Correction
from holdfast.slo.budgets.correction_log import (
    append_correction,
    read_corrections,
    read_log,
    withdrawal,
)

BEGIN = datetime(2026, 3, 1, 2, tzinfo=UTC)


def correction(name: str, **more: object) -> Correction:
    fields = {
        "id": name,
        "start": BEGIN,
        "end": BEGIN + timedelta(hours=1),
        "reason": "planned",
        "author": "ana",
        "category": "maintenance",
        "created_at": BEGIN,
        **more,
    }
    return Correction.model_validate(fields)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "corrections.jsonl"
    for name in ("a", "b", "c"):
        append_correction(path, correction(name))
    return path


def test_what_is_added_is_read_in_order(log: Path) -> None:
    assert [each.id for each in read_corrections(log)] == ["a", "b", "c"]
    assert read_corrections(log.with_name("none.jsonl")) == ()


def lines(log: Path) -> list[str]:
    return log.read_text().splitlines(keepends=True)


def edited(text: str) -> str:
    record = json.loads(text)
    record["correction"]["end"] = "2026-03-09T02:00:00Z"
    return json.dumps(record) + "\n"


@pytest.mark.parametrize("kept", [(0, 1), (0, 2), (1, 2), (1, 0, 2), (0, 1, 2, 2), ()])
def test_a_removed_moved_or_doubled_one_is_noticed(log: Path, kept: tuple[int, ...]) -> None:
    whole = lines(log)
    log.write_text("".join(whole[place] for place in kept))
    with pytest.raises(ChainBroken):
        read_corrections(log)
    with pytest.raises(ChainBroken):
        append_correction(log, correction("d"))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_changed_one_is_noticed_and_named(log: Path, place: int) -> None:
    whole = lines(log)
    whole[place] = edited(whole[place])
    log.write_text("".join(whole))
    with pytest.raises(ChainBroken, match=f"line {place + 1} .* was changed"):
        read_corrections(log)


def test_a_removed_file_or_head_is_noticed(log: Path) -> None:
    head = log.with_name("corrections.jsonl.head")
    kept = head.read_text()
    head.unlink()
    with pytest.raises(ChainBroken, match="head is gone"):
        read_corrections(log)
    head.write_text(kept)
    log.unlink()
    with pytest.raises(ChainBroken, match="is gone, and 3 corrections with it"):
        read_corrections(log)
    head.write_text("{}")
    with pytest.raises(ChainBroken, match="cannot be read as a head"):
        read_corrections(log)


def test_a_crash_between_line_and_head_loses_nothing(log: Path) -> None:
    head = log.with_name("corrections.jsonl.head")
    before = head.read_text()
    append_correction(log, correction("d"))
    head.write_text(before)
    assert [each.id for each in read_corrections(log)] == ["a", "b", "c", "d"]
    append_correction(log, correction("e"))
    assert len(read_log(log)) == 5


def test_a_torn_line_was_never_added(log: Path) -> None:
    with log.open("a") as file:
        file.write('{"correction": {"id": "torn')
    assert [each.id for each in read_corrections(log)] == ["a", "b", "c"]
    append_correction(log, correction("d"))
    assert [each.id for each in read_corrections(log)] == ["a", "b", "c", "d"]


def test_a_withdrawn_one_stays_in_the_file_and_counts_no_more(log: Path) -> None:
    back = withdrawal(correction("b"), id="x", reason="it was another day", author="ben", at=BEGIN)
    append_correction(log, back)
    assert [each.id for each in read_corrections(log)] == ["a", "c"]
    assert len(read_log(log)) == 4
    with pytest.raises(NotFound, match="b is no correction in force"):
        append_correction(log, back.model_copy(update={"id": "y"}))


def test_an_id_stands_once_and_a_rule_that_cannot_be_used_is_not_written(log: Path) -> None:
    with pytest.raises(InputError, match="a is in the file already"):
        append_correction(log, correction("a"))
    with pytest.raises(InputError, match="recurrence"):
        append_correction(log, correction("d", recurrence="FREQ=NEVER"))
    assert len(read_log(log)) == 3


def test_several_writers_at_once_keep_one_chain(log: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        names = [f"w{number}" for number in range(24)]
        list(pool.map(lambda name: append_correction(log, correction(name)), names))
    assert {each.id for each in read_corrections(log)} == {"a", "b", "c", *names}
