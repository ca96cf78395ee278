"""The part of a document that shows endpoints, tenants, regions and versions apart."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.slo.design.documents.markdown import bullets, count, page, table
from holdfast.slo.design.records import DesignedObjective
from holdfast.slo.design.segments import Segment, SegmentTable
from holdfast.slo.targets.percent import percent

_SHOWN = 10


def segments_part(designed: DesignedObjective) -> str:
    """Return the segments with the most bad events, masked ones marked; empty without labels."""
    if not designed.segments and not designed.segment_gap:
        return ""
    return page(
        "### By segment",
        designed.segment_gap,
        bullets(masked_sentences(designed)),
        *(_table(designed, segments) for segments in designed.segments),
    ).rstrip()


def masked_sentences(designed: DesignedObjective) -> Iterator[str]:
    """Yield a sentence for each segment that fails while the whole looks well."""
    for segments, segment in designed.masked:
        yield (
            f"**Masked:** {segments.dimension} `{segments.label}={segment.value}` has "
            f"{percent(segment.good_ratio)} good events ({count(segment.bad_events)} bad of "
            f"{count(segment.total_events)}), below the objective of "
            f"{percent(designed.slo.objective)}, while the whole has "
            f"{percent(1 - designed.bad_ratio)}"
        )


def _table(designed: DesignedObjective, segments: SegmentTable) -> str:
    shown = segments.segments[:_SHOWN]
    masked = segments.masked(designed.slo.objective, designed.bad_ratio)
    rows = [_row(segment, segment in masked) for segment in shown]
    left = segments.values - len(shown)
    more = f" Those with the most bad events; {left} more are not shown." if left > 0 else ""
    return page(
        f"By {segments.dimension} (`{segments.label}`, {segments.values} values).{more}",
        table(("value", "events", "bad", "good ratio", ""), rows),
    ).rstrip()


def _row(segment: Segment, masked: bool) -> tuple[str, ...]:
    return (
        f"`{segment.value}`",
        count(segment.total_events),
        count(segment.bad_events),
        percent(segment.good_ratio),
        "**masked**" if masked else "",
    )
