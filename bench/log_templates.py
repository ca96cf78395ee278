"""How fast log templates are mined, and how well, beside a plain regex pass in the same run.

Run: python bench/log_templates.py [--lines N]. The logs are made up, so that the template of each
line is known: five kinds of program, about a dozen templates each, no settings for any. Grouping
accuracy: the share of lines whose group holds the lines of their template and no other (Zhu et al.,
ICSE-SEIP 2019). The plain pass substitutes addresses, hexadecimal and decimal numbers, as drain3's
example of masking does, and groups nothing. Made-up logs are kinder than real ones; the
second table is the hard end: lines of which no two look alike, which no memory of shapes helps.
"""

from __future__ import annotations

import argparse
import re
import time
from collections import defaultdict

from log_parts.lines import SYSTEMS, hard_lines, lines, templates

from holdfast.diagnosis.templates import mine_templates
from holdfast.diagnosis.templates.masks import mask

TARGET_LINES_PER_SECOND = 50_000
PLAIN = re.compile(
    r"(?P<ip>\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})|(?P<hex>0x[a-fA-F0-9]+)|(?P<num>[\-\+]?\d+)"
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000, help="lines of each program")
    count = parser.parse_args().lines
    print("| program | templates | found | grouping accuracy | lines/s | plain regex, lines/s |")
    print("|---|---|---|---|---|---|")
    for system in SYSTEMS:
        _row(system, count)
    print("\n| no two lines alike | found | lines/s |\n|---|---|---|")
    for kind in ("two random names", "random words"):
        texts = hard_lines(kind, count // 4)
        started = time.perf_counter()
        mined = mine_templates([[("", text) for text in texts]])
        took = time.perf_counter() - started
        print(f"| {kind} | {len(mined.templates)} | {len(texts) / took:,.0f} |")
    print(f"\nto reach: {TARGET_LINES_PER_SECOND:,} lines/s on one core")


def _row(system: str, count: int) -> None:
    made = lines(system, count, seed=1)
    texts = [text for _, text in made]
    started = time.perf_counter()
    for text in texts:
        PLAIN.sub("<*>", text)
    plain = time.perf_counter() - started
    pairs = [("", text) for text in texts]
    started = time.perf_counter()
    mined = mine_templates([pairs])
    ours = time.perf_counter() - started
    print(
        f"| {system} | {len(templates(system))} | {len(mined.templates)} | "
        f"{grouping_accuracy(made):.3f} | {count / ours:,.0f} | {count / plain:,.0f} |"
    )


def grouping_accuracy(made: list[tuple[int, str]]) -> float:
    """Return the share of lines in groups that are exactly a template's."""
    from holdfast.diagnosis.templates.cluster import cluster

    totals: dict[str, int] = defaultdict(int)
    masked = [mask(text) for _, text in made]
    for text in masked:
        totals[text] += 1
    group_of = cluster(totals)
    truth: dict[int, set[int]] = defaultdict(set)
    found: dict[str, set[int]] = defaultdict(set)
    for index, ((number, _), text) in enumerate(zip(made, masked, strict=True)):
        truth[number].add(index)
        found[group_of[text]].add(index)
    exact = {frozenset(group) for group in truth.values()}
    return sum(len(group) for group in found.values() if frozenset(group) in exact) / len(made)


if __name__ == "__main__":
    main()
