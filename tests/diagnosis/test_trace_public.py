"""A few public files; the whole table is bench/delag.py's."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from holdfast.diagnosis.traces import find_patterns
from holdfast.errors import InputError, NotFound

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench"))
data, score = (
    importlib.import_module("delag_parts.data"),
    importlib.import_module("delag_parts.score"),
)


@pytest.mark.skipif(not data.ARCHIVE.is_file(), reason=f"no {data.ARCHIVE} (set HOLDFAST_DATA)")
def test_injected_patterns_of_public_files_are_told_apart() -> None:
    found = list(data.cases(most=4))
    scores = [
        score.adjusted_rand_index(one.injected, find_patterns(one.requests).labels())
        for one in found
    ]
    peers = [score.adjusted_rand_index(one.injected, score.kmeans(one.columns, 3)) for one in found]
    assert np.mean(scores) > 0.97
    assert np.mean(scores) > np.mean(peers)


def test_an_absent_or_another_archive_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="set HOLDFAST_DATA"):
        next(data.cases(tmp_path / "none.tar.xz"))
    other = tmp_path / "other.tar.xz"
    other.write_bytes(b"other")
    with pytest.raises(InputError, match=data.SHA256):
        next(data.cases(other))


def test_the_adjusted_rand_index_by_counting_pairs() -> None:
    random = np.random.default_rng(1)
    one, other = random.integers(0, 3, 40), random.integers(0, 2, 40)
    pairs = [(i, j) for i in range(40) for j in range(i)]
    same_one = np.array([one[i] == one[j] for i, j in pairs])
    same_other = np.array([other[i] == other[j] for i, j in pairs])
    expected = same_one.sum() * same_other.sum() / len(pairs)
    known = ((same_one & same_other).sum() - expected) / (
        (same_one.sum() + same_other.sum()) / 2 - expected
    )
    assert score.adjusted_rand_index(one, other) == pytest.approx(known)
    assert score.adjusted_rand_index(one, 7 - one) == 1


def test_the_interval_of_equal_scores_is_their_score() -> None:
    assert score.interval([0.5] * 10) == (0.5, 0.5)
