"""The embedded store: one process appends while others read."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from holdfast.errors import InputError, SourceUnavailable
from holdfast.promql.samples import STALE_NAN, Matcher, is_stale
from holdfast.promql.store import RecordedSamples
from holdfast.promql.store_writer import SampleWriter

ALWAYS = (0, 10**15)
HOUR_SECONDS = 3600.0


def name_is(name: str) -> Matcher:
    return Matcher("__name__", "=", name)


def open_writer(folder: Path, retention_seconds: float = HOUR_SECONDS) -> SampleWriter:
    return SampleWriter(folder, interval_seconds=1.0, retention_seconds=retention_seconds)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[SampleWriter]:
    writer = open_writer(tmp_path)
    yield writer
    writer.close()


@pytest.fixture
def samples(tmp_path: Path) -> Iterator[RecordedSamples]:
    samples = RecordedSamples(tmp_path)
    yield samples
    samples.close()


def put(writer: SampleWriter, time_ms: int, values: dict[str, float], target: str = "t") -> None:
    ids = [writer.series_id({"__name__": "x", "k": key}) for key in values]
    writer.append(target, time_ms, ids, list(values.values()))


def read(samples: RecordedSamples, *matchers: Matcher) -> dict[str, list[tuple[int, float]]]:
    found = samples.select(matchers or (name_is("x"),), *ALWAYS)
    return {
        s.labels.get("k", ""): list(zip(s.times_ms.tolist(), s.values.tolist(), strict=True))
        for s in found
    }


def test_a_reader_sees_each_scrape_as_soon_as_it_is_appended(
    writer: SampleWriter, samples: RecordedSamples
) -> None:
    put(writer, 1000, {"a": 1.0, "b": 2.0})
    assert read(samples) == {"a": [(1000, 1.0)], "b": [(1000, 2.0)]}
    put(writer, 2000, {"a": 3.0, "c": 4.0})
    assert read(samples)["a"] == [(1000, 1.0), (2000, 3.0)]
    assert read(samples)["c"] == [(2000, 4.0)]


def test_the_interval_of_time_is_closed_at_both_ends(
    writer: SampleWriter, samples: RecordedSamples
) -> None:
    for second in range(1, 6):
        put(writer, second * 1000, {"a": float(second)})
    (series,) = samples.select([name_is("x")], 2000, 4000)
    assert series.values.tolist() == [2.0, 3.0, 4.0]
    assert samples.select([name_is("x")], 5001, 9000) == []


@pytest.mark.parametrize(
    ("matcher", "keys"),
    [
        (Matcher("k", "=", "ab"), {"ab"}),
        (Matcher("k", "!=", "ab"), {"b", ""}),
        (Matcher("k", "=~", "a|b"), {"b"}),
        (Matcher("k", "=~", ".*b"), {"ab", "b"}),
        (Matcher("k", "!~", ".+"), {""}),
        (Matcher("k", "=", ""), {""}),
    ],
)
def test_matchers_mean_what_they_mean_in_prometheus(
    writer: SampleWriter, samples: RecordedSamples, matcher: Matcher, keys: set[str]
) -> None:
    put(writer, 1000, {"ab": 1.0, "b": 2.0})
    writer.append("u", 1000, [writer.series_id({"__name__": "x"})], [3.0])
    assert set(read(samples, name_is("x"), matcher)) == keys
    assert set(read(samples, matcher)) == keys


def test_staleness_markers_keep_their_bits(writer: SampleWriter, samples: RecordedSamples) -> None:
    put(writer, 1000, {"a": float("nan")})
    put(writer, 2000, {"a": STALE_NAN})
    (series,) = samples.select([name_is("x")], *ALWAYS)
    assert is_stale(series.values).tolist() == [False, True]


def test_samples_out_of_order_or_doubled_are_left_out(
    writer: SampleWriter, samples: RecordedSamples
) -> None:
    put(writer, 2000, {"a": 1.0})
    put(writer, 2000, {"a": 9.0}, target="twin")
    put(writer, 1000, {"a": 9.0})
    put(writer, 3000, {"a": 2.0})
    assert read(samples)["a"] == [(2000, 1.0), (3000, 2.0)]


def test_what_was_handed_out_does_not_change(
    writer: SampleWriter, samples: RecordedSamples
) -> None:
    put(writer, 1000, {"a": 1.0})
    (before,) = samples.select([name_is("x")], *ALWAYS)
    for second in range(2, 300):
        put(writer, second * 1000, {"a": float(second)})
    (after,) = samples.select([name_is("x")], *ALWAYS)
    assert before.times_ms.tolist() == [1000]
    assert after.times_ms.tolist() == [second * 1000 for second in range(1, 300)]


def test_a_folder_without_a_store_is_unavailable_until_a_recorder_starts(
    tmp_path: Path, samples: RecordedSamples
) -> None:
    with pytest.raises(SourceUnavailable, match="there is no store"):
        samples.select([name_is("x")], *ALWAYS)
    writer = open_writer(tmp_path)
    put(writer, 1000, {"a": 1.0})
    assert read(samples)["a"] == [(1000, 1.0)]
    writer.close()


def test_a_store_that_is_replaced_is_read_from_its_beginning(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    samples = RecordedSamples(folder)
    for value in (1.0, 2.0):
        writer = open_writer(folder)
        put(writer, 1000, {"a": value})
        assert read(samples)["a"] == [(1000, value)]
        writer.close()
        shutil.rmtree(folder)
    with pytest.raises(SourceUnavailable):
        samples.refresh()


def test_a_store_without_a_writer_can_be_read(tmp_path: Path) -> None:
    writer = open_writer(tmp_path)
    put(writer, 1000, {"a": 1.0})
    writer.close()
    samples = RecordedSamples(tmp_path)
    assert read(samples)["a"] == [(1000, 1.0)]
    assert samples.interval_seconds == 1.0
    samples.close()


def test_a_second_writer_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    first = open_writer(tmp_path)
    with pytest.raises(InputError, match="another process records"):
        open_writer(tmp_path)
    first.close()
    open_writer(tmp_path).close()


def test_what_is_older_than_the_retention_goes_from_file_and_memory(tmp_path: Path) -> None:
    writer, samples = open_writer(tmp_path, retention_seconds=10), RecordedSamples(tmp_path)
    put(writer, 1000, {"old": 1.0, "both": 1.0})
    assert set(read(samples)) == {"old", "both"}
    for second in range(2, 30):
        put(writer, second * 1000, {"both": float(second)})
    assert writer.prune(29_000)
    assert set(read(samples)) == {"both"}
    assert read(samples)["both"][0][0] >= 18_000
    again = RecordedSamples(tmp_path)
    assert again.select([Matcher("k", "=", "old")], *ALWAYS) == []
    put(writer, 30_000, {"old": 5.0})
    assert read(samples)["old"] == read(again)["old"] == [(30_000, 5.0)]
    writer.close()
    samples.close()
    again.close()


def test_the_newest_scrape_before_a_time_is_known(
    writer: SampleWriter, samples: RecordedSamples
) -> None:
    put(writer, 1000, {"a": 1.0})
    put(writer, 2000, {"a": 1.0})
    asked = np.array([0, 1000, 1999, 2000, 99_000])
    assert samples.newest_scrapes_ms(asked).tolist() == [-1, 1000, 1000, 2000, 2000]
    assert samples.metric_names() == ("x",)


def test_threads_can_read_while_one_writes(writer: SampleWriter, samples: RecordedSamples) -> None:
    wrong: list[str] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            for series in read(samples).values() if writer else ():
                if [v for _, v in series] != [float(i) for i in range(len(series))]:
                    wrong.append("a reader saw a gap or a wrong value")

    put(writer, 1000, {"a": 0.0, "b": 0.0})
    readers = [threading.Thread(target=look) for _ in range(3)]
    for thread in readers:
        thread.start()
    for step in range(1, 200):
        put(writer, 1000 + step, {"a": float(step), "b": float(step)})
    done.set()
    for thread in readers:
        thread.join()
    assert wrong == []
    assert len(read(samples)["a"]) == 200


def test_an_hour_of_a_small_production_loads_and_is_asked_quickly(
    writer: SampleWriter, samples: RecordedSamples
) -> None:
    ids = [writer.series_id({"__name__": f"m{i % 20}", "k": str(i)}) for i in range(200)]
    values = np.arange(200, dtype=np.float64)
    for second in range(3600):
        writer.append("t", second * 1000, ids, values + second)  # pyright: ignore[reportArgumentType]
    began = time.perf_counter()
    samples.refresh()
    loaded = time.perf_counter() - began
    samples.select([name_is("m3")], 0, 10**12)
    began = time.perf_counter()
    for _ in range(100):
        assert len(samples.select([name_is("m3")], 3_000_000, 3_060_000)) == 10
    asked = (time.perf_counter() - began) / 100
    print(f"720,000 samples loaded in {loaded:.2f} s; a repeated select took {asked * 1e6:.0f} µs")
    assert loaded < 5
    assert asked < 0.01
