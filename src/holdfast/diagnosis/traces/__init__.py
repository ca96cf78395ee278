"""What slow or failing requests share: latencies of operations, numbers of calls, attributes.

report = find_patterns(request_table(latency, durations={...}, attributes={...}), threshold=500)
report.patterns    the patterns, most slow requests first
report.reason      where there is none: why
"""

from holdfast.diagnosis.traces.patterns import Pattern, PatternReport
from holdfast.diagnosis.traces.predicates import Called, Interval, Predicate, Value
from holdfast.diagnosis.traces.search import SearchSettings, find_patterns
from holdfast.diagnosis.traces.table import RequestTable, request_table

__all__ = [
    "Called",
    "Interval",
    "Pattern",
    "PatternReport",
    "Predicate",
    "RequestTable",
    "SearchSettings",
    "Value",
    "find_patterns",
    "request_table",
]
