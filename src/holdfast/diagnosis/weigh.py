"""The arithmetic of belief: log-odds, one likelihood ratio per group of questions.

    log odds = log(1 / n) + sum over groups of
        log(sensitivity / false_alarm)                where the group supports
        log((1 - sensitivity) / (1 - false_alarm))    where it contradicts
        0                                             where it is unknown

n rivals and `something that is not listed` are equally likely beforehand: 1 / (n + 1) each. The
groups are taken as independent given the cause (naive Bayes). The sensitivities are assumptions in
patterns.py, not measurements of this incident: confidence ranks, the predictions decide.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from holdfast.diagnosis.observe import Reading
from holdfast.diagnosis.question import Question

_FLOOR = 0.01
"""Assumed sensitivities carry no more certainty than this."""


def prior(rivals: int) -> float:
    """Return the probability of each of `rivals` hypotheses before anything is measured."""
    return 1 / (rivals + 1)


def confidence(prior_probability: float, answers: Iterable[tuple[Question, Reading]]) -> float:
    """Return the probability after the answers: four digits, from 0.01 to 0.99."""
    odds = math.log(prior_probability / (1 - prior_probability))
    odds += sum(log_likelihood_ratio(question, reading) for question, reading in answers)
    posterior = 1 / (1 + math.exp(-odds))
    return round(min(max(posterior, _FLOOR), 1 - _FLOOR), 4)


def log_likelihood_ratio(question: Question, reading: Reading) -> float:
    """Return by how much an answer moves the log-odds (natural logarithm)."""
    if reading == "supports":
        return math.log(question.sensitivity / question.false_alarm)
    if reading == "contradicts":
        return math.log((1 - question.sensitivity) / (1 - question.false_alarm))
    return 0.0
