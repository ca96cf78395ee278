"""Request tables of DeLag's E-Shopper files, read from their archive in place.

Origin: github.com/SpencerLabAQ/icpe-data-challenge-delag (MIT licence), the E-Shopper half, packed
as delag-eshopper.tar.xz; paper: Traini and Cortellessa, IEEE TSE 49(6), 2023,
doi 10.1109/TSE.2023.3266041. It is looked for in HOLDFAST_DATA/delag-eshopper, by default
../shared/data beside the repository. A file of another SHA-256 is not read.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holdfast.diagnosis.traces import RequestTable, request_table
from holdfast.errors import InputError, NotFound

SHA256 = "b5339169430c4556ab220c920cd56fad005523d0172fa4230e9aa13419dee054"
ARCHIVE = (
    Path(os.environ.get("HOLDFAST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
    / "delag-eshopper"
    / "delag-eshopper.tar.xz"
)


@dataclass(frozen=True)
class Case:
    """One file: its name, its requests, all its columns but the label, and the label (0, 1, 2)."""

    name: str
    requests: RequestTable
    columns: NDArray[np.float64]
    injected: NDArray[np.int64]

    @property
    def scenario(self) -> str:
        """Return the size of the run: the archive holds two."""
        return "10,000 requests" if len(self.injected) > 5000 else "2,400 requests"


def cases(archive: Path = ARCHIVE, most: int | None = None) -> Iterator[Case]:
    """Yield the files in order, `most` of them; NotFound or InputError where there are none."""
    if not archive.is_file():
        raise NotFound(f"{archive} does not exist", hint="set HOLDFAST_DATA to the data's folder")
    content = archive.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise InputError(f"{archive} is another file", hint=f"its SHA-256 must be {SHA256}")
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:xz") as files:
        texts: dict[str, bytes] = {}
        for member in files:
            extracted = files.extractfile(member) if member.name.endswith(".csv") else None
            if extracted is not None:
                texts[Path(member.name).name] = extracted.read()
    for name in sorted(texts)[:most]:
        yield _case(name, texts[name])


def _case(name: str, text: bytes) -> Case:
    header = text[: text.index(b"\n")].decode().strip().split(",")
    rows = np.loadtxt(io.BytesIO(text), delimiter=",", skiprows=1)
    columns = {title: rows[:, index] for index, title in enumerate(header)}
    injected = columns.pop("anomaly").astype(np.int64)
    everything = np.column_stack(list(columns.values()))
    latency = columns.pop("Latency")
    return Case(name, request_table(latency, durations=columns), everything, injected)
