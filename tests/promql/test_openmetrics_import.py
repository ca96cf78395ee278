"""Importing OpenMetrics text: what is read, and what each malformed line is told."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from holdfast.errors import InputError
from holdfast.promql.samples import StoredSeries
from holdfast.promql.serve.openmetrics import OpenMetricsReader, read_openmetrics


def read(folder: Path, *texts: str) -> dict[str, StoredSeries]:
    paths: list[Path] = []
    for number, text in enumerate(texts):
        paths.append(folder / f"{number}.om")
        paths[-1].write_text(text, encoding="utf-8")
    return {one.labels["__name__"]: one for one in read_openmetrics(paths)}


def test_values_and_times_are_read_and_comments_are_not(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "# HELP a_total What it counts.\n# TYPE a_total counter\n# UNIT a_total x\n"
        "a_total 1 1000\na_total 2.5 1000.25\na_total +Inf 1001\na_total NaN 1.002e3\n# EOF\n",
    )
    assert found["a_total"].times_ms.tolist() == [1_000_000, 1_000_250, 1_001_000, 1_002_000]
    assert found["a_total"].values[:3].tolist() == [1, 2.5, math.inf]
    assert math.isnan(found["a_total"].values[3])


def test_labels_may_hold_braces_quotes_and_hashes_and_exemplars_are_left_out(
    tmp_path: Path,
) -> None:
    found = read(
        tmp_path, 'a_bucket{le="1",p="x } # \\"y\\\\ é"} 4 10 # {trace_id="z"} 0.5 9.9\n# EOF\n'
    )
    assert found["a_bucket"].labels == {"__name__": "a_bucket", "le": "1", "p": 'x } # "y\\ é'}
    assert found["a_bucket"].values.tolist() == [4]


def test_one_series_written_in_two_ways_and_in_two_files_is_one(tmp_path: Path) -> None:
    found = read(
        tmp_path, 'a{x="1",y="2"} 1 20\na{y="2",x="1"} 2 30\n# EOF\n', 'a{x="1",y="2"} 0 10\n# EOF'
    )
    assert found["a"].times_ms.tolist() == [10_000, 20_000, 30_000]
    assert found["a"].values.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a 1", "no timestamp"),
        ("a one 5", "the value 'one' is no number"),
        ("a 1_0 5", "the value '1_0' is no number"),
        ("b 1_0 5", "the value '1_0' is no number"),
        ("b 1 5_0", "the timestamp '5_0' is no number"),
        ("b 1 inf", "no time in Unix seconds"),
        ("b 1", "no timestamp"),
        ("a 1.2.3 5", "the value '1.2.3' is no number"),
        ("a 1 yesterday", "the timestamp 'yesterday' is no number"),
        ("a 1 NaN", "no time in Unix seconds"),
        ("a 1 1e30", "no time in Unix seconds"),
        ('a{b="c} 1 5', "no sample can be read"),
        ("a{b=c} 1 5", "no series can be read"),
        ("a  1 5", "no sample can be read"),
        ("a 1 5 6", "no sample can be read"),
        ("", "no sample can be read"),
        ("# nothing known", "neither TYPE, HELP, UNIT nor EOF"),
        ("# EOF\na 1 5", "text after `# EOF`"),
    ],
)
def test_a_malformed_line_is_named_with_its_number_and_what_is_wrong(
    tmp_path: Path, line: str, reason: str
) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, f"b 1 4\n{line}\n# EOF\n")
    number = 3 if line.startswith("# EOF") else 2
    assert caught.value.message.startswith(f"{tmp_path / '0.om'}, line {number}: ")
    assert reason in caught.value.message


@pytest.mark.parametrize("text", ["a 1 5\n", "a 1 5", "", "a 1 5\n# EO"])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"cut off|neither"):
        read(tmp_path, text)


def test_two_values_at_one_time_are_refused_by_the_series_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'x': '1'.*two values at 5 s"):
        read(tmp_path, 'a{x="1"} 1 5\na{x="1"} 2 5\n# EOF\n')


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bytes.om"
    path.write_bytes(b"a 1 5\na\xff 1 5\n# EOF\n")
    with pytest.raises(InputError, match=r"bytes\.om.*no UTF-8"):
        read_openmetrics([path])


def test_progress_is_told_every_million_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.promql.serve.openmetrics._PROGRESS_EVERY", 2)
    path = tmp_path / "five.om"
    path.write_text("".join(f"a {n} {n}\n" for n in range(5)) + "# EOF\n")
    heard: list[int] = []
    reader = OpenMetricsReader(heard.append)
    reader.read(path)
    assert heard == [2, 4]
    assert reader.samples == 5
