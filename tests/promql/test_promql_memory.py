"""Series in memory: arrays that lie side by side, and finding series."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.promql.adjacent import joined, laid_out
from holdfast.promql.memory import MemorySamples
from holdfast.promql.samples import Matcher, StoredSeries


@pytest.mark.parametrize("seed", range(20))
def test_joined_parts_are_what_concatenating_them_gives(seed: int) -> None:
    chance = np.random.default_rng(seed)
    parts = laid_out([chance.random(chance.integers(1, 9)) for _ in range(6)])
    for _ in range(20):
        chosen = [parts[n] for n in chance.integers(0, 6, chance.integers(1, 5))]
        if chance.random() < 0.5:
            chosen = [part[chance.integers(0, 2) :] for part in chosen]
        assert joined(chosen).tolist() == np.concatenate(chosen).tolist()


def test_neighbours_are_joined_without_a_copy_and_others_are_not() -> None:
    parts = laid_out([np.arange(3.0), np.arange(4.0), np.arange(5.0)])
    assert np.shares_memory(joined(parts), parts[0])
    assert np.shares_memory(joined(parts[1:]), parts[1])
    assert not np.shares_memory(joined([parts[0], parts[2]]), parts[0])
    assert not np.shares_memory(joined([parts[1], parts[0]]), parts[0])
    assert joined([np.arange(3.0)[::-1], np.arange(2.0)]).tolist() == [2, 1, 0, 0, 1]


def test_series_are_found_by_matchers_and_cut_to_the_interval() -> None:
    times = np.array([1000, 2000, 3000], dtype=np.int64)
    store = MemorySamples(
        StoredSeries({"__name__": name, "n": n}, times, times / 1000)
        for name in ("a", "b")
        for n in ("1", "2")
    )
    found = store.select([Matcher("__name__", "=", "a"), Matcher("n", "!=", "1")], 1500, 2500)
    assert [(one.labels, one.values.tolist()) for one in found] == [
        ({"__name__": "a", "n": "2"}, [2])
    ]
    assert len(store.select([Matcher("n", "=~", "1|2")], 0, 9999)) == 4
    assert store.select([Matcher("n", "=", "1")], 3001, 9999) == []
    assert store.select([Matcher("__name__", "=", "c")], 0, 9999) == []
    assert store.metric_names() == ("a", "b")
