"""`targets.json`: what is scraped, in Prometheus's file_sd form, always whole."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from holdfast.lab.files import write_whole


def write_targets(path: Path, targets: Iterable[tuple[str, str]]) -> None:
    """Write (job, base URL) pairs.

    Services and the edge carry `service_name` and `service_version` in their metrics; a label on
    the target would double them.
    """
    groups = [
        {"targets": [urlsplit(url).netloc], "labels": {"job": job}} for job, url in sorted(targets)
    ]
    write_whole(path, json.dumps(groups, indent=1) + "\n")
