"""Checks the burn-rate thresholds that stand in files: rule files, OpenSLO, our configuration.

A threshold is typed in, so it can be wrong: too high ever to be reached, below what the budget
sustains, not what the annotation says, not the same in both windows. Where a file says for which
share of the budget it is meant, that is compared; where it does not, the share is calculated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

from holdfast.catalog.config import parse_config
from holdfast.catalog.documents import parse_documents, read_text
from holdfast.catalog.openslo import from_openslo
from holdfast.catalog.openslo_schema import API_VERSION
from holdfast.errors import ConfigError
from holdfast.model.claim import CheckedClaim
from holdfast.model.slo import SLO
from holdfast.slo.burn import burn_rate_threshold, error_ratio_threshold
from holdfast.slo.claims.arithmetic import Given
from holdfast.slo.claims.check import NOBODY
from holdfast.slo.claims.conditions import check_conditions
from holdfast.slo.claims.quantities import hours, in_words, time_in_words
from holdfast.slo.claims.rule_thresholds import check_rule
from holdfast.slo.lint import contradictions, problems
from holdfast.slo.rule_files import read_rules


def check_file(path: Path, given: Given = NOBODY) -> tuple[CheckedClaim, ...]:
    """Return one claim for each threshold of a file.

    Raises ConfigError, naming the file, where it is none of the kinds that are understood.
    """
    text = read_text(path, "file of rules or objectives")
    documents = parse_documents(text, path)
    kinds = {_kind(document) for document in documents}
    if kinds == {"rules"}:
        claims = [claim for rule in read_rules(path) for claim in check_rule(rule, given)]
    elif kinds == {"configuration"}:
        claims = list(_checked_slos(parse_config(text, path).slos))
    elif kinds and kinds <= {"openslo"}:
        has_slo = any(_fields(document).get("kind") == "SLO" for document in documents)
        slos = from_openslo(text, path) if has_slo else ()
        claims = list(_checked_slos(slos))
        claims += check_conditions([_fields(document) for document in documents], slos, given)
    else:
        raise ConfigError(
            f"{path}: it is no rule file, no OpenSLO document and no configuration of Holdfast",
            hint="a rule file has `groups`, OpenSLO `apiVersion: openslo/v1`, ours `slos`",
        )
    if not claims:
        raise ConfigError(
            f"{path}: no burn-rate threshold was found in it",
            hint="a threshold compares a ratio over a window with a number: `… [1h] … > 0.0144`",
        )
    return tuple(claim.model_copy(update={"source": str(path)}) for claim in claims)


def _kind(document: object) -> str:
    fields = _fields(document)
    if "groups" in fields:
        return "rules"
    if fields.get("apiVersion") == API_VERSION:
        return "openslo"
    return "configuration" if "slos" in fields else "unknown"


def _fields(document: object) -> dict[str, object]:
    return cast("dict[str, object]", document) if isinstance(document, dict) else {}


def _checked_slos(slos: Iterable[SLO]) -> Iterator[CheckedClaim]:
    """Thresholds of ours follow from (budget fraction, window, period): they can only not fit."""
    for slo in slos:
        terms = [
            f"{tier.name}: {in_words('P', tier.budget_fraction)} x {hours(slo.period_seconds)} / "
            f"{hours(tier.long_window_seconds)} = {burn_rate_threshold(tier, slo):.4g}x, threshold "
            f"{error_ratio_threshold(tier, slo):.4g}"
            for tier in slo.tiers
        ]
        yield CheckedClaim(
            statement=f"{slo.name}: {100 * slo.objective:g} % over "
            f"{time_in_words(slo.period_seconds)}, {len(slo.tiers)} tiers",
            verdict="wrong" if contradictions(slo) or not slo.tiers else "right",
            arithmetic="; ".join(terms),
            notes=problems(slo),
        )
