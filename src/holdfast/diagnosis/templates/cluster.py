"""Masked messages that differ in a word or two are of one template; which words are its own.

Messages of one length and first word are compared word by word, the most frequent first (as Drain:
He et al., ICWS 2017). Then each word that varies is judged by its values: few plain words are the
texts of different templates ("opened", "closed"), many or odd ones are a variable's values.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from holdfast.diagnosis.templates.masks import WILDCARD

Tokens = tuple[str, ...]

SIMILAR = 0.6
"""The share of words in common, of those that are no wildcard in either."""

FEW_WORDS = 5
"""A place with no more values than this, all of them plain words, tells templates apart."""

MANY_WORDS = 6
"""Templates that differ in one place alone are one from this number of values on."""

MOST_CLUSTERS = 100
"""Per length and first word; what is like none of so many is of one template, the catch-all."""

_NAMING_WORDS = """
    user username account host hostname node instance pod service server client peer
    for from by name named called queue topic table database db file
"""
NAMING = frozenset(_NAMING_WORDS.split())
"""After these words a name follows, which varies even where few names were seen."""


@dataclass
class _Cluster:
    tokens: list[str]
    members: list[Tokens] = field(default_factory=list[Tokens])


def cluster(messages: Mapping[str, int]) -> dict[str, str]:
    """Return the template of each masked message. `messages`: how often each occurs."""
    buckets: dict[tuple[int, str], list[Tokens]] = defaultdict(list)
    for message in sorted(messages, key=lambda text: (-messages[text], text)):
        tokens = tuple(message.split())
        buckets[len(tokens), next((t for t in tokens if t != WILDCARD), "")].append(tokens)
    groups: dict[Tokens, list[Tokens]] = defaultdict(list)
    for bucket in buckets.values():
        for found in _leaders(bucket):
            for members in _split(found.members):
                groups[_common(members)] += members
    merged = _merge(groups)
    return {" ".join(one): " ".join(text) for text, members in merged.items() for one in members}


def _leaders(bucket: Iterable[Tokens]) -> list[_Cluster]:
    """Join each message to the first cluster that is like it, or open one."""
    clusters: list[_Cluster] = []
    for tokens in bucket:
        home = next((one for one in clusters if _alike(one.tokens, tokens)), None)
        if home is None and len(clusters) < MOST_CLUSTERS:
            clusters.append(_Cluster(list(tokens), [tokens]))
            continue
        home = home or clusters[-1]
        home.members.append(tokens)
        for place, token in enumerate(tokens):
            if home.tokens[place] != token:
                home.tokens[place] = WILDCARD
    return clusters


def _alike(template: list[str], tokens: Tokens) -> bool:
    same = compared = 0
    for own, other in zip(template, tokens, strict=True):
        if own != WILDCARD and other != WILDCARD:
            compared += 1
            same += own == other
    return same >= SIMILAR * compared and (same > 0 or compared == 0)


def _split(members: list[Tokens]) -> list[list[Tokens]]:
    """Split where a place holds few plain words, which are the text itself."""
    for place in range(len(members[0])):
        values = {tokens[place] for tokens in members}
        before = members[0][place - 1] if place else ""
        if 1 < len(values) <= FEW_WORDS and _are_text(values, before):
            parts: dict[str, list[Tokens]] = defaultdict(list)
            for tokens in members:
                parts[tokens[place]].append(tokens)
            return [leaf for part in parts.values() for leaf in _split(part)]
    return [members]


def _are_text(values: set[str], before: str) -> bool:
    if before.lower().strip(":='\"([") in NAMING or before.endswith("="):
        return False
    return all(value.strip(".,;:!?()[]'\"").isalpha() for value in values)


def _common(members: list[Tokens]) -> Tokens:
    places = zip(*members, strict=True)
    return tuple(place[0] if len(set(place)) == 1 else WILDCARD for place in places)


def _merge(groups: Mapping[Tokens, list[Tokens]]) -> dict[Tokens, list[Tokens]]:
    """Join templates that differ in one place alone, where that place has many values."""
    current = dict(groups)
    longest = max((len(tokens) for tokens in current), default=0)
    for place in range(longest):
        rivals: dict[tuple[Tokens, Tokens], list[Tokens]] = defaultdict(list)
        for tokens in current:
            if place < len(tokens):
                rivals[tokens[:place], tokens[place + 1 :]].append(tokens)
        for (left, right), same in rivals.items():
            has_text = any(token != WILDCARD for token in (*left, *right))
            many = len(same) >= MANY_WORDS or (len(same) > 1 and (*left, WILDCARD, *right) in same)
            if many and has_text:
                members = [one for tokens in same for one in current.pop(tokens)]
                current[*left, WILDCARD, *right] = members
    return current
